// The conflicts of an apply, as upstream reports them.
#pragma once

#include <vector>

#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/managed_fields.h"
#include "base/status.h"

namespace pintle::apimachinery {

class Conflicts {
 public:
  void add(const ManagerEntry& owner, const FieldSet& contested);
  bool empty() const { return causes_.empty(); }
  // 409, reason Conflict, a cause FieldManagerConflict for each field.
  Status to_status() const;

 private:
  std::vector<StatusCause> causes_;
};

// `conflict` without the causes whose field is in `allowed`; no causes are left if all are.
Status conflicts_outside(Status conflict, const FieldSet& allowed);

}  // namespace pintle::apimachinery
