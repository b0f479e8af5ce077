// /openapi/v2 and /openapi/v3: documents of published/, their tags and how long they may be kept.
#pragma once

#include "apiserver/endpoints/api_handler.h"
#include "apiserver/published/openapi_documents.h"

namespace pintle::apiserver::endpoints {

// Both outlive the handler.
void add_openapi_pages(ApiHandler& handler, rt::Runtime& runtime, published::OpenApiDocuments& documents);

}  // namespace pintle::apiserver::endpoints
