// The scale of what an autoscaler scales, read and written through the subresource /scale of whatever kind it is.
#pragma once

#include <string>

#include "api/gen/autoscaling_v2.h"
#include "controller/horizontal_pod_autoscaler/kinds.h"

namespace pintle::controller::horizontal_pod_autoscaler {

struct Scale {
  client::Resource resource;
  std::string namespace_name;
  std::string name;
  codec::Value document;  // as it was read: written back but for the number
  int32_t wanted = 0;     // spec.replicas
  int32_t actual = 0;     // status.replicas
  std::string selector;   // of its pods; "": it says none
};
// Pure. Numbers that are none count as 0.
void read_scale(Scale& scale);

// An error's message is what the event FailedGetScale says.
rt::Task<Result<Scale>> get_scale(client::Client& client, Kinds& kinds, rt::Context ctx, std::string namespace_name,
                                  api::autoscaling_v2::CrossVersionObjectReference target);
// Good for the revision that was read. After a conflict the scale is read and written again, `writes_max` times in all.
inline constexpr int writes_max = 5;
rt::Task<Result<Unit>> put_scale(client::Client& client, rt::Context ctx, Scale scale, int32_t replicas);

}  // namespace pintle::controller::horizontal_pod_autoscaler
