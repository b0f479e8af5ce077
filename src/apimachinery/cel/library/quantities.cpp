// quantity(): Kubernetes' library of quantities.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "api/values.h"
#include "apimachinery/cel/library/libraries.h"

namespace pintle::apimachinery::cel {
namespace {

class QuantityValue final : public Opaque {
 public:
  QuantityValue(api::Quantity quantity, bool scaled_down) : quantity(std::move(quantity)), scaled_down(scaled_down) {}
  const Type& type() const override { return types::quantity; }
  bool equals(const Opaque& other) const override { return quantity == static_cast<const QuantityValue&>(other).quantity; }
  api::Quantity quantity;
  bool scaled_down;  // written with a fraction, be it zero: upstream has no integer for "1000m"
};
const api::Quantity& quantity_of(const Value& v) { return static_cast<const QuantityValue&>(v.as_opaque()).quantity; }
bool scaled_down(const Value& v) { return static_cast<const QuantityValue&>(v.as_opaque()).scaled_down; }
Value made(const Call& call, api::Quantity quantity, bool scaled_down) {
  return Value::of(*call.arena.make<QuantityValue>(std::move(quantity), scaled_down));
}

// Whether the digits reach below one: "1000m", "1.0", "1.5Gi".
bool reaches_below_one(std::string_view text) {
  const std::size_t suffix_at = std::min(text.find_first_not_of("+-0123456789."), text.size());
  const std::string_view suffix = text.substr(suffix_at);
  const std::size_t point = text.find('.');
  const auto digits = point == std::string_view::npos ? 0 : static_cast<int64_t>(suffix_at - point - 1);
  constexpr std::string_view decimal = "kMGTPE";
  if (suffix == "m" || suffix == "u" || suffix == "n") return true;
  if (suffix.size() == 2 && suffix[1] == 'i') return digits > 0;
  int64_t exponent = 0;
  if (suffix.size() == 1 && decimal.find(suffix[0]) != std::string_view::npos) {
    exponent = 3 * static_cast<int64_t>(decimal.find(suffix[0]) + 1);
  } else if (suffix.size() > 1) {
    exponent = std::strtol(std::string(suffix.substr(1)).c_str(), nullptr, 10);
  }
  return exponent < digits;
}

std::string_view fault_of(std::string_view text) {
  const std::size_t signless = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  const std::size_t suffix_at = std::min(text.find_first_not_of("0123456789.", signless), text.size());
  const bool shaped = suffix_at > signless && text.find_first_not_of("eEinumkKMGTP+-0123456789", suffix_at) == std::string_view::npos;
  return shaped ? "unable to parse quantity's suffix" : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
}

Value make(const Call& call) {
  auto quantity = api::Quantity::parse(call[0].text());
  return quantity ? made(call, std::move(*quantity), reaches_below_one(call[0].text())) : call.fail(fault_of(call[0].text()));
}
Value is_quantity(const Call& call) { return Value::of(api::Quantity::parse(call[0].text()).has_value()); }
Value sign(const Call& call) { return Value::of(quantity_of(call[0]).sign()); }
std::strong_ordering compared(const Call& call) { return quantity_of(call[0]).compare(quantity_of(call[1])); }
Value is_greater(const Call& call) { return Value::of(compared(call) > 0); }
Value is_less(const Call& call) { return Value::of(compared(call) < 0); }
Value compare_to(const Call& call) {
  const auto order = compared(call);
  return Value::of(order < 0 ? -1 : order > 0 ? 1 : 0);
}

// The value, where it is a whole number that fits.
std::optional<int64_t> whole(const Value& v) {
  const api::Quantity& quantity = quantity_of(v);
  if (scaled_down(v)) return std::nullopt;
  const int64_t value = quantity.value();
  if (api::Quantity::from_int(value) != quantity) return std::nullopt;
  return value;
}
Value is_integer(const Call& call) { return Value::of(whole(call[0]).has_value()); }
Value as_integer(const Call& call) {
  const auto value = whole(call[0]);
  return value ? Value::of(*value) : call.fail("cannot convert value to integer");
}

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr Suffix suffixes[] = {{"n", 1e-9},
                               {"u", 1e-6},
                               {"m", 1e-3},
                               {"k", 1e3},
                               {"M", 1e6},
                               {"G", 1e9},
                               {"T", 1e12},
                               {"P", 1e15},
                               {"E", 1e18},
                               {"Ki", 1024.0},
                               {"Mi", 1048576.0},
                               {"Gi", 1073741824.0},
                               {"Ti", 1099511627776.0},
                               {"Pi", 1125899906842624.0},
                               {"Ei", 1152921504606846976.0}};
Value as_float(const Call& call) {
  const std::string& text = quantity_of(call[0]).text();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  for (const Suffix& suffix : suffixes)
    if (suffix.text == end) return Value::of(number * suffix.factor);
  return Value::of(number);
}
Value add(const Call& call) { return made(call, quantity_of(call[0]) + quantity_of(call[1]), scaled_down(call[0]) || scaled_down(call[1])); }
Value subtract(const Call& call) { return made(call, quantity_of(call[0]) - quantity_of(call[1]), scaled_down(call[0]) || scaled_down(call[1])); }
Value add_int(const Call& call) { return made(call, quantity_of(call[0]) + api::Quantity::from_int(call[1].as_int()), scaled_down(call[0])); }
Value subtract_int(const Call& call) { return made(call, quantity_of(call[0]) - api::Quantity::from_int(call[1].as_int()), scaled_down(call[0])); }

constexpr auto& text = of<&types::string>;
constexpr auto& one = of<&types::quantity>;
constexpr auto& two = of<&types::quantity, &types::quantity>;
constexpr auto& with_int = of<&types::quantity, &types::integer>;
const Overload make_overloads[] = {{"string_to_quantity", false, text, &types::quantity, make}};
const Overload is_quantity_overloads[] = {{"is_quantity_string", false, text, &types::boolean, is_quantity}};
const Overload sign_overloads[] = {{"quantity_sign", false, one, &types::integer, sign}};
const Overload greater_overloads[] = {{"quantity_is_greater_than", true, two, &types::boolean, is_greater}};
const Overload less_overloads[] = {{"quantity_is_less_than", true, two, &types::boolean, is_less}};
const Overload compare_overloads[] = {{"quantity_compare_to", true, two, &types::integer, compare_to}};
const Overload float_overloads[] = {{"quantity_get_float", true, one, &types::floating, as_float}};
const Overload integer_overloads[] = {{"quantity_get_int", true, one, &types::integer, as_integer}};
const Overload is_integer_overloads[] = {{"quantity_is_integer", true, one, &types::boolean, is_integer}};
const Overload add_overloads[] = {{"quantity_add", true, two, &types::quantity, add},
                                  {"quantity_add_int", true, with_int, &types::quantity, add_int}};
const Overload sub_overloads[] = {{"quantity_sub", true, two, &types::quantity, subtract},
                                  {"quantity_sub_int", true, with_int, &types::quantity, subtract_int}};
const Function functions[] = {{"quantity", make_overloads},
                              {"isQuantity", is_quantity_overloads},
                              {"sign", sign_overloads},
                              {"isGreaterThan", greater_overloads},
                              {"isLessThan", less_overloads},
                              {"compareTo", compare_overloads},
                              {"asApproximateFloat", float_overloads},
                              {"asInteger", integer_overloads},
                              {"isInteger", is_integer_overloads},
                              {"add", add_overloads},
                              {"sub", sub_overloads}};

}  // namespace

Value quantity_value(const api::Quantity& quantity, Arena& arena) {
  return Value::of(*arena.make<QuantityValue>(quantity, reaches_below_one(quantity.text())));
}

std::span<const Function> quantity_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
