// DecodeBudget: the memory that a decoder may still fill with structs, list elements and map entries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "base/status.h"

namespace pintle::api {

class DecodeBudget {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  explicit DecodeBudget(std::size_t bytes_max) : bytes_max_(bytes_max), left_(bytes_max) {}

  // Before `bytes` are made; false: there are not so many left, now or ever after.
  bool take(std::size_t bytes) {
    exceeded_ |= bytes > left_;
    left_ -= std::min(bytes, left_);
    return !exceeded_;
  }
  bool exceeded() const { return exceeded_; }
  Status error() const {
    return Status{Reason::RequestEntityTooLarge, 0, "the object would take more than " + std::to_string(bytes_max_) + " bytes of memory", {}};
  }

 private:
  std::size_t bytes_max_;
  std::size_t left_;
  bool exceeded_ = false;
};

}  // namespace pintle::api
