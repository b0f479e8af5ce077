// Optional values. or() and orValue() are the evaluator's: they look at their argument only when they need it.
#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"

namespace pintle::apimachinery::cel {
namespace {

bool is_zero(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::Null: return true;
    case Value::Kind::Bool: return !v.as_bool();
    case Value::Kind::Int:
    case Value::Kind::Uint:
    case Value::Kind::Duration: return v.as_int() == 0;
    case Value::Kind::Double: return v.as_double() == 0;
    case Value::Kind::String:
    case Value::Kind::Bytes: return v.text().empty();
    case Value::Kind::List: return v.as_list().size() == 0;
    case Value::Kind::Map: return v.as_map().size() == 0;
    case Value::Kind::Timestamp: return v.as_timestamp() == Timestamp{-62135596800, 0};
    case Value::Kind::Optional: return !v.held();
    default: return false;
  }
}

Value of_value(const Call& call) { return Value::optional(call[0], call.arena); }
Value of_non_zero(const Call& call) { return is_zero(call[0]) ? Value::none() : Value::optional(call[0], call.arena); }
Value make_none(const Call&) { return Value::none(); }
Value value(const Call& call) { return call[0].held() ? *call[0].held() : call.fail("optional.none() dereference"); }
Value has_value(const Call& call) { return Value::of(call[0].held() != nullptr); }
Value first(const Call& call) {
  const List& list = call[0].as_list();
  return list.size() == 0 ? Value::none() : Value::optional(list.at(0, call.arena), call.arena);
}
Value last(const Call& call) {
  const List& list = call[0].as_list();
  return list.size() == 0 ? Value::none() : Value::optional(list.at(list.size() - 1, call.arena), call.arena);
}
Value unwrap(const Call& call) {
  const List& list = call[0].as_list();
  auto* made = call.arena.make<MadeList>();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value v = list.at(i, call.arena);
    if (!v.is(Value::Kind::Optional)) return call.fail("value " + display(v, call.arena) + " is not optional");
    if (v.held()) made->push_back(*v.held());
  }
  return Value::of(*made);
}

const Type optional_list{TypeKind::Opaque, false, "optional_type", {&types::list_a}};
const Type optional_map{TypeKind::Opaque, false, "optional_type", {&types::map_ab}};

const Overload of_overloads[] = {{"optional_of", false, of<&types::a>, &types::optional_a, of_value}};
const Overload non_zero_overloads[] = {{"optional_ofNonZeroValue", false, of<&types::a>, &types::optional_a, of_non_zero}};
const Overload none_overloads[] = {{"optional_none", false, {}, &types::optional_a, make_none}};
const Overload value_overloads[] = {{"optional_value", true, of<&types::optional_a>, &types::a, value}};
const Overload has_value_overloads[] = {{"optional_hasValue", true, of<&types::optional_a>, &types::boolean, has_value}};
const Overload or_overloads[] = {{"optional_or_optional", true, of<&types::optional_a, &types::optional_a>, &types::optional_a}};
const Overload or_value_overloads[] = {{"optional_orValue_value", true, of<&types::optional_a, &types::a>, &types::a}};
const Overload last_overloads[] = {{"list_last", true, of<&types::list_a>, &types::optional_a, last}};
const Overload first_overloads[] = {{"list_first", true, of<&types::list_a>, &types::optional_a, first}};
const Overload unwrap_overloads[] = {{"optional_unwrap", false, of<&types::list_optional_a>, &types::list_a, unwrap}};
const Overload unwrap_opt_overloads[] = {{"optional_unwrapOpt", true, of<&types::list_optional_a>, &types::list_a, unwrap}};
const Overload index_overloads[] = {{"optional_list_index_int", false, of<&optional_list, &types::integer>, &types::optional_a},
                                    {"optional_map_index_value", false, of<&optional_map, &types::a>, &types::optional_b}};
const Overload optional_index_overloads[] = {{"list_optindex_optional_int", false, of<&types::list_a, &types::integer>, &types::optional_a},
                                             {"optional_list_optindex_optional_int", false, of<&optional_list, &types::integer>, &types::optional_a},
                                             {"map_optindex_optional_value", false, of<&types::map_ab, &types::a>, &types::optional_b},
                                             {"optional_map_optindex_optional_value", false, of<&optional_map, &types::a>, &types::optional_b}};

const Function functions[] = {{"optional.of", of_overloads},       {"optional.ofNonZeroValue", non_zero_overloads},
                              {"optional.none", none_overloads},   {"value", value_overloads},
                              {"hasValue", has_value_overloads},   {"or", or_overloads},
                              {"orValue", or_value_overloads},     {"last", last_overloads},
                              {"first", first_overloads},          {"optional.unwrap", unwrap_overloads},
                              {"unwrapOpt", unwrap_opt_overloads}, {"_[_]", index_overloads},
                              {"_[?_]", optional_index_overloads}};

// cel.@mapInsert: what two-variable comprehensions put into the map that they make.
Value insert_failed(const Call& call, const Value& key) { return call.fail("insert failed: key " + display(key, call.arena) + " already exists"); }
MadeMap* growing(const Value& v) {
  auto* map = dynamic_cast<const MadeMap*>(&v.as_map());
  return map && map->growing ? const_cast<MadeMap*>(map) : nullptr;  // of a loop that is running: nobody else sees it
}
Value insert_entry(const Call& call) {
  MadeMap* map = growing(call[0]);
  if (!map || !is_key(call[1])) return call.fail("unsupported key type: " + std::string(type_of(call[1]).name));
  return map->insert(call[1], call[2]) ? call[0] : insert_failed(call, call[1]);
}
Value insert_map(const Call& call) {
  MadeMap* map = growing(call[0]);
  const Map& added = call[1].as_map();
  for (std::size_t i = 0; map && i < added.size(); ++i) {
    const Value key = added.key_at(i, call.arena);
    if (!map->insert(key, added.value_at(i, call.arena))) return insert_failed(call, key);
  }
  return call[0];
}
const Overload insert_overloads[] = {{"@mapInsert_map_map", false, of<&types::map_ab, &types::map_ab>, &types::map_ab, insert_map},
                                     {"@mapInsert_map_key_value", false, of<&types::map_ab, &types::a, &types::b>, &types::map_ab, insert_entry}};
const Function map_functions[] = {{"cel.@mapInsert", insert_overloads}};

}  // namespace

std::span<const Function> optional_functions() { return functions; }
std::span<const Function> map_insert_functions() { return map_functions; }

}  // namespace pintle::apimachinery::cel
