// The conflicts of an apply, as upstream reports them.
#pragma once

#include <vector>

#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/managed_fields.h"
#include "base/status.h"

namespace pintle::apimachinery {

// So much is told of; there is always at least one conflict where there are any.
constexpr std::size_t conflicts_max = 1000;
constexpr std::size_t conflicts_bytes_max = 256 << 10;

class Conflicts {
 public:
  // No conflict if `contested` has no members.
  void add(const ManagerEntry& owner, const FieldSet& contested);
  bool empty() const { return causes_.empty(); }
  // 409, reason Conflict, a cause FieldManagerConflict for each field.
  Status to_status() const;

 private:
  std::vector<StatusCause> causes_;
  std::size_t bytes_ = 0;
};

}  // namespace pintle::apimachinery
