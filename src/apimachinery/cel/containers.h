// Lists and maps that an expression makes, in its arena.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

// May a map have this key: bool, int, uint, string.
bool is_key(const Value& v);
// A total order over scalars that puts equal numbers of different types together; for keys and constants of sets.
struct KeyLess {
  bool operator()(const Value& a, const Value& b) const;
};

// Grows while the loop that accumulates it runs, and is never written again.
class MadeList final : public List {
 public:
  std::size_t size() const override { return elements_.size(); }
  Value at(std::size_t i, Arena&) const override { return elements_[i]; }
  void push_back(const Value& v) { elements_.push_back(v); }
  void reserve(std::size_t n) { elements_.reserve(n); }
  bool growing = false;

 private:
  std::vector<Value> elements_;
};

// Elements that stand in the arena or among a program's constants.
class SpanList final : public List {
 public:
  explicit SpanList(std::span<const Value> elements) : elements_(elements) {}
  std::size_t size() const override { return elements_.size(); }
  Value at(std::size_t i, Arena&) const override { return elements_[i]; }

 private:
  std::span<const Value> elements_;
};

// a + b without copying. Chains are flattened where that costs less than their depth.
class ConcatenatedList final : public List {
 public:
  ConcatenatedList(const List& first, const List& second) : first_(first), second_(second), size_(first.size() + second.size()) {}
  std::size_t size() const override { return size_; }
  Value at(std::size_t i, Arena& arena) const override { return i < first_.size() ? first_.at(i, arena) : second_.at(i - first_.size(), arena); }

 private:
  const List& first_;
  const List& second_;
  std::size_t size_;
};

class MadeMap final : public Map {
 public:
  explicit MadeMap(TypeRef object = nullptr) : object_(object) {}
  std::size_t size() const override { return entries_.size(); }
  std::optional<Value> find(const Value& key, Arena& arena) const override;
  Value key_at(std::size_t i, Arena&) const override { return entries_[i].key; }
  Value value_at(std::size_t i, Arena&) const override { return entries_[i].value; }
  TypeRef object_type() const override { return object_; }
  const Value* get(const Value& key) const;
  // false: the key is there already.
  bool insert(const Value& key, const Value& value);
  bool growing = false;

 private:
  static constexpr std::size_t scanned_max = 8;  // more are looked up in the index
  TypeRef object_;
  std::vector<Entry> entries_;
  std::map<Value, std::size_t, KeyLess> index_;
};

}  // namespace pintle::apimachinery::cel
