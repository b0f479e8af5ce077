// What a call may cost, from ranges of its arguments' sizes, and ranges' arithmetic, which sticks to the largest number.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "apimachinery/cel/ast.h"
#include "apimachinery/cel/cost.h"

namespace pintle::apimachinery::cel {

inline uint64_t sum_of(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
inline uint64_t product_of(uint64_t a, uint64_t b) { return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b; }
inline uint64_t scaled_up(uint64_t a, double factor) {
  constexpr double most = 18446744073709551616.0;
  const double product = std::ceil(static_cast<double>(a) * factor);
  return product >= most ? UINT64_MAX : static_cast<uint64_t>(product);
}

inline CostEstimate fixed_cost(uint64_t cost) { return {cost, cost}; }
inline CostEstimate operator+(const CostEstimate& a, const CostEstimate& b) { return {sum_of(a.min, b.min), sum_of(a.max, b.max)}; }
inline CostEstimate operator*(const CostEstimate& a, const CostEstimate& b) { return {product_of(a.min, b.min), product_of(a.max, b.max)}; }
inline CostEstimate operator|(const CostEstimate& a, const CostEstimate& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }
inline SizeEstimate operator+(const SizeEstimate& a, const SizeEstimate& b) { return {sum_of(a.min, b.min), sum_of(a.max, b.max)}; }
inline SizeEstimate operator*(const SizeEstimate& a, const SizeEstimate& b) { return {product_of(a.min, b.min), product_of(a.max, b.max)}; }
inline SizeEstimate operator|(const SizeEstimate& a, const SizeEstimate& b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }
inline CostEstimate times(const SizeEstimate& size, const CostEstimate& cost) {
  return {product_of(size.min, cost.min), product_of(size.max, cost.max)};
}
inline CostEstimate scaled(const SizeEstimate& size, double factor) { return {scaled_up(size.min, factor), scaled_up(size.max, factor)}; }
inline CostEstimate scaled(const CostEstimate& cost, double factor) { return {scaled_up(cost.min, factor), scaled_up(cost.max, factor)}; }

struct CallEstimate {
  CostEstimate cost;
  std::optional<SizeEstimate> result;
};

class ArgumentSizes {
 public:
  virtual SizeEstimate size_or_unknown(const Expr* e) = 0;
  virtual SizeEstimate element_size(const Expr* list) = 0;

 protected:
  ~ArgumentSizes() = default;
};

// Without the cost of the arguments themselves. nullopt: it is not one of them.
std::optional<CallEstimate> library_estimate(const Expr& call, std::string_view overload, ArgumentSizes& sizes);   // Kubernetes' and sets, lists
std::optional<CallEstimate> standard_estimate(const Expr& call, std::string_view overload, ArgumentSizes& sizes);  // the language's

}  // namespace pintle::apimachinery::cel
