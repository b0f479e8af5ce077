// The serving certificate where none is given: self-signed, made once and kept.
#pragma once

#include <string>

#include "apiserver/options.h"
#include "base/status.h"
#include "rt/runtime.h"

namespace pintle::apiserver {

// Fills options.tls_cert_file and tls_private_key_file with files under `folder`, making them if they are not there.
Result<Unit> ensure_serving_certificate(rt::Runtime& runtime, ApiServerOptions& options, const std::string& folder);

}  // namespace pintle::apiserver
