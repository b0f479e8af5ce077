#include "controller/objects/tolerations.h"

#include <algorithm>

namespace pintle::controller {

using api::core_v1::Taint;
using api::core_v1::Toleration;

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_ == "Exists") return true;
  return (toleration.operator_.empty() || toleration.operator_ == "Equal") && !toleration.key.empty() && toleration.value == taint.value;
}

bool is_tolerated(const Taint& taint, const std::vector<Toleration>& tolerations) {
  return std::ranges::any_of(tolerations, [&](const Toleration& toleration) { return tolerates(toleration, taint); });
}

}  // namespace pintle::controller
