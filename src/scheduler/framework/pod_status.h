// What the scheduler writes into the status of a pod.
#pragma once

#include "client/client.h"
#include "codec/value.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler {

// A strategic merge patch of the members given, for this very pod: Conflict if another has its name by then.
rt::Task<Result<Unit>> patch_status(client::Client& client, rt::Context ctx, PodPtr pod, codec::Value status);

}  // namespace pintle::scheduler
