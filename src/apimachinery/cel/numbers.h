// Arithmetic of CEL: overflow is an error, numbers of different types compare by value.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

enum class Order : uint8_t { Less, Equal, Greater, Unordered };

inline bool is_number(const Value& v) { return v.is(Value::Kind::Int) || v.is(Value::Kind::Uint) || v.is(Value::Kind::Double); }

template <class T>
Order order_of(const T& a, const T& b) {
  return a < b ? Order::Less : b < a ? Order::Greater : a == b ? Order::Equal : Order::Unordered;
}

constexpr double two_to_63 = 9223372036854775808.0;
constexpr double two_to_64 = 18446744073709551616.0;

inline Order flipped(Order order) { return order == Order::Less ? Order::Greater : order == Order::Greater ? Order::Less : order; }

inline Order compare_double_int(double a, int64_t b) {
  if (a < -two_to_63) return Order::Less;
  if (a > two_to_63) return Order::Greater;  // compared as doubles, as upstream: the largest int equals 2^63
  return order_of(a, static_cast<double>(b));
}
inline Order compare_double_uint(double a, uint64_t b) {
  if (a < 0) return Order::Less;
  if (a > two_to_64) return Order::Greater;
  return order_of(a, static_cast<double>(b));
}
inline Order compare_int_uint(int64_t a, uint64_t b) { return a < 0 ? Order::Less : order_of(static_cast<uint64_t>(a), b); }

// Both are numbers.
inline Order compare_numbers(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (a.kind() == b.kind())
    return a.is(Kind::Int)    ? order_of(a.as_int(), b.as_int())
           : a.is(Kind::Uint) ? order_of(a.as_uint(), b.as_uint())
                              : order_of(a.as_double(), b.as_double());
  if (a.is(Kind::Double)) return b.is(Kind::Int) ? compare_double_int(a.as_double(), b.as_int()) : compare_double_uint(a.as_double(), b.as_uint());
  if (b.is(Kind::Double)) return flipped(compare_numbers(b, a));
  return a.is(Kind::Int) ? compare_int_uint(a.as_int(), b.as_uint()) : flipped(compare_int_uint(b.as_int(), a.as_uint()));
}

// Towards zero; nullopt: not representable.
inline std::optional<int64_t> double_to_int(double v) {
  if (std::isnan(v) || v <= -two_to_63 || v >= two_to_63) return std::nullopt;
  return static_cast<int64_t>(v);
}
inline std::optional<uint64_t> double_to_uint(double v) {
  if (std::isnan(v) || v < 0 || v >= two_to_64) return std::nullopt;
  return static_cast<uint64_t>(v);
}

}  // namespace pintle::apimachinery::cel
