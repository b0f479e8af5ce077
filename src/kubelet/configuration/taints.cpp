#include "kubelet/configuration/taints.h"

#include <set>
#include <utility>

#include "apimachinery/validation/formats.h"

namespace pintle::kubelet::configuration {

namespace {

using api::core_v1::Taint;

bool is_effect(std::string_view effect) { return effect == "NoSchedule" || effect == "PreferNoSchedule" || effect == "NoExecute"; }

}  // namespace

Result<Taint> parse_taint(std::string_view text) {
  Taint out;
  const auto colon = text.rfind(':');
  const std::string_view name = text.substr(0, colon);
  const auto equals = name.find('=');
  out.key = name.substr(0, equals);
  if (equals != std::string_view::npos) out.value = name.substr(equals + 1);
  if (colon != std::string_view::npos) out.effect = text.substr(colon + 1);
  if (out.key.empty() || !is_effect(out.effect))
    return bad_request("a taint is key=value:effect with NoSchedule, PreferNoSchedule or NoExecute, not \"" + std::string(text) + "\"");
  return out;
}

Result<Unit> check_taints(const std::vector<Taint>& taints) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Taint& taint : taints) {
    const std::string shown = taint.key + "=" + taint.value + ":" + taint.effect;
    if (!is_effect(taint.effect)) return error(Reason::Invalid, shown + " has an effect that there is not");
    for (const auto& faults : {apimachinery::check_qualified_name(taint.key), apimachinery::check_label_value(taint.value)})
      if (!faults.empty()) return error(Reason::Invalid, shown + ": " + faults.front());
    if (!seen.emplace(taint.key, taint.effect).second) return error(Reason::Invalid, shown + ": its key has that effect twice");
  }
  return Unit{};
}

}  // namespace pintle::kubelet::configuration
