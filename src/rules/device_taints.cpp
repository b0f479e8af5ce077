#include "rules/device_taints.h"

namespace pintle::rules {

using api::resource_v1::DeviceTaint;
using api::resource_v1::DeviceToleration;

bool tolerates_device_taint(const DeviceToleration& toleration, const DeviceTaint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  return (toleration.operator_.empty() || toleration.operator_ == "Equal") && toleration.value == taint.value;
}

bool device_taint_keeps_off(const DeviceTaint& taint, std::span<const DeviceToleration> tolerations) {
  if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") return false;
  for (const DeviceToleration& toleration : tolerations)
    if (tolerates_device_taint(toleration, taint)) return false;
  return true;
}

}  // namespace pintle::rules
