// What costs of rules are estimated with: the sizes of the values that a rule sees, and sums that stick to the largest number.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "apimachinery/cel/cost.h"
#include "apimachinery/cel/type.h"
#include "apimachinery/schema/rule_types.h"

namespace pintle::apimachinery::schema {

uint64_t cost_product(uint64_t a, uint64_t b);
uint64_t cost_sum(uint64_t a, uint64_t b);

// What stands around a value at the least: in a list (","), in a map ("\"\":,").
constexpr uint64_t around_item_bytes = 1;
constexpr uint64_t around_member_bytes = 4;

// Sizes as upstream's estimator takes them: of self, whatever variable a path begins with, so that names of types have none.
class SelfSizes final : public cel::SizeSource {
 public:
  explicit SelfSizes(cel::TypeRef self) : self_(self) {}
  std::optional<cel::SizeEstimate> size(std::span<const std::string_view> path, cel::TypeRef) const override;

 private:
  const cel::TypeRef self_;
};

// The sizes that values can have within so many bytes of JSON, at least 1.
class SizesWithin final : public cel::SizeSource {
 public:
  enum class Declared : uint8_t { Counts, Ignored };
  // `types` gave `self`.
  SizesWithin(const RuleTypes& types, cel::TypeRef self, uint64_t bytes, Declared declared)
      : types_(types), self_(self), bytes_(bytes), declared_(declared) {}
  std::optional<cel::SizeEstimate> size(std::span<const std::string_view> path, cel::TypeRef) const override;

 private:
  const RuleTypes& types_;
  const cel::TypeRef self_;
  const uint64_t bytes_;
  const Declared declared_;  // maxItems and its like
};

}  // namespace pintle::apimachinery::schema
