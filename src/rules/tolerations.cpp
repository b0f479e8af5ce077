#include "rules/tolerations.h"

#include <charconv>

namespace pintle::rules {

using api::core_v1::Taint;
using api::core_v1::Toleration;

namespace {

uint8_t bit_of(std::string_view effect) {
  if (effect == "NoSchedule") return static_cast<uint8_t>(TaintEffects::NoSchedule);
  if (effect == "PreferNoSchedule") return static_cast<uint8_t>(TaintEffects::PreferNoSchedule);
  return effect == "NoExecute" ? static_cast<uint8_t>(TaintEffects::NoExecute) : 0;
}

}  // namespace

std::optional<int64_t> canonical_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.starts_with('0') && text != "0") return std::nullopt;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool tolerates(const Toleration& toleration, const Taint& taint, bool comparisons) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  const std::string& op = toleration.operator_;
  if (op.empty() || op == "Equal") return toleration.value == taint.value;
  if (op == "Exists") return true;
  if (!comparisons || (op != "Lt" && op != "Gt")) return false;
  const auto bound = canonical_integer(toleration.value), value = canonical_integer(taint.value);
  if (!bound || !value) return false;
  return op == "Lt" ? *value < *bound : *value > *bound;
}

const Toleration* find_toleration(std::span<const Toleration> tolerations, const Taint& taint, bool comparisons) {
  for (const Toleration& toleration : tolerations)
    if (tolerates(toleration, taint, comparisons)) return &toleration;
  return nullptr;
}

bool has_effect(const Taint& taint, TaintEffects effects) { return (bit_of(taint.effect) & static_cast<uint8_t>(effects)) != 0; }

const Taint* untolerated_taint(std::span<const Taint> taints, std::span<const Toleration> tolerations, TaintEffects effects, bool comparisons) {
  for (const Taint& taint : taints)
    if (has_effect(taint, effects) && !is_tolerated(tolerations, taint, comparisons)) return &taint;
  return nullptr;
}

}  // namespace pintle::rules
