// /debug/pprof/: what upstream serves with --profiling. Of its profiles there is the heap's.
#pragma once

#include "apiserver/endpoints/api_handler.h"
#include "rt/runtime.h"

namespace pintle::apiserver::endpoints {

// `runtime` outlives the handler.
void add_profile_pages(ApiHandler& handler, rt::Runtime& runtime);

}  // namespace pintle::apiserver::endpoints
