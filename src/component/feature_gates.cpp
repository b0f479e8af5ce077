#include "component/feature_gates.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "component/flags.h"

namespace pintle::component {

namespace {

constexpr std::string_view all_alpha = "AllAlpha";
constexpr std::string_view all_beta = "AllBeta";

std::size_t place_of(const FeatureSpec& spec) { return static_cast<std::size_t>(&spec - known_features().data()); }

}  // namespace

const FeatureSpec* find_feature(std::string_view name) {
  const auto features = known_features();
  const auto it = std::ranges::lower_bound(features, name, {}, &FeatureSpec::name);
  return it != features.end() && it->name == name ? &*it : nullptr;
}

FeatureGates::FeatureGates() {
  const auto features = known_features();
  CHECK(features.size() <= features_max, "raise features_max");
  for (std::size_t i = 0; i < features.size(); ++i) on_[i] = features[i].on;
}

Result<FeatureGates> FeatureGates::parse(const std::map<std::string, bool>& wanted) {
  FeatureGates gates;
  for (const auto& [name, on] : wanted) {
    const FeatureSpec* spec = find_feature(name);
    if (spec == nullptr) return bad_request("unrecognized feature gate: " + name);
    if (spec->locked && spec->on != on) return bad_request(fmt::format("feature gate {} cannot be {}: it is locked to {}", name, on, spec->on));
    gates.on_[place_of(*spec)] = on;
  }
  for (const auto& [flag, stage] : {std::pair{all_alpha, FeatureStage::Alpha}, std::pair{all_beta, FeatureStage::Beta}}) {
    const auto it = wanted.find(std::string(flag));
    if (it == wanted.end()) continue;
    for (const FeatureSpec& spec : known_features()) {
      if (spec.stage != stage || spec.locked || spec.name == all_alpha || spec.name == all_beta || wanted.contains(std::string(spec.name))) continue;
      gates.on_[place_of(spec)] = it->second;
    }
  }
  return gates;
}

Result<FeatureGates> FeatureGates::parse(const std::map<std::string, std::string>& wanted) {
  std::map<std::string, bool> values;
  for (const auto& [name, text] : wanted) {
    const auto value = parse_go_bool(text);
    if (!value) return bad_request(fmt::format("invalid value of {}={}: must be true or false", name, text));
    values[name] = *value;
  }
  return parse(values);
}

bool FeatureGates::enabled(std::string_view name) const {
  const FeatureSpec* spec = find_feature(name);
  CHECK(spec != nullptr, "no feature " + std::string(name));
  return on_[place_of(*spec)];
}

}  // namespace pintle::component
