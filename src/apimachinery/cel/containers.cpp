#include "apimachinery/cel/containers.h"

#include "apimachinery/cel/numbers.h"

namespace pintle::apimachinery::cel {

bool is_key(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::Bool:
    case Value::Kind::Int:
    case Value::Kind::Uint:
    case Value::Kind::String: return true;
    default: return false;
  }
}

bool KeyLess::operator()(const Value& a, const Value& b) const {
  const bool numbers = is_number(a) && is_number(b);
  if (!numbers && a.kind() != b.kind()) {
    const auto rank = [](const Value& v) { return is_number(v) ? Value::Kind::Int : v.kind(); };
    return rank(a) < rank(b);
  }
  if (numbers) return compare_numbers(a, b) == Order::Less;
  if (a.is(Value::Kind::String) || a.is(Value::Kind::Bytes)) return a.text() < b.text();
  return a.is(Value::Kind::Bool) && !a.as_bool() && b.as_bool();
}

const Value* MadeMap::get(const Value& key) const {
  if (entries_.size() > scanned_max) {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &entries_[found->second].value;
  }
  constexpr KeyLess less;
  for (const Entry& entry : entries_)
    if (!less(entry.key, key) && !less(key, entry.key)) return &entry.value;
  return nullptr;
}

std::optional<Value> MadeMap::find(const Value& key, Arena&) const {
  const Value* found = get(key);
  return found ? std::optional(*found) : std::nullopt;
}

bool MadeMap::insert(const Value& key, const Value& value) {
  if (get(key)) return false;
  entries_.push_back({key, value});
  if (entries_.size() == scanned_max + 1) {
    for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
  } else if (entries_.size() > scanned_max) {
    index_.emplace(key, entries_.size() - 1);
  }
  return true;
}

}  // namespace pintle::apimachinery::cel
