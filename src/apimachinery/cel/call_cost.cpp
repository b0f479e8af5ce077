#include "apimachinery/cel/call_cost.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pintle::apimachinery::cel {
namespace {

constexpr uint64_t authorizer_check_cost = 350'000;  // two fit into a call's limit
constexpr double requirement_cost = list_cost + struct_cost, requirements_per_character = 0.5;
constexpr uint64_t format_regex_size = 128;  // of the largest named format

uint64_t scaled(uint64_t size, double factor) { return static_cast<uint64_t>(std::ceil(static_cast<double>(size) * factor)); }

struct Named {
  std::string_view name;
  CostRule rule;
};
// By function, whichever the overload: Kubernetes' own.
constexpr Named by_function[] = {
    {"check", CostRule::Check},
    {"fieldSelector", CostRule::Selector},
    {"labelSelector", CostRule::Selector},
    {"isSorted", CostRule::Traversal},
    {"sum", CostRule::Traversal},
    {"max", CostRule::Traversal},
    {"min", CostRule::Traversal},
    {"indexOf", CostRule::Traversal},
    {"lastIndexOf", CostRule::Traversal},
    {"url", CostRule::FirstSize},
    {"lowerAscii", CostRule::FirstSize},
    {"upperAscii", CostRule::FirstSize},
    {"substring", CostRule::FirstSize},
    {"trim", CostRule::FirstSize},
    {"jsonpatch.escapeKey", CostRule::FirstSize},
    {"replace", CostRule::FirstTwice},
    {"split", CostRule::FirstTwice},
    {"join", CostRule::ResultTwice},
    {"find", CostRule::Regex},
    {"findAll", CostRule::Regex},
    {"cidr", CostRule::FirstSize},
    {"isIP", CostRule::FirstSize},
    {"isCIDR", CostRule::FirstSize},
    {"ip", CostRule::FirstSize},
    {"ip.isCanonical", CostRule::FirstTwice},
    {"containsIP", CostRule::ContainsIp},
    {"containsCIDR", CostRule::ContainsCidr},
    {"quantity", CostRule::FirstSize},
    {"isQuantity", CostRule::FirstSize},
    {"semver", CostRule::FirstSize},
    {"isSemver", CostRule::FirstSize},
    {"validate", CostRule::Validate},
    {"_==_", CostRule::Equality},
};
constexpr Named by_overload[] = {
    {"starts_with_string", CostRule::FirstSize},
    {"ends_with_string", CostRule::FirstSize},
    {"string_to_bytes", CostRule::FirstSize},
    {"bytes_to_string", CostRule::FirstSize},
    {"strings_quote", CostRule::FirstSize},
    {"string_format", CostRule::FirstSize},
    {"in_list", CostRule::SecondSize},
    {"less_string", CostRule::SmallerSize},
    {"greater_string", CostRule::SmallerSize},
    {"less_equals_string", CostRule::SmallerSize},
    {"greater_equals_string", CostRule::SmallerSize},
    {"less_bytes", CostRule::SmallerSize},
    {"greater_bytes", CostRule::SmallerSize},
    {"less_equals_bytes", CostRule::SmallerSize},
    {"greater_equals_bytes", CostRule::SmallerSize},
    {"not_equals", CostRule::SmallerSize},
    {"add_string", CostRule::BothSizes},
    {"add_bytes", CostRule::BothSizes},
    {"matches_string", CostRule::Regex},
    {"contains_string", CostRule::Substring},
    {"list_sets_contains_list", CostRule::Product},
    {"list_sets_intersects_list", CostRule::Product},
    {"list_sets_equivalent_list", CostRule::ProductTwice},
    {"list_slice", CostRule::NewList},
    {"list_flatten", CostRule::Flatten},
    {"list_flatten_int", CostRule::Flatten},
    {"lists_range", CostRule::NewList},
    {"list_reverse", CostRule::NewList},
    {"list_distinct", CostRule::SelfCompared},
};

uint64_t regex_cost(uint64_t text_size, uint64_t pattern_size) {
  return static_cast<uint64_t>(std::ceil((1.0 + static_cast<double>(text_size)) * string_factor)) * scaled(pattern_size, regex_factor);
}

constexpr int traversed_depth_max = 200;
constexpr uint64_t traversed_max = 20'000'000;  // values may be shared, so that a small one is large when it is walked; no limit is higher
class Traversal {
 public:
  explicit Traversal(Arena& arena) : arena_(arena) {}
  uint64_t cost(const Value& v, int depth = 0) {
    uint64_t sum = 0;
    if (depth > traversed_depth_max) return 0;
    switch (v.kind()) {
      case Value::Kind::String:
      case Value::Kind::Bytes: return static_cast<uint64_t>(static_cast<double>(v.text().size()) * string_factor);
      case Value::Kind::List:
        for (std::size_t i = 0; i < v.as_list().size() && ++walked_ < traversed_max; ++i) sum += cost(v.as_list().at(i, arena_), depth + 1);
        return walked_ < traversed_max ? sum : UINT64_MAX / 2;
      case Value::Kind::Map:
        for (std::size_t i = 0; i < v.as_map().size() && ++walked_ < traversed_max; ++i)
          sum += cost(v.as_map().key_at(i, arena_), depth + 1) + cost(v.as_map().value_at(i, arena_), depth + 1);
        return walked_ < traversed_max ? sum : UINT64_MAX / 2;
      default: return 1;
    }
  }

 private:
  Arena& arena_;
  uint64_t walked_ = 0;
};

uint64_t new_list(uint64_t size, double factor) { return static_cast<uint64_t>(static_cast<double>(size) * factor) + 1 + list_cost; }
uint64_t self_compared(const Value& list, Arena& arena) {
  if (!list.is(Value::Kind::List) || list.as_list().size() == 0) return new_list(0, 2);
  const Value first = list.as_list().at(0, arena);
  const bool texts = first.is(Value::Kind::String) || first.is(Value::Kind::Bytes);
  const uint64_t size = list.as_list().size();
  return new_list(size * size, texts ? 2 + string_factor : 2);
}

uint64_t selector_cost(uint64_t size) {
  return list_cost + scaled(size, string_factor) + scaled(scaled(size, requirements_per_character), requirement_cost);
}

}  // namespace

CostRule cost_rule(std::string_view function, std::string_view overload) {
  if (overload == "cidr_ip") return CostRule::One;
  if (overload == "cidr_contains_ip_string") return CostRule::ContainsIpText;
  if (overload == "cidr_contains_cidr_string") return CostRule::ContainsCidrText;
  if (function == "sort" && !overload.empty()) return CostRule::SelfCompared;
  if (function == "@sortByAssociatedKeys" && !overload.empty()) return CostRule::SelfComparedKeys;
  for (const Named& one : by_function)
    if (one.name == function) return one.rule;
  if (function == "_!=_") return CostRule::SmallerSize;
  for (const Named& one : by_overload)
    if (one.name == overload) return one.rule;
  return CostRule::One;
}

uint64_t call_cost(CostRule rule, std::span<const Value> args, const Value& result, Arena& arena) {
  const auto size = [&](std::size_t i) { return i < args.size() ? size_of(args[i]) : 1; };
  switch (rule) {
    case CostRule::One: return 1;
    case CostRule::Check: return authorizer_check_cost;
    case CostRule::Selector: return selector_cost(size(1));
    case CostRule::Traversal: return args.empty() ? 0 : Traversal(arena).cost(args[0]);
    case CostRule::FirstSize: return scaled(size(0), string_factor);
    case CostRule::FirstTwice: return scaled(size(0), 2 * string_factor);
    case CostRule::ResultTwice: return scaled(size_of(result), 2 * string_factor);
    case CostRule::Regex: return regex_cost(size(0), size(1));
    case CostRule::ContainsIp: return scaled(2 * size(0), string_factor);
    case CostRule::ContainsIpText: return scaled(2 * size(0), string_factor) + scaled(size(1), string_factor);
    case CostRule::ContainsCidr: return scaled(2 * size(0), string_factor) + scaled(size(0), string_factor) + 1;
    case CostRule::ContainsCidrText: return scaled(2 * size(0), string_factor) + scaled(size(0), string_factor) + 1 + scaled(size(1), string_factor);
    case CostRule::Validate:
      return args.empty() ? 1 : regex_cost(size(1), args[0].is(Value::Kind::Opaque) ? args[0].as_opaque().size() : format_regex_size);
    case CostRule::SecondSize: return size(1);
    case CostRule::Equality:
      if (!args.empty() && args[0].is(Value::Kind::Opaque)) return 1;
      [[fallthrough]];
    case CostRule::SmallerSize: return scaled(std::min(size(0), size(1)), string_factor);
    case CostRule::BothSizes: return scaled(size(0) + size(1), string_factor);
    case CostRule::Product: return 1 + size(0) * size(1);
    case CostRule::ProductTwice: return 1 + 2 * size(0) * size(1);
    case CostRule::NewList: return new_list(size_of(result), 1);
    case CostRule::Flatten: {
      const double levels = args.size() > 1 && args[1].is(Value::Kind::Int) ? static_cast<double>(std::max<int64_t>(args[1].as_int(), 0)) : 1;
      return new_list(size(0), std::min(levels, 1e9));
    }
    case CostRule::SelfCompared: return self_compared(args[0], arena);
    case CostRule::SelfComparedKeys: return self_compared(args[1], arena);
    case CostRule::Substring: return scaled(size(0), string_factor) * scaled(size(1), string_factor);
  }
  return 1;
}

}  // namespace pintle::apimachinery::cel
