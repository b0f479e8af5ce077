// /debug/api_priority_and_fairness/: who waits where, as columns that upstream's tools read.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/fairness/fairness.h"

namespace pintle::apiserver::fairness {

constexpr std::string_view debug_prefix = "/debug/api_priority_and_fairness/";

// `page` "dump_priority_levels", "dump_queues" or "dump_requests" (`details`: with what each asks for); "" for others.
std::string debug_page(const Fairness& fairness, std::string_view page, bool details, rt::WallTime wall_now, rt::TimePoint now);

}  // namespace pintle::apiserver::fairness
