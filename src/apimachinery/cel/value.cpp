#include "apimachinery/cel/value.h"

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/numbers.h"
#include "apimachinery/cel/unordered.h"

namespace pintle::apimachinery::cel {

Value Value::of(double v) {
  Value made(Kind::Double);
  made.double_ = v;
  return made;
}
Value Value::of(Timestamp v) {
  Value made(Kind::Timestamp, v.seconds);
  made.extra_ = v.nanos;
  made.zone_minutes_ = v.zone_minutes;
  return made;
}
Value Value::optional(Value held, Arena& arena) { return Value(Kind::Optional, arena.make<Value>(held)); }
Value Value::error(Arena& arena, std::string_view message, Failure failure) {
  return error(*arena.make<ErrorInfo>(ErrorInfo{failure, arena.copy(message)}));
}

namespace {

constexpr uint64_t compared_max = 10'000'000;  // values; parts may be shared, so that a small one is large when it is walked
constexpr int compared_depth_max = 200;        // documents are read no deeper, made values nest no deeper than expressions

class Comparison {
 public:
  explicit Comparison(Arena& arena) : arena_(arena) {}

  Value equal(const Value& a, const Value& b, int depth = 0) {
    using Kind = Value::Kind;
    if (depth > compared_depth_max || ++compared_ > compared_max) return Value::error(arena_, "values are nested too deep or too large to compare");
    if (a.is_error()) return a;
    if (b.is_error()) return b;
    if (is_number(a) && is_number(b)) return Value::of(compare_numbers(a, b) == Order::Equal);
    if (a.kind() != b.kind()) return Value::of(false);
    switch (a.kind()) {
      case Kind::Null: return Value::of(true);
      case Kind::Bool: return Value::of(a.as_bool() == b.as_bool());
      case Kind::String:
      case Kind::Bytes: return Value::of(a.text() == b.text());
      case Kind::Timestamp: return Value::of(a.as_timestamp() == b.as_timestamp());
      case Kind::Duration: return Value::of(a.as_duration() == b.as_duration());
      case Kind::List: return lists(a.as_list(), b.as_list(), depth);
      case Kind::Map: return maps(a.as_map(), b.as_map(), depth);
      case Kind::Opaque: return Value::of(same_type(&a.as_opaque().type(), &b.as_opaque().type()) && a.as_opaque().equals(b.as_opaque()));
      case Kind::Optional:
        if (!a.held() || !b.held()) return Value::of(!a.held() && !b.held());
        return equal(*a.held(), *b.held(), depth + 1);
      case Kind::Type: return Value::of(a.as_type().name == b.as_type().name);
      default: return Value::of(false);
    }
  }

 private:
  Value lists(const List& a, const List& b, int depth) {
    if (&a == &b) return Value::of(true);
    const ListSemantics semantics = semantics_of(a);
    if (a.size() != b.size()) return Value::of(false);
    if (semantics != ListSemantics::Atomic) return equal_unordered(a, b, arena_);
    for (std::size_t i = 0; i < a.size() && !arena_.exhausted(); ++i)
      if (Value same = equal(a.at(i, arena_), b.at(i, arena_), depth + 1); !same.is_true()) return same;
    return Value::of(true);
  }
  Value maps(const Map& a, const Map& b, int depth) {
    if (&a == &b) return Value::of(true);
    if (a.size() != b.size()) return Value::of(false);
    if (a.object_type() && b.object_type() && a.object_type()->name != b.object_type()->name) return Value::of(false);
    for (std::size_t i = 0; i < a.size() && !arena_.exhausted(); ++i) {
      const auto found = b.find(a.key_at(i, arena_), arena_);
      if (!found) return Value::of(false);
      if (Value same = equal(a.value_at(i, arena_), *found, depth + 1); !same.is_true()) return same;
    }
    return Value::of(true);
  }

  Arena& arena_;
  uint64_t compared_ = 0;
};

}  // namespace

Value equals(const Value& a, const Value& b, Arena& arena) { return Comparison(arena).equal(a, b); }

const Type& type_of(const Value& v) {
  static const Type list{TypeKind::List, false, "list", {&types::dyn}};
  static const Type map{TypeKind::Map, false, "map", {&types::dyn, &types::dyn}};
  static const Type optional{TypeKind::Opaque, false, "optional_type", {&types::dyn}};
  switch (v.kind()) {
    case Value::Kind::Absent:
    case Value::Kind::Error: return types::error;
    case Value::Kind::Null: return types::null;
    case Value::Kind::Bool: return types::boolean;
    case Value::Kind::Int: return types::integer;
    case Value::Kind::Uint: return types::uinteger;
    case Value::Kind::Double: return types::floating;
    case Value::Kind::String: return types::string;
    case Value::Kind::Bytes: return types::bytes;
    case Value::Kind::Timestamp: return types::timestamp;
    case Value::Kind::Duration: return types::duration;
    case Value::Kind::List: return list;
    case Value::Kind::Map: return v.as_map().object_type() ? *v.as_map().object_type() : map;
    case Value::Kind::Opaque: return v.as_opaque().type();
    case Value::Kind::Optional: return optional;
    case Value::Kind::Type: return types::type;
  }
  return types::dyn;
}

uint64_t size_of(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::String: return code_points(v.text());
    case Value::Kind::Bytes: return v.text().size();
    case Value::Kind::List: return v.as_list().size();
    case Value::Kind::Map: return v.as_map().size();
    case Value::Kind::Opaque: return v.as_opaque().size();
    case Value::Kind::Optional: return v.held() ? size_of(*v.held()) : 1;
    default: return 1;
  }
}

Value make_list(std::span<const Value> elements, Arena& arena) { return Value::of(*arena.make<SpanList>(arena.copy(elements))); }
Value make_map(std::span<const Entry> entries, Arena& arena) { return make_object(nullptr, entries, arena); }
Value make_object(TypeRef type, std::span<const Entry> fields, Arena& arena) {
  auto* made = arena.make<MadeMap>(type);
  for (const Entry& entry : fields) made->insert(entry.key, entry.value);
  return Value::of(*made);
}

}  // namespace pintle::apimachinery::cel
