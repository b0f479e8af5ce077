// /openapi/v2 and /openapi/v3, made when asked for.
#pragma once

#include "apiserver/endpoints/api_handler.h"

namespace pintle::apiserver {

void add_openapi_pages(ApiHandler& handler);

}  // namespace pintle::apiserver
