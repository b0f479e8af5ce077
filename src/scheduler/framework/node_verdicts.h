// NodeVerdicts: what filters said of nodes about pods of one shape, by the nodes' slots: equal answers are one verdict, with how many nodes have it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "scheduler/framework/status.h"

namespace pintle::scheduler {

class NodeVerdicts {
 public:
  using Id = uint16_t;
  static constexpr Id unknown = 0;  // not asked since the node changed
  static constexpr Id fits = 1;
  static constexpr std::size_t verdicts_max = 4096;  // then all of it is forgotten

  struct Verdict {
    Code code = Code::Success;
    int plugin = -1;
    Reasons reasons;  // of the texts here
    std::vector<std::string> texts;
    std::size_t nodes = 0;
  };

  NodeVerdicts() { clear(); }
  void clear() {
    verdicts_.assign(2, {});
    of_slot_.clear();
  }
  void grow(std::size_t slots) {
    if (slots > of_slot_.size()) of_slot_.resize(slots, unknown);
  }
  Id at(uint32_t slot) const { return of_slot_[slot]; }
  const Verdict& of(uint32_t slot) const { return verdicts_[of_slot_[slot]]; }
  // `unknown` among them.
  const std::deque<Verdict>& all() const { return verdicts_; }
  std::size_t fitting() const { return verdicts_[fits].nodes; }
  void set(uint32_t slot, Id id) {
    Id& mine = of_slot_[slot];
    if (mine != unknown) --verdicts_[mine].nodes;
    mine = id;
    if (mine != unknown) ++verdicts_[mine].nodes;
  }
  bool full() const { return verdicts_.size() >= verdicts_max; }
  // The verdict that says so; made where there is none. `unknown`: there are too many.
  Id find(Code code, int plugin, const Reasons& reasons);

 private:
  std::deque<Verdict> verdicts_;
  std::vector<Id> of_slot_;
};

}  // namespace pintle::scheduler
