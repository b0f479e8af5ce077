#include "apimachinery/cel/call_estimate.h"

#include <array>

#include "apimachinery/cel/call_cost.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr uint64_t authorizer_check_cost = 350'000;
constexpr double requirement_cost = list_cost + struct_cost, requirements_per_character = 0.5;
constexpr uint64_t format_name_size_max = 64;
constexpr double format_regex_size_max = 128;

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 37> nominal{"serviceAccount",
                                                   "path",
                                                   "group",
                                                   "resource",
                                                   "subresource",
                                                   "namespace",
                                                   "name",
                                                   "allowed",
                                                   "reason",
                                                   "error",
                                                   "errored",
                                                   "masked",
                                                   "prefixLength",
                                                   "family",
                                                   "isUnspecified",
                                                   "isLoopback",
                                                   "isLinkLocalMulticast",
                                                   "isLinkLocalUnicast",
                                                   "isGlobalUnicast",
                                                   "format.named",
                                                   "sign",
                                                   "asInteger",
                                                   "isInteger",
                                                   "asApproximateFloat",
                                                   "isGreaterThan",
                                                   "isLessThan",
                                                   "compareTo",
                                                   "add",
                                                   "sub",
                                                   "major",
                                                   "minor",
                                                   "patch",
                                                   "getScheme",
                                                   "getHostname",
                                                   "getHost",
                                                   "getPort",
                                                   "getEscapedPath"};

class LibraryEstimate {
 public:
  LibraryEstimate(const Expr& call, std::string_view overload, ArgumentSizes& sizes) : call_(call), overload_(overload), sizes_(sizes) {}

  std::optional<CallEstimate> run() {
    const std::string_view f = call_.name;
    if (auto estimate = by_overload()) return estimate;
    if (f == "check") return cost(fixed_cost(authorizer_check_cost));
    if (is_one_of(nominal, f) || f == "getQuery" || overload_ == "cidr_ip") return cost(fixed_cost(1));
    if ((f == "fieldSelector" || f == "labelSelector") && args() == 1) return selector();
    if (f == "isSorted" || f == "sum" || f == "max" || f == "min" || f == "indexOf" || f == "lastIndexOf")
      return call_.target ? traversal() : std::nullopt;
    if ((f == "url" || f == "jsonpatch.escapeKey") && args() == 1) return CallEstimate{scaled(arg(0), string_factor), arg(0)};
    if ((f == "lowerAscii" || f == "upperAscii" || f == "substring" || f == "trim") && call_.target)
      return CallEstimate{scaled(target(), string_factor), target()};
    if (f == "replace" && call_.target && args() >= 2) return replace();
    if (f == "split" && call_.target) return split();
    if (f == "join" && call_.target) return join();
    if ((f == "find" || f == "findAll") && call_.target && args() >= 1)
      return CallEstimate{scaled(target() + SizeEstimate{1, 1}, string_factor) * scaled(arg(0), regex_factor), SizeEstimate{0, target().max}};
    return addresses_and_others(f);
  }

 private:
  std::size_t args() const { return call_.args.size(); }
  SizeEstimate arg(std::size_t i) { return sizes_.size_or_unknown(call_.args[i]); }
  SizeEstimate target() { return sizes_.size_or_unknown(call_.target); }
  static std::optional<CallEstimate> cost(const CostEstimate& cost) { return CallEstimate{cost, std::nullopt}; }
  static std::optional<int64_t> literal_int(const Expr* e) {
    if (e->kind != Expr::Kind::Literal || !e->constant.is(Value::Kind::Int)) return std::nullopt;
    return e->constant.as_int();
  }
  static uint64_t literal_or(const Expr* e, uint64_t otherwise) {
    const auto value = literal_int(e);
    return value ? static_cast<uint64_t>(std::max<int64_t>(*value, 0)) : otherwise;
  }

  // sets.* and the list library, whose estimates come before all others.
  std::optional<CallEstimate> by_overload() {
    if (overload_ == "list_sets_contains_list" || overload_ == "list_sets_intersects_list") return cost(scaled(arg(0) * arg(1), 1) + fixed_cost(1));
    if (overload_ == "list_sets_equivalent_list") return cost(scaled(arg(0) * arg(1), 2) + fixed_cost(1));
    if (overload_ == "list_slice") {
      const uint64_t start = literal_or(call_.args[0], 0), end = literal_or(call_.args[1], target().max);
      return allocating(1, {end - start, end - start});
    }
    if (overload_ == "list_flatten") return allocating(1, target());
    if (overload_ == "list_flatten_int") return allocating(static_cast<double>(literal_or(call_.args[0], UINT64_MAX)), target());
    if (overload_ == "lists_range") {
      const uint64_t size = literal_or(call_.args[0], UINT64_MAX);
      return allocating(1, {size, size});
    }
    if (overload_ == "list_reverse") return allocating(1, target());
    if (overload_ == "list_distinct") return allocating(2, target() * target());
    const bool by_text = overload_.starts_with("list_string_") || overload_.starts_with("list_bytes_");
    const double factor = by_text ? 2 + string_factor : 2;
    if (overload_.ends_with("_sort")) return allocating(factor, target() * target());
    if (overload_.ends_with("_sortByAssociatedKeys")) return allocating(factor, arg(0) * arg(0));
    return std::nullopt;
  }
  static std::optional<CallEstimate> allocating(double factor, const SizeEstimate& size) {
    return CallEstimate{scaled(size, factor) + fixed_cost(1) + fixed_cost(list_cost), size};
  }

  std::optional<CallEstimate> selector() {
    const CostEstimate requirements = scaled(scaled(arg(0), requirements_per_character), requirement_cost);
    return cost(fixed_cost(list_cost) + scaled(arg(0), string_factor) + requirements);
  }
  std::optional<CallEstimate> traversal() {
    const TypeRef type = call_.target->type;
    if (type->params.empty()) return cost(scaled(target(), string_factor));
    CostEstimate of_element = fixed_cost(1);
    const TypeKind kind = type->params[0]->kind;
    if (kind == TypeKind::String || kind == TypeKind::Bytes) of_element = of_element + scaled(sizes_.element_size(call_.target), string_factor);
    return cost(times(target(), of_element));
  }
  std::optional<CallEstimate> replace() {
    const SizeEstimate text = target(), before = arg(0), after = arg(1);
    SizeEstimate count{0, 0}, kept{0, 0};
    if (before.min == 0) {
      count.max = sum_of(text.max, 1);
      kept.max = text.max;
    } else if (after.max <= before.min) {
      kept.max = text.max;
    } else {
      count.max = static_cast<uint64_t>(std::ceil(static_cast<double>(text.max) / static_cast<double>(before.min)));
    }
    if (before.max == 0) {
      count.min = sum_of(text.min, 1);
      kept.min = text.min;
    } else if (before.max <= after.min) {
      kept.min = text.min;
    } else {
      count.min = static_cast<uint64_t>(std::ceil(static_cast<double>(text.min) / static_cast<double>(before.max)));
    }
    return CallEstimate{scaled(text, 2 * string_factor), count * after + kept};
  }
  std::optional<CallEstimate> split() {
    uint64_t most = target().max;
    if (args() > 1)
      if (const auto limit = literal_int(call_.args[1])) most = static_cast<uint64_t>(*limit);
    return CallEstimate{scaled(target(), 2 * string_factor), SizeEstimate{0, most}};
  }
  std::optional<CallEstimate> join() {
    const SizeEstimate list = target();
    SizeEstimate size{0, 0};
    if (!call_.target->type->params.empty()) size = list * sizes_.element_size(call_.target);
    if (args() > 0) size = size + arg(0) * SizeEstimate{list.min > 0 ? list.min - 1 : 0, list.max > 0 ? list.max - 1 : 0};
    return CallEstimate{scaled(size, string_factor), size};
  }

  std::optional<CallEstimate> addresses_and_others(std::string_view f) {
    constexpr std::array<std::string_view, 8> read{"cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity", "semver", "isSemver"};
    constexpr SizeEstimate address{4, 16};
    if (args() >= 1 && is_one_of(read, f)) return cost(scaled(arg(0), string_factor));
    if (args() >= 1 && f == "ip.isCanonical") return cost(scaled(arg(0), 2 * string_factor));
    if (args() >= 1 && f == "containsIP") {
      CostEstimate of_ip = scaled(address + address, string_factor);
      if (overload_ == "cidr_contains_ip_string") of_ip = of_ip + scaled(arg(0), string_factor);
      return cost(of_ip);
    }
    if (args() >= 1 && f == "containsCIDR") {
      CostEstimate of_cidr = scaled(address + address, string_factor) + scaled(address, string_factor) + fixed_cost(1);
      if (overload_ == "cidr_contains_cidr_string") of_cidr = of_cidr + scaled(arg(0), string_factor);
      return cost(of_cidr);
    }
    if (args() >= 1 && f == "validate") return cost(scaled(scaled(arg(0), string_factor), format_regex_size_max * regex_factor));
    if (f == "_==_" && args() == 2 && same_type(call_.args[0]->type, call_.args[1]->type)) return equality(call_.args[0]->type);
    return std::nullopt;
  }
  std::optional<CallEstimate> equality(TypeRef type) {
    constexpr std::array<const Type*, 9> constant_time{&types::ip,         &types::cidr,        &types::quantity,       &types::authorizer,
                                                       &types::path_check, &types::group_check, &types::resource_check, &types::decision,
                                                       &types::semver};
    for (const Type* one : constant_time)
      if (same_type(one, type)) return cost(fixed_cost(1));
    if (same_type(&types::format, type)) return cost(scaled(CostEstimate{1, format_name_size_max}, string_factor));
    if (same_type(&types::url, type)) {
      const uint64_t most = sizes_.size_or_unknown(call_.args[1]).max;
      return cost(scaled(CostEstimate{1, most == UINT64_MAX ? 1 : most}, string_factor));
    }
    return std::nullopt;
  }

  const Expr& call_;
  std::string_view overload_;
  ArgumentSizes& sizes_;
};

}  // namespace

std::optional<CallEstimate> library_estimate(const Expr& call, std::string_view overload, ArgumentSizes& sizes) {
  return LibraryEstimate(call, overload, sizes).run();
}

std::optional<CallEstimate> standard_estimate(const Expr& call, std::string_view overload, ArgumentSizes& sizes) {
  const auto arg = [&](std::size_t i) { return sizes.size_or_unknown(call.args[i]); };
  const auto cost = [](const CostEstimate& estimate, std::optional<SizeEstimate> result = std::nullopt) { return CallEstimate{estimate, result}; };
  if (overload == "string_format") return cost(scaled(sizes.size_or_unknown(call.target), string_factor));
  if (overload == "string_to_bytes") return cost(scaled(arg(0), string_factor), SizeEstimate{arg(0).min, arg(0).max * 4});
  if (overload == "bytes_to_string") return cost(scaled(arg(0), string_factor), SizeEstimate{arg(0).min / 4, arg(0).max});
  if (overload == "strings_quote") return cost(scaled(arg(0), string_factor), SizeEstimate{arg(0).min + 2, arg(0).max * 2 + 2});
  if (overload == "starts_with_string" || overload == "ends_with_string") return cost(scaled(arg(0), string_factor));
  if (overload == "in_list") return cost(scaled(arg(1), 1));
  if (overload == "matches_string")
    return cost(scaled(sizes.size_or_unknown(call.target) + SizeEstimate{1, 1}, string_factor) * scaled(arg(0), regex_factor));
  if (overload == "contains_string") return cost(scaled(sizes.size_or_unknown(call.target), string_factor) * scaled(arg(0), string_factor));
  constexpr std::array<std::string_view, 10> compared{"less_string", "greater_string", "less_equals_string", "greater_equals_string",
                                                      "less_bytes",  "greater_bytes",  "less_equals_bytes",  "greater_equals_bytes",
                                                      "equals",      "not_equals"};
  if (is_one_of(compared, overload)) {
    const uint64_t most = std::min(arg(0).max, arg(1).max);
    return cost(scaled(CostEstimate{most > 0 ? 1U : 0U, most}, string_factor));
  }
  return std::nullopt;
}

}  // namespace pintle::apimachinery::cel
