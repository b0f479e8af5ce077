// Label selectors: "app=web,tier in (a,b),!canary". The grammar, the canonical text and the matching are those of
// upstream's labels package. A selector is a conjunction of requirements; without any it matches everything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_map.h"
#include "base/status.h"

namespace pintle::apimachinery {

enum class LabelOperator : uint8_t {
  Equals,        // key=value
  DoubleEquals,  // key==value, the same meaning
  NotEquals,     // key!=value: also where the key is absent
  In,
  NotIn,  // also where the key is absent
  Exists,
  DoesNotExist,
  GreaterThan,  // both sides are 64-bit integers, or it does not match
  LessThan,
};

class LabelRequirement {
 public:
  // Invalid: BadRequest. Equals and its kin take one value, In and NotIn at least one, the comparisons an integer.
  static Result<LabelRequirement> make(std::string key, LabelOperator op, std::vector<std::string> values);

  const std::string& key() const { return key_; }
  LabelOperator op() const { return op_; }
  const std::vector<std::string>& values() const { return values_; }  // sorted, unique
  // `labels`: a FlatMap<std::string>, or a ViewMap of labels read in place.
  template <class Labels>
  bool matches(const Labels& labels) const {
    const auto* value = labels.get(key_);
    return value == nullptr ? matches_absence() : matches_value(*value);
  }
  bool matches_value(std::string_view value) const;
  bool matches_absence() const { return op_ == LabelOperator::NotEquals || op_ == LabelOperator::NotIn || op_ == LabelOperator::DoesNotExist; }
  void append_to(std::string& out) const;
  bool operator==(const LabelRequirement&) const = default;

 private:
  std::string key_;
  LabelOperator op_ = LabelOperator::Exists;
  std::vector<std::string> values_;
  int64_t bound_ = 0;  // of the comparisons
};

class LabelSelector {
 public:
  LabelSelector() = default;  // everything
  explicit LabelSelector(std::vector<LabelRequirement> requirements);
  static LabelSelector nothing();
  // BadRequest, with what was found and what was expected, on a syntax error, a bad key or a bad value.
  static Result<LabelSelector> parse(std::string_view text);
  // Exactly these labels (Service.spec.selector). Not validated; empty matches everything.
  static LabelSelector from_set(const FlatMap<std::string>& labels);

  // `labels`: a FlatMap<std::string>, or a ViewMap of labels read in place.
  template <class Labels>
  bool matches(const Labels& labels) const {
    if (nothing_) return false;
    for (const LabelRequirement& requirement : requirements_)
      if (!requirement.matches(labels)) return false;
    return true;
  }
  bool matches_everything() const { return !nothing_ && requirements_.empty(); }
  bool matches_nothing() const { return nothing_; }
  std::span<const LabelRequirement> requirements() const { return requirements_; }
  // The value that `key` must have to match, where the selector demands exactly one.
  std::optional<std::string_view> exact_value(std::string_view key) const;
  // Canonical: sorted by key. "" for everything and for nothing.
  std::string to_string() const;

 private:
  std::vector<LabelRequirement> requirements_;
  bool nothing_ = false;
};

// metav1.LabelSelectorRequirement's operator names: In, NotIn, Exists, DoesNotExist; no value for another.
std::optional<LabelOperator> parse_expression_operator(std::string_view name);

// From any metav1.LabelSelector-shaped value (matchLabels, matchExpressions); nullptr matches nothing, an empty one
// everything. A template so that this header needs no generated type.
template <class Selector>
Result<LabelSelector> to_label_selector(const Selector* selector) {
  if (selector == nullptr) return LabelSelector::nothing();
  std::vector<LabelRequirement> requirements;
  for (const auto& [key, value] : selector->match_labels) {
    TRY_ASSIGN(auto requirement, LabelRequirement::make(key, LabelOperator::Equals, {value}));
    requirements.push_back(std::move(requirement));
  }
  for (const auto& expression : selector->match_expressions) {
    const auto op = parse_expression_operator(expression.operator_);
    if (!op) return bad_request("\"" + std::string(expression.operator_) + "\" is not a valid label selector operator");
    TRY_ASSIGN(auto requirement, LabelRequirement::make(expression.key, *op, expression.values));
    requirements.push_back(std::move(requirement));
  }
  return LabelSelector(std::move(requirements));
}

}  // namespace pintle::apimachinery
