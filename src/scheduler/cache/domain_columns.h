// DomainColumns: the values of a node label as small numbers, by the nodes' slots: what spreading asks of thousands of nodes for each pod.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::cache {

class DomainColumn {
 public:
  static constexpr uint32_t none = 0;  // the node has no such label
  uint32_t at(uint32_t slot) const { return slot < of_slot_.size() ? of_slot_[slot] : none; }
  // One more than the highest number.
  std::size_t size() const { return values_.size(); }
  const std::string& value(uint32_t id) const { return values_[id]; }
  void set(uint32_t slot, const std::string* value);

 private:
  std::vector<uint32_t> of_slot_;
  std::vector<std::string> values_ = {std::string()};
  std::unordered_map<std::string, uint32_t> ids_;
};

class DomainColumns {
 public:
  static constexpr std::size_t keys_max = 16;  // pods may name any; then the oldest is forgotten
  // Labels that nodes had once keep their numbers, until there are this many more than nodes; then the column is made anew.
  static constexpr std::size_t stale_max = 4096;

  // `nodes`: all known ones, for a key that is asked for the first time. It goes on changing with them.
  std::shared_ptr<const DomainColumn> of(const std::string& key, const std::vector<const NodeInfo*>& nodes);
  // The node came, or changed its labels; `known` false: it went.
  void change(const NodeInfo& node, bool known);

 private:
  std::list<std::pair<std::string, std::shared_ptr<DomainColumn>>> columns_;
};

}  // namespace pintle::scheduler::cache
