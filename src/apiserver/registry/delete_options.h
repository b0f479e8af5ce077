// The rules of DeleteOptions, wherever they come from: the body or the parameters of a DELETE, or inside an Eviction.
#pragma once

#include "api/gen/meta_v1.h"
#include "base/status.h"

namespace pintle::apiserver::registry {

// Invalid, naming every field at fault.
Result<Unit> check_delete_options(const api::meta_v1::DeleteOptions& options);

}  // namespace pintle::apiserver::registry
