// Field selectors: "metadata.name=a,status.phase!=Running". Which fields a resource offers is the caller's business.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apimachinery {

struct FieldRequirement {
  std::string field;
  std::string value;
  bool equals = true;  // false: !=
  bool operator==(const FieldRequirement&) const = default;
};

class FieldSelector {
 public:
  FieldSelector() = default;  // everything
  explicit FieldSelector(std::vector<FieldRequirement> requirements) : requirements_(std::move(requirements)) {}
  // field=value, field==value, field!=value, joined by commas; in values, a backslash escapes itself, ',' and '='.
  static Result<FieldSelector> parse(std::string_view text);

  // `value_of` gives a field's value, "" where the object has none.
  template <class ValueOf>
  bool matches(ValueOf&& value_of) const {
    for (const FieldRequirement& requirement : requirements_)
      if ((std::string_view(value_of(requirement.field)) == requirement.value) != requirement.equals) return false;
    return true;
  }
  bool empty() const { return requirements_.empty(); }
  std::span<const FieldRequirement> requirements() const { return requirements_; }
  // The value that `field` must equal, if one is demanded.
  std::optional<std::string_view> exact_value(std::string_view field) const;
  // Canonical, with escapes.
  std::string to_string() const;

 private:
  std::vector<FieldRequirement> requirements_;
};

}  // namespace pintle::apimachinery
