// /openapi/v2 and /openapi/v3 of the built-in resources, made when asked for.
#pragma once

#include "apimachinery/discovery/served_set.h"
#include "apiserver/endpoints/api_handler.h"
#include "apiserver/published/further.h"

namespace pintle::apiserver::endpoints {

// With the documents of `further` among them. All outlive the handler.
void add_openapi_pages(ApiHandler& handler, const registry::InstalledRegistry& registry, const published::FurtherServers& further);

}  // namespace pintle::apiserver::endpoints
