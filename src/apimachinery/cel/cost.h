// Costs: what an evaluation may use up, in upstream's units (one is about 50 ns of upstream's interpreter), so that an expression is
// accepted, refused and cut off as upstream does it. Source: k8s.io/apiserver/pkg/apis/cel, cel-go's checker and interpreter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "apimachinery/cel/type.h"

namespace pintle::apimachinery::cel {

constexpr uint64_t per_call_cost_max = 1'000'000;               // one expression
constexpr uint64_t runtime_cost_max = 10'000'000;               // all expressions of a policy, all rules of an object
constexpr uint64_t match_conditions_cost_max = 10'000'000 / 4;  // of a webhook or an authorizer
constexpr uint64_t rule_estimate_max = 10'000'000;              // an x-kubernetes-validations rule's estimate
constexpr uint64_t definition_estimate_max = 100'000'000;       // all rules of a custom resource definition
constexpr std::size_t request_bytes_max = 3 << 20;              // sizes that no declaration bounds follow from it

// Sums and products stick to the largest number.
struct CostEstimate {
  uint64_t min = 0, max = 0;
  bool operator==(const CostEstimate&) const = default;
};
struct SizeEstimate {
  uint64_t min = 0, max = UINT64_MAX;
  bool operator==(const SizeEstimate&) const = default;
};

// Sizes that the types do not tell. `path` begins with a variable; then fields, "@items", "@keys", "@values".
class SizeSource {
 public:
  virtual std::optional<SizeEstimate> size(std::span<const std::string_view> path, TypeRef type) const = 0;

 protected:
  ~SizeSource() = default;
};

}  // namespace pintle::apimachinery::cel
