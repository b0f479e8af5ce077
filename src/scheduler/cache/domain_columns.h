// DomainColumns: the values of a node label as small numbers, by the nodes' slots: what spreading and affinity ask of thousands of nodes for each
// pod.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::cache {

class DomainColumn {
 public:
  static constexpr uint32_t none = 0;  // the node has no such label
  explicit DomainColumn(std::string key) : key_(std::move(key)) {}
  const std::string& key() const { return key_; }
  uint32_t at(uint32_t slot) const { return slot < of_slot_.size() ? of_slot_[slot] : none; }
  // One more than the highest number.
  std::size_t size() const { return values_.size(); }
  const std::string& value(uint32_t id) const { return values_[id]; }
  // `none`: no node has, or had, that value.
  uint32_t find(const std::string& value) const {
    const auto it = ids_.find(value);
    return it == ids_.end() ? none : it->second;
  }
  void set(uint32_t slot, const std::string* value);

 private:
  std::string key_;
  std::vector<uint32_t> of_slot_;
  std::vector<std::string> values_ = {std::string()};
  std::unordered_map<std::string, uint32_t> ids_;
};

// A number for some of the domains of a column: room that is used again and again, and emptied at no cost.
template <class T>
class DomainNumbers {
 public:
  // None has a number; `domains`: the column's size.
  void clear(std::size_t domains) {
    if (numbers_.size() < domains) numbers_.resize(domains);
    ++round_;
  }
  void set(uint32_t domain, T number) { numbers_[domain] = {round_, number}; }
  // nullptr: it has none.
  const T* find(uint32_t domain) const { return numbers_[domain].round == round_ ? &numbers_[domain].number : nullptr; }

 private:
  struct Number {
    uint64_t round = 0;
    T number{};
  };
  std::vector<Number> numbers_;
  uint64_t round_ = 0;
};

class DomainColumns {
 public:
  static constexpr std::size_t keys_max = 64;  // pods may name any; then the one that was not asked for longest is forgotten
  // Labels that nodes had once keep their numbers, until there are this many more than nodes; then the column is made anew.
  static constexpr std::size_t stale_max = 4096;

  // `nodes`: all known ones, for a key that is asked for the first time. It goes on changing with them.
  std::shared_ptr<const DomainColumn> of(const std::string& key, const std::vector<const NodeInfo*>& nodes);
  // The node came, or changed its labels; `known` false: it went.
  void change(const NodeInfo& node, bool known);

 private:
  std::list<std::shared_ptr<DomainColumn>> columns_;  // the one that was asked for last stands at the end
};

}  // namespace pintle::scheduler::cache
