// BindingPlace: one of the places of binding cycles, of which there are so many at a time. Left while a plugin waits for others
// than the API server, for minutes perhaps: no pod may be kept from its node by volumes that somebody else makes.
#pragma once

#include <cstddef>

#include "rt/sync.h"

namespace pintle::scheduler {

struct BindingPlaces {
  std::size_t taken = 0;
  rt::Event left;  // set whenever one is free again
};

class BindingPlace {
 public:
  explicit BindingPlace(BindingPlaces& places) : places_(places) { ++places_.taken; }
  ~BindingPlace() { leave(); }
  BindingPlace(const BindingPlace&) = delete;
  BindingPlace& operator=(const BindingPlace&) = delete;
  void leave() {
    if (!held_) return;
    held_ = false;
    --places_.taken;
    places_.left.set();
  }
  // Back from waiting, at once: there may be more than the most for a moment.
  void take() {
    if (held_) return;
    held_ = true;
    ++places_.taken;
  }

 private:
  BindingPlaces& places_;
  bool held_ = true;
};

}  // namespace pintle::scheduler
