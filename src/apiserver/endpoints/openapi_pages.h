// /openapi/v2 and /openapi/v3 of the built-in resources, made when asked for.
#pragma once

#include "apimachinery/discovery/served_set.h"
#include "apiserver/endpoints/api_handler.h"

namespace pintle::apiserver::endpoints {

// `registry` outlives the handler.
void add_openapi_pages(ApiHandler& handler, const registry::InstalledRegistry& registry);

}  // namespace pintle::apiserver::endpoints
