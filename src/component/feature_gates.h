// Feature gates: the features that an operator can switch, with their stage and default in this version, one table for
// every component. FeatureGates is a constant value once made; copy it into what needs it.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::component {

enum class FeatureStage : uint8_t { Alpha, Beta, GA, Deprecated };

struct FeatureSpec {
  std::string_view name;
  FeatureStage stage = FeatureStage::Alpha;
  bool on = false;      // by default
  bool locked = false;  // cannot be set to anything else
};

// Sorted by name. AllAlpha and AllBeta, which switch a whole stage, are among them.
std::span<const FeatureSpec> known_features();
// nullptr: no such feature.
const FeatureSpec* find_feature(std::string_view name);

class FeatureGates {
 public:
  // Everything at its default.
  FeatureGates();
  // --feature-gates and the featureGates of a config file. A gate that is named wins over AllAlpha and AllBeta.
  // BadRequest with one line for an unknown gate, one that is locked to its default, or a value that is no boolean.
  static Result<FeatureGates> parse(const std::map<std::string, std::string>& wanted);
  static Result<FeatureGates> parse(const std::map<std::string, bool>& wanted);

  // CHECKs that there is such a feature: the name comes from our code or our schema.
  bool enabled(std::string_view name) const;

 private:
  static constexpr std::size_t features_max = 512;
  std::bitset<features_max> on_;  // by place in known_features()
};

}  // namespace pintle::component
