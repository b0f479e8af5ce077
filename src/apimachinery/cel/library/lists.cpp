// Lists: sets.*, upstream's list library (slice, flatten, sort ...), Kubernetes' own (isSorted, sum, min ...).
#include <algorithm>
#include <numeric>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/library/ordering.h"

namespace pintle::apimachinery::cel {
namespace {

bool holds(const List& list, const Value& v, Arena& arena) {
  for (std::size_t i = 0; i < list.size() && !arena.exhausted(); ++i)
    if (equals(list.at(i, arena), v, arena).is_true()) return true;
  return false;
}
bool holds_all(const List& list, const List& wanted, Arena& arena) {
  for (std::size_t i = 0; i < wanted.size() && !arena.exhausted(); ++i)
    if (!holds(list, wanted.at(i, arena), arena)) return false;
  return true;
}

Value contains(const Call& call) { return Value::of(holds_all(call[0].as_list(), call[1].as_list(), call.arena)); }
Value equivalent(const Call& call) {
  const List &a = call[0].as_list(), &b = call[1].as_list();
  return Value::of(holds_all(a, b, call.arena) && holds_all(b, a, call.arena));
}
Value intersects(const Call& call) {
  const List &a = call[0].as_list(), &b = call[1].as_list();
  for (std::size_t i = 0; i < a.size() && !call.arena.exhausted(); ++i)
    if (holds(b, a.at(i, call.arena), call.arena)) return Value::of(true);
  return Value::of(false);
}

Value slice(const Call& call) {
  const List& list = call[0].as_list();
  const int64_t start = call[1].as_int(), end = call[2].as_int();
  const std::string which = "cannot slice(" + std::to_string(start) + ", " + std::to_string(end) + "), ";
  if (start < 0 || end < 0) return call.fail(which + "negative indexes not supported");
  if (start > end) return call.fail(which + "start index must be less than or equal to end index");
  if (static_cast<int64_t>(list.size()) < end) return call.fail(which + "list is length " + std::to_string(list.size()));
  auto* made = call.arena.make<MadeList>();
  for (int64_t i = start; i < end; ++i) made->push_back(list.at(static_cast<std::size_t>(i), call.arena));
  return Value::of(*made);
}

constexpr int64_t flattened_depth_max = 200;
void flatten_into(const List& list, int64_t levels, MadeList& made, Arena& arena) {
  for (std::size_t i = 0; i < list.size() && !arena.exhausted(); ++i) {
    const Value v = list.at(i, arena);
    if (levels > 0 && v.is(Value::Kind::List)) {
      flatten_into(v.as_list(), levels - 1, made, arena);
    } else {
      made.push_back(v);
    }
  }
}
Value flatten(const Call& call) {
  const int64_t levels = call.args.size() == 2 ? call[1].as_int() : 1;
  if (levels < 0) return call.fail("level must be non-negative");
  auto* made = call.arena.make<MadeList>();
  flatten_into(call[0].as_list(), std::min(levels, flattened_depth_max), *made, call.arena);
  return Value::of(*made);
}

Value sorted_by(const Call& call, const List& list, const List& keys) {
  if (list.size() != keys.size())
    return call.fail("@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got " + std::to_string(list.size()) +
                     " and " + std::to_string(keys.size()) + " elements respectively");
  if (list.size() == 0) return Value::of(list);
  std::vector<Value> all;
  for (std::size_t i = 0; i < keys.size(); ++i) all.push_back(keys.at(i, call.arena));
  if (!is_ordered(all[0])) return call.fail("list elements must be comparable");
  for (const Value& key : all)
    if (key.kind() != all[0].kind()) return call.fail("list elements must have the same type");
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return is_less(all[a], all[b]); });
  auto* made = call.arena.make<MadeList>();
  for (const std::size_t i : order) made->push_back(list.at(i, call.arena));
  return Value::of(*made);
}
Value sort(const Call& call) { return sorted_by(call, call[0].as_list(), call[0].as_list()); }
Value sort_by_keys(const Call& call) { return sorted_by(call, call[0].as_list(), call[1].as_list()); }

// 0, 1, 2 ... without being written down.
class Range final : public List {
 public:
  explicit Range(int64_t size) : size_(size) {}
  std::size_t size() const override { return static_cast<std::size_t>(size_); }
  Value at(std::size_t i, Arena&) const override { return Value::of(static_cast<int64_t>(i)); }

 private:
  int64_t size_;
};
Value range(const Call& call) { return Value::of(*call.arena.make<Range>(std::max<int64_t>(call[0].as_int(), 0))); }

class Reversed final : public List {
 public:
  explicit Reversed(const List& list) : list_(list) {}
  std::size_t size() const override { return list_.size(); }
  Value at(std::size_t i, Arena& arena) const override { return list_.at(list_.size() - 1 - i, arena); }

 private:
  const List& list_;
};
Value reverse(const Call& call) { return Value::of(*call.arena.make<Reversed>(call[0].as_list())); }

Value distinct(const Call& call) {
  const List& list = call[0].as_list();
  auto* made = call.arena.make<MadeList>();
  for (std::size_t i = 0; i < list.size() && !call.arena.exhausted(); ++i) {
    const Value v = list.at(i, call.arena);
    if (!holds(*made, v, call.arena)) made->push_back(v);
  }
  return Value::of(*made);
}

// Kubernetes' own.
Value is_sorted(const Call& call) {
  const List& list = call[0].as_list();
  for (std::size_t i = 1; i < list.size(); ++i)
    if (is_less(list.at(i, call.arena), list.at(i - 1, call.arena))) return Value::of(false);
  return Value::of(true);
}
Value sum(const Call& call, Value total) {
  const List& list = call[0].as_list();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value v = list.at(i, call.arena);
    if (v.kind() != total.kind()) return call.fail("no such overload");
    if (total.is(Value::Kind::Double)) {
      total = Value::of(total.as_double() + v.as_double());
    } else if (total.is(Value::Kind::Uint)) {
      uint64_t result = 0;
      if (__builtin_add_overflow(total.as_uint(), v.as_uint(), &result)) return call.fail("unsigned integer overflow");
      total = Value::of(result);
    } else {
      int64_t result = 0;
      const bool is_int = total.is(Value::Kind::Int);
      if (__builtin_add_overflow(total.as_int(), v.as_int(), &result)) return call.fail(is_int ? "integer overflow" : "duration overflow");
      total = is_int ? Value::of(result) : Value::duration(result);
    }
  }
  return total;
}
Value sum_int(const Call& call) { return sum(call, Value::of(0)); }
Value sum_uint(const Call& call) { return sum(call, Value::of(uint64_t{0})); }
Value sum_double(const Call& call) { return sum(call, Value::of(0.0)); }
Value sum_duration(const Call& call) { return sum(call, Value::duration(0)); }

Value extreme(const Call& call, bool greatest) {
  const List& list = call[0].as_list();
  if (list.size() == 0) return call.fail(std::string(greatest ? "max" : "min") + " called on empty list");
  Value best = list.at(0, call.arena);
  for (std::size_t i = 1; i < list.size(); ++i) {
    const Value v = list.at(i, call.arena);
    if (greatest ? is_less(best, v) : is_less(v, best)) best = v;
  }
  return best;
}
Value max(const Call& call) { return extreme(call, true); }
Value min(const Call& call) { return extreme(call, false); }
Value index_of(const Call& call) {
  const List& list = call[0].as_list();
  for (std::size_t i = 0; i < list.size() && !call.arena.exhausted(); ++i)
    if (equals(list.at(i, call.arena), call[1], call.arena).is_true()) return Value::of(static_cast<int64_t>(i));
  return Value::of(-1);
}
Value last_index_of(const Call& call) {
  const List& list = call[0].as_list();
  for (std::size_t i = list.size(); i > 0 && !call.arena.exhausted(); --i)
    if (equals(list.at(i - 1, call.arena), call[1], call.arena).is_true()) return Value::of(static_cast<int64_t>(i - 1));
  return Value::of(-1);
}

const Overload sets_contains[] = {{"list_sets_contains_list", false, of<&types::list_a, &types::list_a>, &types::boolean, contains}};
const Overload sets_equivalent[] = {{"list_sets_equivalent_list", false, of<&types::list_a, &types::list_a>, &types::boolean, equivalent}};
const Overload sets_intersects[] = {{"list_sets_intersects_list", false, of<&types::list_a, &types::list_a>, &types::boolean, intersects}};
const Function sets[] = {{"sets.contains", sets_contains}, {"sets.equivalent", sets_equivalent}, {"sets.intersects", sets_intersects}};

// One overload for each type that can be ordered.
#define FOR_ORDERED(before, after, result, f)                                                          \
  {                                                                                                    \
    {before "int" after, true, of<&types::list_int>, result(integer, int), f},                         \
        {before "uint" after, true, of<&types::list_uint>, result(uinteger, uint), f},                 \
        {before "double" after, true, of<&types::list_double>, result(floating, double), f},           \
        {before "bool" after, true, of<&types::list_bool>, result(boolean, bool), f},                  \
        {before "duration" after, true, of<&types::list_duration>, result(duration, duration), f},     \
        {before "timestamp" after, true, of<&types::list_timestamp>, result(timestamp, timestamp), f}, \
        {before "string" after, true, of<&types::list_string>, result(string, string), f}, {           \
      before "bytes" after, true, of<&types::list_bytes>, result(bytes, bytes), f                      \
    }                                                                                                  \
  }
#define THE_ELEMENT(type, name) &types::type
#define A_BOOL(type, name) &types::boolean
#define THE_LIST(type, name) &types::list_##name

const Overload slice_overloads[] = {{"list_slice", true, of<&types::list_a, &types::integer, &types::integer>, &types::list_a, slice}};
const Overload flatten_overloads[] = {{"list_flatten", true, of<&types::list_list_a>, &types::list_a, flatten},
                                      {"list_flatten_int", true, of<&types::list_dyn, &types::integer>, &types::list_dyn, flatten}};
const Overload sort_overloads[] = FOR_ORDERED("list_", "_sort", THE_LIST, sort);
const Overload sort_by_overloads[] = {
    {"list_int_sortByAssociatedKeys", true, of<&types::list_a, &types::list_int>, &types::list_a, sort_by_keys},
    {"list_uint_sortByAssociatedKeys", true, of<&types::list_a, &types::list_uint>, &types::list_a, sort_by_keys},
    {"list_double_sortByAssociatedKeys", true, of<&types::list_a, &types::list_double>, &types::list_a, sort_by_keys},
    {"list_bool_sortByAssociatedKeys", true, of<&types::list_a, &types::list_bool>, &types::list_a, sort_by_keys},
    {"list_duration_sortByAssociatedKeys", true, of<&types::list_a, &types::list_duration>, &types::list_a, sort_by_keys},
    {"list_timestamp_sortByAssociatedKeys", true, of<&types::list_a, &types::list_timestamp>, &types::list_a, sort_by_keys},
    {"list_string_sortByAssociatedKeys", true, of<&types::list_a, &types::list_string>, &types::list_a, sort_by_keys},
    {"list_bytes_sortByAssociatedKeys", true, of<&types::list_a, &types::list_bytes>, &types::list_a, sort_by_keys}};
const Overload range_overloads[] = {{"lists_range", false, of<&types::integer>, &types::list_int, range}};
const Overload reverse_overloads[] = {{"list_reverse", true, of<&types::list_a>, &types::list_a, reverse}};
const Overload distinct_overloads[] = {{"list_distinct", true, of<&types::list_a>, &types::list_a, distinct}};
const Function lists[] = {
    {"slice", slice_overloads},       {"flatten", flatten_overloads}, {"sort", sort_overloads},        {"@sortByAssociatedKeys", sort_by_overloads},
    {"lists.range", range_overloads}, {"reverse", reverse_overloads}, {"distinct", distinct_overloads}};

const Overload is_sorted_overloads[] = FOR_ORDERED("list_", "_is_sorted_bool", A_BOOL, is_sorted);
const Overload max_overloads[] = FOR_ORDERED("list_", "_max", THE_ELEMENT, max);
const Overload min_overloads[] = FOR_ORDERED("list_", "_min", THE_ELEMENT, min);
#undef FOR_ORDERED
#undef THE_ELEMENT
#undef A_BOOL
#undef THE_LIST
const Overload sum_overloads[] = {{"list_int_sum_int", true, of<&types::list_int>, &types::integer, sum_int},
                                  {"list_uint_sum_uint", true, of<&types::list_uint>, &types::uinteger, sum_uint},
                                  {"list_double_sum_double", true, of<&types::list_double>, &types::floating, sum_double},
                                  {"list_duration_sum_duration", true, of<&types::list_duration>, &types::duration, sum_duration}};
const Overload index_overloads[] = {{"list_a_index_of_int", true, of<&types::list_a, &types::a>, &types::integer, index_of}};
const Overload last_index_overloads[] = {{"list_a_last_index_of_int", true, of<&types::list_a, &types::a>, &types::integer, last_index_of}};
const Function kubernetes_lists[] = {
    {"isSorted", is_sorted_overloads},    {"sum", sum_overloads}, {"max", max_overloads}, {"min", min_overloads}, {"indexOf", index_overloads},
    {"lastIndexOf", last_index_overloads}};

}  // namespace

std::span<const Function> set_functions() { return sets; }
std::span<const Function> list_functions() { return lists; }
std::span<const Function> kubernetes_list_functions() { return kubernetes_lists; }

}  // namespace pintle::apimachinery::cel
