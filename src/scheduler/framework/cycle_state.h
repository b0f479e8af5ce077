// CycleState: what plugins remember from one phase to the next of one pod's scheduling. One slot for each plugin.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace pintle::scheduler {

constexpr int plugins_max = 64;  // their sets are 64-bit masks

struct StateData {
  virtual ~StateData() = default;
  virtual std::unique_ptr<StateData> clone() const = 0;
};
// Derive from this for a clone() by copying.
template <class T>
struct StateOf : StateData {
  std::unique_ptr<StateData> clone() const override { return std::make_unique<T>(static_cast<const T&>(*this)); }
};

class CycleState {
 public:
  CycleState() = default;
  CycleState(CycleState&&) = default;
  CycleState& operator=(CycleState&&) = default;

  template <class T>
  T& put(int plugin, std::unique_ptr<T> data) {
    const auto slot = static_cast<std::size_t>(plugin);
    if (slots_.size() <= slot) slots_.resize(slot + 1);
    T& out = *data;
    slots_[slot] = std::move(data);
    return out;
  }
  // nullptr: the plugin has put nothing.
  template <class T>
  T* get(int plugin) const {
    const auto slot = static_cast<std::size_t>(plugin);
    return slot < slots_.size() ? static_cast<T*>(slots_[slot].get()) : nullptr;
  }
  CycleState clone() const {
    CycleState out;
    out.skip_filter = skip_filter;
    out.skip_score = skip_score;
    out.slots_.resize(slots_.size());
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i]) out.slots_[i] = slots_[i]->clone();
    return out;
  }

  uint64_t skip_filter = 0;  // plugins whose PreFilter said Skip
  uint64_t skip_score = 0;   // plugins whose PreScore said Skip

 private:
  std::vector<std::unique_ptr<StateData>> slots_;
};

}  // namespace pintle::scheduler
