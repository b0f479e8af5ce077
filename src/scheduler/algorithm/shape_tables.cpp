#include "scheduler/algorithm/shape_tables.h"

#include <algorithm>

namespace pintle::scheduler::algorithm {

ShapeTable& ShapeTables::of(const FilterRunner& filters, const PodInfo& pod) {
  ShapeTable* found = nullptr;
  for (const auto& table : tables_)
    if (table->needs_hash == pod.needs_hash && table->filters == &filters && table->needs == pod.needs) found = table.get();
  if (found == nullptr) {
    if (tables_.size() < tables_max)
      found = tables_.emplace_back(std::make_unique<ShapeTable>()).get();
    else
      found = std::ranges::min_element(tables_, {}, [](const auto& table) { return table->used; })->get();
    *found = {};
    found->filters = &filters;
    found->needs_hash = pod.needs_hash;
    found->needs = pod.needs;
    found->generation = cache_.generation();
  }
  found->used = ++uses_;
  see_changes(*found);
  return *found;
}

void ShapeTables::see_changes(ShapeTable& table) {
  const std::size_t slots = cache_.slot_count();
  if (table.verdicts.full()) {
    table.verdicts.clear();
    table.unasked.clear();
    table.is_unasked.clear();
  }
  const auto forget = [&table](uint32_t slot) {
    table.scores[slot] = ShapeTable::no_score;
    table.verdicts.set(slot, NodeVerdicts::unknown);
    if (table.is_unasked[slot]) return;
    table.is_unasked[slot] = true;
    table.unasked.push_back(slot);
  };
  const std::size_t before = table.is_unasked.size();
  table.verdicts.grow(slots);
  table.scores.resize(slots, ShapeTable::no_score);
  table.is_unasked.resize(slots, false);
  for (std::size_t slot = before; slot < slots; ++slot) forget(static_cast<uint32_t>(slot));
  cache_.each_changed_since(table.generation, forget);
  for (const uint32_t slot : table.own) forget(slot);
  table.own.clear();
  table.generation = cache_.generation();
}

NodeVerdicts::Id ShapeTables::ask(ShapeTable& table, const CycleState& state, const PodInfo& pod, const NodeInfo& node) {
  NodeVerdicts::Id id = table.verdicts.at(node.slot);
  if (id != NodeVerdicts::unknown) return id;
  Reasons reasons;
  int plugin = -1;
  const Code code = table.filters->run_kept(state, pod, node, scratch_, reasons, plugin);
  if (code == Code::Error) return NodeVerdicts::unknown;
  id = table.verdicts.find(code, plugin, reasons);
  table.verdicts.set(node.slot, id);
  return id;
}

bool ShapeTables::ask_all(ShapeTable& table, const CycleState& state, const PodInfo& pod) {
  for (const uint32_t slot : table.unasked) {
    const NodeInfo* node = cache_.at_slot(slot);
    if (node != nullptr && ask(table, state, pod, *node) == NodeVerdicts::unknown) return false;
  }
  table.forget_unasked();
  return true;
}

}  // namespace pintle::scheduler::algorithm
