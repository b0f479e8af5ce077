// DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or not reachable, unless it says otherwise.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

constexpr int64_t toleration_seconds_default = 300;

std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(int64_t not_ready_seconds, int64_t unreachable_seconds);

}  // namespace pintle::apiserver
