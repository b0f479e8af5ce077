// Reads what the runtime has of pods. What an earlier look has seen and cannot have changed is not asked for again.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "cri/runtime_client.h"
#include "kubelet/types/pod_state.h"
#include "rt/runtime.h"

namespace pintle::kubelet::runtime {

// One pod. `previous`: the look before this one.
rt::Task<Result<PodState>> observe_pod(cri::RuntimeClient& runtime, rt::Context ctx, std::string uid, PodState previous);

// Every pod that the runtime has something of, by uid, without what only the status of a container says (times, exit codes, addresses).
rt::Task<Result<std::map<std::string, PodState>>> observe_all(cri::RuntimeClient& runtime, rt::Context ctx);

}  // namespace pintle::kubelet::runtime
