// NodeList: nodes with their slots beside them: what is kept in columns by slot is read for thousands of nodes without touching one of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/framework/node_info.h"

namespace pintle::scheduler {

class NodeList {
 public:
  void push_back(const NodeInfo* node) { push_back(node, node->slot); }
  void push_back(const NodeInfo* node, uint32_t slot) {
    infos_.push_back(node);
    slots_.push_back(slot);
  }
  void clear() {
    infos_.clear();
    slots_.clear();
  }
  // How many went.
  template <class Predicate>
  std::size_t erase_if(Predicate predicate) {
    const std::size_t gone = std::erase_if(infos_, predicate);
    if (gone == 0) return 0;
    slots_.clear();
    for (const NodeInfo* node : infos_) slots_.push_back(node->slot);
    return gone;
  }

  std::size_t size() const { return infos_.size(); }
  bool empty() const { return infos_.empty(); }
  const NodeInfo* operator[](std::size_t i) const { return infos_[i]; }
  const NodeInfo* front() const { return infos_.front(); }
  auto begin() const { return infos_.begin(); }
  auto end() const { return infos_.end(); }
  const std::vector<const NodeInfo*>& infos() const { return infos_; }
  std::span<const uint32_t> slots() const { return slots_; }

 private:
  std::vector<const NodeInfo*> infos_;
  std::vector<uint32_t> slots_;
};

}  // namespace pintle::scheduler
