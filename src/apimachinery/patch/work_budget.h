// WorkBudget: the steps that what a client sent may make the server take. For work that grows with the product of two lists, of which
// the client may choose both; what is linear in the request needs none. A step is 5 to 50 ns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace pintle::apimachinery {

class WorkBudget {
 public:
  explicit WorkBudget(uint64_t steps_max) : steps_max_(steps_max), left_(steps_max) {}

  // Before the steps are taken. False: there are not so many left, now or ever after.
  bool spend(uint64_t steps) {
    exceeded_ |= steps > left_;
    left_ -= std::min(steps, left_);
    return !exceeded_;
  }
  bool exceeded() const { return exceeded_; }
  uint64_t spent() const { return steps_max_ - left_; }
  // RequestEntityTooLarge (413) once it is exceeded. `what` is "this patch".
  Result<Unit> check(std::string_view what) const {
    if (!exceeded_) return Unit{};
    return error(Reason::RequestEntityTooLarge,
                 std::string(what) + " takes more than " + std::to_string(steps_max_) + " steps to carry out on this object");
  }

 private:
  uint64_t steps_max_;
  uint64_t left_;
  bool exceeded_ = false;
};

}  // namespace pintle::apimachinery
