#include "scheduler/cache/domain_columns.h"

#include <algorithm>

namespace pintle::scheduler::cache {

void DomainColumn::set(uint32_t slot, const std::string* value) {
  if (slot >= of_slot_.size()) of_slot_.resize(slot + 1, none);
  if (value == nullptr) {
    of_slot_[slot] = none;
    return;
  }
  const auto [it, fresh] = ids_.emplace(*value, static_cast<uint32_t>(values_.size()));
  if (fresh) values_.push_back(*value);
  of_slot_[slot] = it->second;
}

std::shared_ptr<const DomainColumn> DomainColumns::of(const std::string& key, const std::vector<const NodeInfo*>& nodes) {
  const auto found = std::ranges::find_if(columns_, [&](const auto& column) { return column->key() == key; });
  if (found != columns_.end() && (*found)->size() <= nodes.size() + stale_max) {
    columns_.splice(columns_.end(), columns_, found);
    return *found;
  }
  if (found != columns_.end()) columns_.erase(found);
  if (columns_.size() == keys_max) columns_.pop_front();
  auto column = std::make_shared<DomainColumn>(key);
  for (const NodeInfo* node : nodes) column->set(node->slot, node->node->metadata.labels.get(key));
  columns_.push_back(column);
  return column;
}

void DomainColumns::change(const NodeInfo& node, bool known) {
  for (const auto& column : columns_) column->set(node.slot, known ? node.node->metadata.labels.get(column->key()) : nullptr);
}

}  // namespace pintle::scheduler::cache
