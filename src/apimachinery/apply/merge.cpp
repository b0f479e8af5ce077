#include "apimachinery/apply/merge.h"

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "apimachinery/apply/path_element.h"
#include "apimachinery/apply/value_cursor.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;
using Index = std::unordered_map<std::string, std::size_t>;

Result<Value> merge_at(const ValueCursor* live, const ValueCursor* config);

Result<Value> merge_objects(const ValueCursor& live, const ValueCursor& config) {
  Value::Object merged;
  Result<Unit> outcome = Unit{};
  ValueCursor::visit_pairs(&live, &config, [&](std::string_view name, const ValueCursor* left, const ValueCursor* right) {
    if (!outcome) return;
    auto member = merge_at(left, right);
    if (member) {
      merged[name] = std::move(*member);
    } else {
      outcome = Unexpected(std::move(member.error()));
    }
  });
  if (!outcome) return Unexpected(std::move(outcome.error()));
  return Value(std::move(merged));
}

// One side of a list merge: its elements' keys, and where each stands first.
struct Side {
  explicit Side(const ValueCursor& list) : list(list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      keys.push_back(list.element_key(i));
      if (!at.emplace(keys.back(), i).second) repeated.insert(keys.back());
    }
  }
  bool has(const std::string& key) const { return at.contains(key); }
  const ValueCursor& list;
  std::vector<std::string> keys;
  Index at;
  std::unordered_set<std::string> repeated;
};

// Walks both lists at once. `config` rules the order of the elements that both have; live elements come out where they
// stand before the next one that both have.
class ListMerger {
 public:
  ListMerger(const ValueCursor& live, const ValueCursor& config) : live_(live), config_(config) {
    for (const std::string& key : config_.keys)
      if (live_.has(key)) shared_.push_back(&key);
  }
  Result<Value> merge();

 private:
  const std::string* next_shared() const { return shared_at_ < shared_.size() ? shared_[shared_at_] : nullptr; }
  Result<Unit> take_live(std::size_t i);
  Result<Unit> take_config(std::size_t i);

  Side live_;
  Side config_;
  std::vector<const std::string*> shared_;  // elements of both, in the order of config
  std::size_t shared_at_ = 0;
  Index merged_;
  Value::Array out_;
};

Result<Unit> ListMerger::take_live(std::size_t i) {
  const ValueCursor item = live_.list.element(i);
  TRY_ASSIGN(Value value, merge_at(&item, nullptr));
  out_.push_back(std::move(value));
  return Unit{};
}

Result<Unit> ListMerger::take_config(std::size_t i) {
  const std::string& key = config_.keys[i];
  const ValueCursor item = config_.list.element(i);
  const auto match = live_.at.find(key);
  merged_.emplace(key, i);
  if (match == live_.at.end() || live_.repeated.contains(key)) {
    TRY_ASSIGN(Value value, merge_at(nullptr, &item));
    out_.push_back(std::move(value));
    return Unit{};
  }
  const ValueCursor current = live_.list.element(match->second);
  TRY_ASSIGN(Value value, merge_at(&current, &item));
  out_.push_back(std::move(value));
  return Unit{};
}

Result<Value> ListMerger::merge() {
  if (!config_.repeated.empty()) return bad_request("failed to merge config: a list holds the same element twice");
  const std::size_t live_size = live_.keys.size();
  const std::size_t config_size = config_.keys.size();
  for (std::size_t l = 0, c = 0; l < live_size || c < config_size;) {
    if (l < live_size && c < config_size) {
      if (live_.keys[l] == config_.keys[c]) {
        TRY(take_config(c));
        ++l;
        ++c;
        ++shared_at_;
        continue;
      }
      if (config_.has(live_.keys[l]) && next_shared() && *next_shared() != live_.keys[l]) {
        ++l;  // shared, but another shared one comes first
        continue;
      }
    }
    if (l < live_size) {
      if (!config_.has(live_.keys[l])) {
        TRY(take_live(l));
        ++l;
        continue;
      }
      if (merged_.contains(live_.keys[l])) ++l;
    }
    if (c < config_size) {
      const bool was_next = next_shared() && *next_shared() == config_.keys[c];
      TRY(take_config(c));
      shared_at_ += was_next;
      ++c;
    }
  }
  return Value(std::move(out_));
}

Result<Value> merge_at(const ValueCursor* live, const ValueCursor* config) {
  if (config == nullptr) return live->value();
  if (live == nullptr) {  // nothing to merge with, but the lists inside must be sound
    const Shape shape = config->shape();
    if ((shape == Shape::KeyedList || shape == Shape::SetList) && config->value().is_array() && !Side(*config).repeated.empty())
      return bad_request("failed to merge config: a list holds the same element twice");
    return config->value();
  }
  const Shape shape = config->shape();
  const bool empty = live->size() == 0 && config->size() == 0;
  if (shape == Shape::Leaf || shape != live->shape() || empty) return config->value();
  if (shape == Shape::Object) return merge_objects(*live, *config);
  const Value nothing = Value::Array{};
  const ValueCursor no_list(live->schema(), live->node(), nothing);
  return ListMerger(live->null() ? no_list : *live, config->null() ? no_list : *config).merge();
}

Value remove_at(const ValueCursor& at, const FieldSet& removed) {
  const Shape shape = at.shape();
  if (shape == Shape::Leaf || at.null()) return at.value();
  if (shape == Shape::Object) {
    Value::Object kept;
    for (const auto& [name, value] : at.value().as_object()) {
      const FieldSet::Node* node = removed.find(path_element::field(name));
      if (node && node->member) continue;
      kept[name] = node ? remove_at(at.member(name, value), node->children) : value;
    }
    return kept.empty() && !at.value().as_object().empty() ? Value() : Value(std::move(kept));
  }
  Value::Array kept;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const FieldSet::Node* node = removed.find(at.element_key(i));
    if (node && node->member) continue;
    const ValueCursor item = at.element(i);
    kept.push_back(node ? remove_at(item, node->children) : item.value());
  }
  return kept.empty() && at.size() > 0 ? Value() : Value(std::move(kept));
}

FieldSet with_parents_at(const SchemaView& schema, SchemaNode at, const FieldSet& set) {
  const Shape shape = schema.shape(at);
  FieldSet result;
  for (const FieldSet::Node& node : set.nodes()) {
    bool named = false;
    SchemaNode below;
    bool known = true;
    if (shape == Shape::Object && path_element::is_field(node.element)) {
      below = schema.member(at, path_element::field_name(node.element), named);
    } else if (shape == Shape::KeyedList || shape == Shape::SetList) {
      below = schema.element(at);
    } else {
      known = shape == Shape::Deduced;  // below a leaf there is nothing the schema could name
    }
    const bool member = node.member || (named && !node.children.empty());
    result.append(node.element, member, known ? with_parents_at(schema, below, node.children) : node.children);
  }
  return result;
}

}  // namespace

Result<Value> merge_config(const SchemaView& schema, const Value& live, const Value& config) {
  const ValueCursor left(schema, schema.root(), live);
  const ValueCursor right(schema, schema.root(), config);
  return merge_at(&left, &right);
}

Value remove_fields(const SchemaView& schema, const Value& document, const FieldSet& removed) {
  return remove_at(ValueCursor(schema, schema.root(), document), removed);
}

FieldSet with_named_parents(const SchemaView& schema, const FieldSet& set) { return with_parents_at(schema, schema.root(), set); }

}  // namespace pintle::apimachinery
