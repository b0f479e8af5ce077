// /openapi/v2 and /openapi/v3, made when asked for.
#pragma once

#include "apimachinery/discovery/served_set.h"
#include "apiserver/endpoints/api_handler.h"

namespace pintle::apiserver::endpoints {

// `served` outlives the handler.
void add_openapi_pages(ApiHandler& handler, const apimachinery::ServedSet& served);

}  // namespace pintle::apiserver::endpoints
