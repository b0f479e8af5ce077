// Signs JSON Web Tokens (RFC 7519, RFC 7515 in compact form).
#pragma once

#include <string>

#include "base/status.h"
#include "codec/value.h"
#include "component/certificate/keys.h"

namespace pintle::component {

// The signed token; its header carries the algorithm and the key's id.
Result<std::string> sign_web_token(const PrivateKey& key, const codec::Value& claims);

}  // namespace pintle::component
