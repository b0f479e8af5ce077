// math.* and base64.*: libraries of CEL that Kubernetes leaves off.
#include <cmath>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/numbers.h"
#include "codec/base64.h"

namespace pintle::apimachinery::cel {
namespace {

Value same(const Call& call) { return call[0]; }
template <bool greatest>
Value better_of(const Value& a, const Value& b) {
  const Order order = compare_numbers(a, b);
  return order == (greatest ? Order::Less : Order::Greater) ? b : a;
}
template <bool greatest>
Value pair(const Call& call) {
  return better_of<greatest>(call[0], call[1]);
}
template <bool greatest>
Value whole_list(const Call& call) {
  const List& list = call[0].as_list();
  const std::string function = greatest ? "math.@max" : "math.@min";
  if (list.size() == 0) return call.fail(function + "(list) argument must not be empty");
  Value best = list.at(0, call.arena);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value v = list.at(i, call.arena);
    if (!is_number(v)) return call.fail("no such overload: " + function);
    best = better_of<greatest>(best, v);
  }
  return best;
}

template <auto f>
Value on_double(const Call& call) {
  return Value::of(f(call[0].as_double()));
}
Value abs_int(const Call& call) {
  if (call[0].as_int() == INT64_MIN) return call.fail("integer overflow");
  return Value::of(std::abs(call[0].as_int()));
}
Value sign(const Call& call) {
  switch (call[0].kind()) {
    case Value::Kind::Int: return Value::of((call[0].as_int() > 0) - (call[0].as_int() < 0));
    case Value::Kind::Uint: return Value::of(static_cast<uint64_t>(call[0].as_uint() > 0));
    default: {
      const double v = call[0].as_double();
      return Value::of(std::isnan(v) ? v : v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0);
    }
  }
}
Value square_root(const Call& call) {
  switch (call[0].kind()) {
    case Value::Kind::Int: return Value::of(std::sqrt(static_cast<double>(call[0].as_int())));
    case Value::Kind::Uint: return Value::of(std::sqrt(static_cast<double>(call[0].as_uint())));
    default: return Value::of(std::sqrt(call[0].as_double()));
  }
}

template <auto f>
Value on_bits(const Call& call) {
  const uint64_t bits = f(call[0].as_uint(), call[1].as_uint());
  return call[0].is(Value::Kind::Int) ? Value::of(static_cast<int64_t>(bits)) : Value::of(bits);
}
constexpr auto bit_and = [](uint64_t a, uint64_t b) { return a & b; };
constexpr auto bit_or = [](uint64_t a, uint64_t b) { return a | b; };
constexpr auto bit_xor = [](uint64_t a, uint64_t b) { return a ^ b; };
Value bit_not(const Call& call) { return call[0].is(Value::Kind::Int) ? Value::of(~call[0].as_int()) : Value::of(~call[0].as_uint()); }
template <bool left>
Value shift(const Call& call) {
  const int64_t by = call[1].as_int();
  if (by < 0) return call.fail(std::string(left ? "math.bitShiftLeft" : "math.bitShiftRight") + "() negative offset: " + std::to_string(by));
  const uint64_t bits = by >= 64 ? 0 : left ? call[0].as_uint() << by : call[0].as_uint() >> by;
  return call[0].is(Value::Kind::Int) ? Value::of(static_cast<int64_t>(bits)) : Value::of(bits);
}

constexpr auto ceil = [](double v) { return std::ceil(v); };
constexpr auto floor = [](double v) { return std::floor(v); };
constexpr auto round = [](double v) { return std::round(v); };
constexpr auto trunc = [](double v) { return std::trunc(v); };
constexpr auto absolute = [](double v) { return std::fabs(v); };
constexpr auto is_inf = [](double v) { return std::isinf(v); };
constexpr auto is_nan = [](double v) { return std::isnan(v); };
constexpr auto is_finite = [](double v) { return std::isfinite(v); };

constexpr auto& one_double = of<&types::floating>;
constexpr auto& one_int = of<&types::integer>;
constexpr auto& one_uint = of<&types::uinteger>;
constexpr auto& two_ints = of<&types::integer, &types::integer>;
constexpr auto& two_uints = of<&types::uinteger, &types::uinteger>;
constexpr auto& uint_int = of<&types::uinteger, &types::integer>;

#define EXTREME(name, greatest)                                                                                                          \
  {                                                                                                                                      \
    {"math_@" name "_double", false, one_double, &types::floating, same}, {"math_@" name "_int", false, one_int, &types::integer, same}, \
        {"math_@" name "_uint", false, one_uint, &types::uinteger, same},                                                                \
        {"math_@" name "_double_double", false, of<&types::floating, &types::floating>, &types::floating, pair<greatest>},               \
        {"math_@" name "_int_int", false, two_ints, &types::integer, pair<greatest>},                                                    \
        {"math_@" name "_uint_uint", false, two_uints, &types::uinteger, pair<greatest>},                                                \
        {"math_@" name "_int_uint", false, of<&types::integer, &types::uinteger>, &types::dyn, pair<greatest>},                          \
        {"math_@" name "_int_double", false, of<&types::integer, &types::floating>, &types::dyn, pair<greatest>},                        \
        {"math_@" name "_double_int", false, of<&types::floating, &types::integer>, &types::dyn, pair<greatest>},                        \
        {"math_@" name "_double_uint", false, of<&types::floating, &types::uinteger>, &types::dyn, pair<greatest>},                      \
        {"math_@" name "_uint_int", false, uint_int, &types::dyn, pair<greatest>},                                                       \
        {"math_@" name "_uint_double", false, of<&types::uinteger, &types::floating>, &types::dyn, pair<greatest>},                      \
        {"math_@" name "_list_double", false, of<&types::list_double>, &types::floating, whole_list<greatest>},                          \
        {"math_@" name "_list_int", false, of<&types::list_int>, &types::integer, whole_list<greatest>}, {                               \
      "math_@" name "_list_uint", false, of<&types::list_uint>, &types::uinteger, whole_list<greatest>                                   \
    }                                                                                                                                    \
  }
const Overload min_overloads[] = EXTREME("min", false);
const Overload max_overloads[] = EXTREME("max", true);
#undef EXTREME
const Overload ceil_overloads[] = {{"math_ceil_double", false, one_double, &types::floating, on_double<ceil>}};
const Overload floor_overloads[] = {{"math_floor_double", false, one_double, &types::floating, on_double<floor>}};
const Overload round_overloads[] = {{"math_round_double", false, one_double, &types::floating, on_double<round>}};
const Overload trunc_overloads[] = {{"math_trunc_double", false, one_double, &types::floating, on_double<trunc>}};
const Overload is_inf_overloads[] = {{"math_isInf_double", false, one_double, &types::boolean, on_double<is_inf>}};
const Overload is_nan_overloads[] = {{"math_isNaN_double", false, one_double, &types::boolean, on_double<is_nan>}};
const Overload is_finite_overloads[] = {{"math_isFinite_double", false, one_double, &types::boolean, on_double<is_finite>}};
const Overload abs_overloads[] = {{"math_abs_double", false, one_double, &types::floating, on_double<absolute>},
                                  {"math_abs_int", false, one_int, &types::integer, abs_int},
                                  {"math_abs_uint", false, one_uint, &types::uinteger, same}};
const Overload sign_overloads[] = {{"math_sign_double", false, one_double, &types::floating, sign},
                                   {"math_sign_int", false, one_int, &types::integer, sign},
                                   {"math_sign_uint", false, one_uint, &types::uinteger, sign}};
const Overload and_overloads[] = {{"math_bitAnd_int_int", false, two_ints, &types::integer, on_bits<bit_and>},
                                  {"math_bitAnd_uint_uint", false, two_uints, &types::uinteger, on_bits<bit_and>}};
const Overload or_overloads[] = {{"math_bitOr_int_int", false, two_ints, &types::integer, on_bits<bit_or>},
                                 {"math_bitOr_uint_uint", false, two_uints, &types::uinteger, on_bits<bit_or>}};
const Overload xor_overloads[] = {{"math_bitXor_int_int", false, two_ints, &types::integer, on_bits<bit_xor>},
                                  {"math_bitXor_uint_uint", false, two_uints, &types::uinteger, on_bits<bit_xor>}};
const Overload not_overloads[] = {{"math_bitNot_int_int", false, one_int, &types::integer, bit_not},
                                  {"math_bitNot_uint_uint", false, one_uint, &types::uinteger, bit_not}};
const Overload left_overloads[] = {{"math_bitShiftLeft_int_int", false, two_ints, &types::integer, shift<true>},
                                   {"math_bitShiftLeft_uint_int", false, uint_int, &types::uinteger, shift<true>}};
const Overload right_overloads[] = {{"math_bitShiftRight_int_int", false, two_ints, &types::integer, shift<false>},
                                    {"math_bitShiftRight_uint_int", false, uint_int, &types::uinteger, shift<false>}};
const Overload sqrt_overloads[] = {{"math_sqrt_double", false, one_double, &types::floating, square_root},
                                   {"math_sqrt_int", false, one_int, &types::floating, square_root},
                                   {"math_sqrt_uint", false, one_uint, &types::floating, square_root}};
const Function functions[] = {{"math.@min", min_overloads},
                              {"math.@max", max_overloads},
                              {"math.ceil", ceil_overloads},
                              {"math.floor", floor_overloads},
                              {"math.round", round_overloads},
                              {"math.trunc", trunc_overloads},
                              {"math.isInf", is_inf_overloads},
                              {"math.isNaN", is_nan_overloads},
                              {"math.isFinite", is_finite_overloads},
                              {"math.abs", abs_overloads},
                              {"math.sign", sign_overloads},
                              {"math.bitAnd", and_overloads},
                              {"math.bitOr", or_overloads},
                              {"math.bitXor", xor_overloads},
                              {"math.bitNot", not_overloads},
                              {"math.bitShiftLeft", left_overloads},
                              {"math.bitShiftRight", right_overloads},
                              {"math.sqrt", sqrt_overloads}};

Value encode(const Call& call) { return Value::of(call.arena.copy(std::string_view(codec::base64(call[0].text())))); }
Value decode(const Call& call) {
  std::string padded(call[0].text());  // what lacks its padding is read, too
  while (padded.size() % 4 != 0) padded += '=';
  const auto bytes = codec::decode_base64(padded);
  return bytes ? Value::bytes(call.arena.copy(std::string_view(*bytes))) : call.fail("illegal base64 data");
}
const Overload encode_overloads[] = {{"base64_encode_bytes", false, of<&types::bytes>, &types::string, encode}};
const Overload decode_overloads[] = {{"base64_decode_string", false, of<&types::string>, &types::bytes, decode}};
const Function encoders[] = {{"base64.encode", encode_overloads}, {"base64.decode", decode_overloads}};

}  // namespace

std::span<const Function> math_functions() { return functions; }
std::span<const Function> encoder_functions() { return encoders; }

}  // namespace pintle::apimachinery::cel
