#include "apimachinery/cel/unordered.h"

#include <map>
#include <string>

#include "apimachinery/cel/containers.h"

namespace pintle::apimachinery::cel {
namespace {

// Elements by a text that tells their keys apart. Elements without a key (a broken document) get their own.
class Elements {
 public:
  Elements(const List& list, Arena& arena) : list_(list), arena_(arena) {}

  std::string key_of(const Value& element) {
    if (semantics_of(list_) == ListSemantics::Set) return part(element);
    std::string key;
    if (!element.is(Value::Kind::Map)) return "?" + part(element);
    for (const std::string& name : list_.declared()->list_keys) {
      const auto value = element.as_map().find(Value::of(std::string_view(name)), arena_);
      key += value ? part(*value) : "-";
    }
    return key;
  }

 private:
  std::string part(const Value& v) {
    std::string text = std::to_string(static_cast<int>(v.kind())) + ":";
    const std::string shown = display(v, arena_);
    return text + std::to_string(shown.size()) + ":" + shown + ",";
  }
  const List& list_;
  Arena& arena_;
};

}  // namespace

ListSemantics semantics_of(const List& list) {
  const TypeRef declared = list.declared();
  return declared ? declared->semantics : ListSemantics::Atomic;
}

Value equal_unordered(const List& a, const List& b, Arena& arena) {
  Elements elements(a, arena);
  std::multimap<std::string, Value> known;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Value v = a.at(i, arena);
    known.emplace(elements.key_of(v), v);
  }
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Value v = b.at(i, arena);
    const auto found = known.find(elements.key_of(v));
    if (found == known.end()) return Value::of(false);
    if (Value same = equals(found->second, v, arena); !same.is_true()) return same;
    known.erase(found);
  }
  return Value::of(true);
}

namespace {

// A union keeps the declaration that it was made by.
class UnionList final : public List {
 public:
  explicit UnionList(TypeRef declared) : declared_(declared) {}
  std::size_t size() const override { return elements.size(); }
  Value at(std::size_t i, Arena&) const override { return elements[i]; }
  TypeRef declared() const override { return declared_; }
  std::vector<Value> elements;

 private:
  TypeRef declared_;
};

}  // namespace

Value union_of(const List& a, const List& b, Arena& arena) {
  Elements elements(a, arena);
  auto* made = arena.make<UnionList>(a.declared());
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < a.size(); ++i) {
    made->elements.push_back(a.at(i, arena));
    places.emplace(elements.key_of(made->elements.back()), i);
  }
  for (std::size_t i = 0; i < b.size(); ++i) {
    const Value v = b.at(i, arena);
    const auto [found, added] = places.emplace(elements.key_of(v), made->elements.size());
    if (added) {
      made->elements.push_back(v);
    } else if (semantics_of(a) == ListSemantics::Map) {
      made->elements[found->second] = v;
    }
  }
  return Value::of(*made);
}

}  // namespace pintle::apimachinery::cel
