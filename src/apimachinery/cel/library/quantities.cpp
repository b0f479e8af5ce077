// quantity(): Kubernetes' library of quantities.
#include <cmath>
#include <cstdlib>

#include "api/values.h"
#include "apimachinery/cel/library/libraries.h"

namespace pintle::apimachinery::cel {
namespace {

class QuantityValue final : public Opaque {
 public:
  explicit QuantityValue(api::Quantity quantity) : quantity(std::move(quantity)) {}
  const Type& type() const override { return types::quantity; }
  bool equals(const Opaque& other) const override { return quantity == static_cast<const QuantityValue&>(other).quantity; }
  api::Quantity quantity;
};
const api::Quantity& quantity_of(const Value& v) { return static_cast<const QuantityValue&>(v.as_opaque()).quantity; }
Value made(const Call& call, api::Quantity quantity) { return Value::of(*call.arena.make<QuantityValue>(std::move(quantity))); }

Value make(const Call& call) {
  auto quantity = api::Quantity::parse(call[0].text());
  return quantity ? made(call, std::move(*quantity)) : call.fail(quantity.error().message);
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
std::optional<int64_t> whole(const api::Quantity& quantity) {
  const int64_t value = quantity.value();
  if (api::Quantity::from_int(value) != quantity) return std::nullopt;
  return value;
}
Value is_integer(const Call& call) { return Value::of(whole(quantity_of(call[0])).has_value()); }
Value as_integer(const Call& call) {
  const auto value = whole(quantity_of(call[0]));
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
Value add(const Call& call) { return made(call, quantity_of(call[0]) + quantity_of(call[1])); }
Value subtract(const Call& call) { return made(call, quantity_of(call[0]) - quantity_of(call[1])); }
Value add_int(const Call& call) { return made(call, quantity_of(call[0]) + api::Quantity::from_int(call[1].as_int())); }
Value subtract_int(const Call& call) { return made(call, quantity_of(call[0]) - api::Quantity::from_int(call[1].as_int())); }

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
const Overload add_overloads[] = {{"quantity_add", true, two, &types::quantity, add}, {"quantity_add_int", true, with_int, &types::quantity, add_int}};
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

std::span<const Function> quantity_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
