// Operators of the language. Those that the evaluator knows itself stand here by their signature alone.
#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/numbers.h"
#include "apimachinery/cel/time_value.h"
#include "apimachinery/cel/unordered.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr std::string_view int_overflow = "integer overflow", uint_overflow = "unsigned integer overflow", duration_overflow = "duration overflow",
                           timestamp_overflow = "timestamp overflow";

enum class Arithmetic : uint8_t { Add, Subtract, Multiply };
template <Arithmetic how, class T>
bool overflows(T x, T y, T* result) {
  if constexpr (how == Arithmetic::Add) return __builtin_add_overflow(x, y, result);
  if constexpr (how == Arithmetic::Subtract) return __builtin_sub_overflow(x, y, result);
  return __builtin_mul_overflow(x, y, result);
}
template <Arithmetic how>
Value int_arithmetic(const Call& call) {
  int64_t result = 0;
  return overflows<how>(call[0].as_int(), call[1].as_int(), &result) ? call.fail(int_overflow) : Value::of(result);
}
template <Arithmetic how>
Value uint_arithmetic(const Call& call) {
  uint64_t result = 0;
  return overflows<how>(call[0].as_uint(), call[1].as_uint(), &result) ? call.fail(uint_overflow) : Value::of(result);
}
template <Arithmetic how>
Value double_arithmetic(const Call& call) {
  const double x = call[0].as_double(), y = call[1].as_double();
  return Value::of(how == Arithmetic::Add ? x + y : how == Arithmetic::Subtract ? x - y : x * y);
}
template <Arithmetic how>
Value duration_arithmetic(const Call& call) {
  int64_t result = 0;
  return overflows<how>(call[0].as_duration(), call[1].as_duration(), &result) ? call.fail(duration_overflow) : Value::duration(result);
}

Value divide_int(const Call& call) {
  const int64_t x = call[0].as_int(), y = call[1].as_int();
  if (y == 0) return call.fail("division by zero");
  if (x == INT64_MIN && y == -1) return call.fail(int_overflow);
  return Value::of(x / y);
}
Value divide_uint(const Call& call) {
  return call[1].as_uint() == 0 ? call.fail("division by zero") : Value::of(call[0].as_uint() / call[1].as_uint());
}
Value divide_double(const Call& call) { return Value::of(call[0].as_double() / call[1].as_double()); }
Value modulo_int(const Call& call) {
  const int64_t x = call[0].as_int(), y = call[1].as_int();
  if (y == 0) return call.fail("modulus by zero");
  if (x == INT64_MIN && y == -1) return call.fail(int_overflow);
  return Value::of(x % y);
}
Value modulo_uint(const Call& call) {
  return call[1].as_uint() == 0 ? call.fail("modulus by zero") : Value::of(call[0].as_uint() % call[1].as_uint());
}
Value negate_int(const Call& call) { return call[0].as_int() == INT64_MIN ? call.fail(int_overflow) : Value::of(-call[0].as_int()); }
Value negate_double(const Call& call) { return Value::of(-call[0].as_double()); }

template <bool is_bytes>
Value joined(const Call& call) {
  const std::string_view x = call[0].text(), y = call[1].text();
  const std::size_t size = x.size() + y.size();
  if (!call.arena.fits(size)) return Value::error(call.arena, "operation cancelled: memory limit exceeded", Failure::Memory);
  char* to = static_cast<char*>(call.arena.allocate(size, 1));
  std::copy(x.begin(), x.end(), to);
  std::copy(y.begin(), y.end(), to + x.size());
  const std::string_view both(to, size);
  return is_bytes ? Value::bytes(both) : Value::of(both);
}

Value add_list(const Call& call) {
  const List &first = call[0].as_list(), &second = call[1].as_list();
  if (auto* growing = dynamic_cast<const MadeList*>(&first); growing && growing->growing) {
    // The list of a loop that is running: nobody else sees it.
    auto* list = const_cast<MadeList*>(growing);
    for (std::size_t i = 0; i < second.size(); ++i) list->push_back(second.at(i, call.arena));
    return call[0];
  }
  if (semantics_of(first) != ListSemantics::Atomic) return union_of(first, second, call.arena);
  if (second.size() == 0) return call[0];
  if (first.size() == 0) return call[1];
  return Value::of(*call.arena.make<ConcatenatedList>(first, second));
}

Value sum_or_overflow(const Call& call, const std::optional<Timestamp>& sum) { return sum ? Value::of(*sum) : call.fail(timestamp_overflow); }
Value add_timestamp_duration(const Call& call) { return sum_or_overflow(call, time_plus(call[0].as_timestamp(), call[1].as_duration())); }
Value add_duration_timestamp(const Call& call) { return sum_or_overflow(call, time_plus(call[1].as_timestamp(), call[0].as_duration())); }
Value subtract_timestamp_duration(const Call& call) {
  if (call[1].as_duration() == INT64_MIN) return call.fail(timestamp_overflow);
  return sum_or_overflow(call, time_plus(call[0].as_timestamp(), -call[1].as_duration()));
}
Value subtract_timestamps(const Call& call) {
  const auto difference = time_between(call[0].as_timestamp(), call[1].as_timestamp());
  return difference ? Value::duration(*difference) : call.fail(duration_overflow);
}

Order order_between(const Value& x, const Value& y) {
  if (is_number(x)) return compare_numbers(x, y);
  switch (x.kind()) {
    case Value::Kind::Bool: return order_of(x.as_bool(), y.as_bool());
    case Value::Kind::Timestamp: return order_of(x.as_timestamp(), y.as_timestamp());
    case Value::Kind::Duration: return order_of(x.as_duration(), y.as_duration());
    default: return order_of(x.text(), y.text());
  }
}
Value less(const Call& call) { return Value::of(order_between(call[0], call[1]) == Order::Less); }
Value greater(const Call& call) { return Value::of(order_between(call[0], call[1]) == Order::Greater); }
Value less_equals(const Call& call) {
  const Order order = order_between(call[0], call[1]);
  return Value::of(order == Order::Less || order == Order::Equal);
}
Value greater_equals(const Call& call) {
  const Order order = order_between(call[0], call[1]);
  return Value::of(order == Order::Greater || order == Order::Equal);
}

Value in_list(const Call& call) {
  const List& list = call[1].as_list();
  for (std::size_t i = 0; i < list.size() && !call.arena.exhausted(); ++i)
    if (equals(call[0], list.at(i, call.arena), call.arena).is_true()) return Value::of(true);
  return Value::of(false);
}
Value in_map(const Call& call) { return Value::of(call[1].as_map().contains(call[0], call.arena)); }

// The six relations over the types that they hold for: upstream's names of overloads, which costs go by.
#define RELATION(id, f)                                                                           \
  {                                                                                               \
    {id "_bool", false, of<&types::boolean, &types::boolean>, &types::boolean, f},                \
        {id "_int64", false, of<&types::integer, &types::integer>, &types::boolean, f},           \
        {id "_int64_double", false, of<&types::integer, &types::floating>, &types::boolean, f},   \
        {id "_int64_uint64", false, of<&types::integer, &types::uinteger>, &types::boolean, f},   \
        {id "_uint64", false, of<&types::uinteger, &types::uinteger>, &types::boolean, f},        \
        {id "_uint64_double", false, of<&types::uinteger, &types::floating>, &types::boolean, f}, \
        {id "_uint64_int64", false, of<&types::uinteger, &types::integer>, &types::boolean, f},   \
        {id "_double", false, of<&types::floating, &types::floating>, &types::boolean, f},        \
        {id "_double_int64", false, of<&types::floating, &types::integer>, &types::boolean, f},   \
        {id "_double_uint64", false, of<&types::floating, &types::uinteger>, &types::boolean, f}, \
        {id "_string", false, of<&types::string, &types::string>, &types::boolean, f},            \
        {id "_bytes", false, of<&types::bytes, &types::bytes>, &types::boolean, f},               \
        {id "_timestamp", false, of<&types::timestamp, &types::timestamp>, &types::boolean, f}, { \
      id "_duration", false, of<&types::duration, &types::duration>, &types::boolean, f           \
    }                                                                                             \
  }

const Overload less_overloads[] = RELATION("less", less);
const Overload less_equals_overloads[] = RELATION("less_equals", less_equals);
const Overload greater_overloads[] = RELATION("greater", greater);
const Overload greater_equals_overloads[] = RELATION("greater_equals", greater_equals);
#undef RELATION

const Overload conditional_overloads[] = {{"conditional", false, of<&types::boolean, &types::a, &types::a>, &types::a}};
const Overload and_overloads[] = {{"logical_and", false, of<&types::boolean, &types::boolean>, &types::boolean}};
const Overload or_overloads[] = {{"logical_or", false, of<&types::boolean, &types::boolean>, &types::boolean}};
const Overload not_overloads[] = {{"logical_not", false, of<&types::boolean>, &types::boolean}};
const Overload not_strictly_false_overloads[] = {{"not_strictly_false", false, of<&types::boolean>, &types::boolean}};
const Overload equals_overloads[] = {{"equals", false, of<&types::a, &types::a>, &types::boolean}};
const Overload not_equals_overloads[] = {{"not_equals", false, of<&types::a, &types::a>, &types::boolean}};
const Overload index_overloads[] = {{"index_list", false, of<&types::list_a, &types::integer>, &types::a},
                                    {"index_map", false, of<&types::map_ab, &types::a>, &types::b}};
const Overload in_overloads[] = {{"in_list", false, of<&types::a, &types::list_a>, &types::boolean, in_list},
                                 {"in_map", false, of<&types::a, &types::map_ab>, &types::boolean, in_map}};
const Overload add_overloads[] = {
    {"add_bytes", false, of<&types::bytes, &types::bytes>, &types::bytes, joined<true>},
    {"add_double", false, of<&types::floating, &types::floating>, &types::floating, double_arithmetic<Arithmetic::Add>},
    {"add_duration_duration", false, of<&types::duration, &types::duration>, &types::duration, duration_arithmetic<Arithmetic::Add>},
    {"add_duration_timestamp", false, of<&types::duration, &types::timestamp>, &types::timestamp, add_duration_timestamp},
    {"add_timestamp_duration", false, of<&types::timestamp, &types::duration>, &types::timestamp, add_timestamp_duration},
    {"add_int64", false, of<&types::integer, &types::integer>, &types::integer, int_arithmetic<Arithmetic::Add>},
    {"add_list", false, of<&types::list_a, &types::list_a>, &types::list_a, add_list},
    {"add_string", false, of<&types::string, &types::string>, &types::string, joined<false>},
    {"add_uint64", false, of<&types::uinteger, &types::uinteger>, &types::uinteger, uint_arithmetic<Arithmetic::Add>}};
const Overload subtract_overloads[] = {
    {"subtract_double", false, of<&types::floating, &types::floating>, &types::floating, double_arithmetic<Arithmetic::Subtract>},
    {"subtract_duration_duration", false, of<&types::duration, &types::duration>, &types::duration, duration_arithmetic<Arithmetic::Subtract>},
    {"subtract_int64", false, of<&types::integer, &types::integer>, &types::integer, int_arithmetic<Arithmetic::Subtract>},
    {"subtract_timestamp_duration", false, of<&types::timestamp, &types::duration>, &types::timestamp, subtract_timestamp_duration},
    {"subtract_timestamp_timestamp", false, of<&types::timestamp, &types::timestamp>, &types::duration, subtract_timestamps},
    {"subtract_uint64", false, of<&types::uinteger, &types::uinteger>, &types::uinteger, uint_arithmetic<Arithmetic::Subtract>}};
const Overload multiply_overloads[] = {
    {"multiply_double", false, of<&types::floating, &types::floating>, &types::floating, double_arithmetic<Arithmetic::Multiply>},
    {"multiply_int64", false, of<&types::integer, &types::integer>, &types::integer, int_arithmetic<Arithmetic::Multiply>},
    {"multiply_uint64", false, of<&types::uinteger, &types::uinteger>, &types::uinteger, uint_arithmetic<Arithmetic::Multiply>}};
const Overload divide_overloads[] = {{"divide_double", false, of<&types::floating, &types::floating>, &types::floating, divide_double},
                                     {"divide_int64", false, of<&types::integer, &types::integer>, &types::integer, divide_int},
                                     {"divide_uint64", false, of<&types::uinteger, &types::uinteger>, &types::uinteger, divide_uint}};
const Overload modulo_overloads[] = {{"modulo_int64", false, of<&types::integer, &types::integer>, &types::integer, modulo_int},
                                     {"modulo_uint64", false, of<&types::uinteger, &types::uinteger>, &types::uinteger, modulo_uint}};
const Overload negate_overloads[] = {{"negate_double", false, of<&types::floating>, &types::floating, negate_double},
                                     {"negate_int64", false, of<&types::integer>, &types::integer, negate_int}};

const Function functions[] = {{"_?_:_", conditional_overloads},
                              {"_&&_", and_overloads},
                              {"_||_", or_overloads},
                              {"!_", not_overloads},
                              {"@not_strictly_false", not_strictly_false_overloads},
                              {"_==_", equals_overloads},
                              {"_!=_", not_equals_overloads},
                              {"_[_]", index_overloads},
                              {"@in", in_overloads},
                              {"_<_", less_overloads},
                              {"_<=_", less_equals_overloads},
                              {"_>_", greater_overloads},
                              {"_>=_", greater_equals_overloads},
                              {"_+_", add_overloads},
                              {"_-_", subtract_overloads},
                              {"_*_", multiply_overloads},
                              {"_/_", divide_overloads},
                              {"_%_", modulo_overloads},
                              {"-_", negate_overloads}};

}  // namespace

std::span<const Function> operator_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
