// What a call costs at run time, by function and by the sizes of what it got. Source: cel-go's interpreter (runtimecost) and Kubernetes'
// estimator of its libraries.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

constexpr uint64_t access_cost = 1;  // a name, a selection, an index
constexpr uint64_t list_cost = 10, map_cost = 30, struct_cost = 40;
constexpr double string_factor = 0.1, regex_factor = 0.25;

enum class CostRule : uint8_t {
  One,
  Check,       // an authorizer is asked
  Selector,    // fieldSelector, labelSelector
  Traversal,   // of the first argument, elements of elements
  FirstSize,   // size of the first argument, a tenth each
  FirstTwice,  // two tenths
  ResultTwice,
  Regex,  // first times second
  ContainsIp,
  ContainsIpText,
  ContainsCidr,
  ContainsCidrText,
  Validate,
  SecondSize,   // one each: x in list
  SmallerSize,  // of both, a tenth
  BothSizes,    // their sum, a tenth
  Substring,    // first times second, a tenth each
  Equality,
  Product,  // one each
  ProductTwice,
  NewList,       // as long as the result
  Flatten,       // first times levels
  SelfCompared,  // every element with every other
  SelfComparedKeys,
};

inline bool depends_on_result(CostRule rule) { return rule == CostRule::ResultTwice || rule == CostRule::NewList; }

// `overload`: "" where more than one fits the types.
CostRule cost_rule(std::string_view function, std::string_view overload);
uint64_t call_cost(CostRule rule, std::span<const Value> args, const Value& result, Arena& arena);

}  // namespace pintle::apimachinery::cel
