// What becomes of one object, given which of its owners are there. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"

namespace pintle::controller::garbage {

enum class OwnerState {
  Solid,     // there
  Dangling,  // not there
  Waiting,   // there, on its way out, waiting for its dependents
  Invalid,   // in a namespace, where the object is in none: nothing can be said
};

struct Verdict {
  enum class Do { Nothing, DropOwners, Delete } action = Do::Nothing;
  std::vector<api::meta_v1::OwnerReference> owners_kept;  // DropOwners: what metadata.ownerReferences becomes
  std::string propagation;                                // Delete
  bool unblock_owners = false;                            // Delete: first stop holding its owners back: a circle
};

// `states` runs beside meta.owner_references. `has_dependents` and `dependent_waits` (one of them is itself waiting for
// its dependents) are the graph's.
Verdict judge(const api::meta_v1::ObjectMeta& meta, const std::vector<OwnerState>& states, bool has_dependents, bool dependent_waits);

// What the event OwnerRefInvalidNamespace says about an object of that namespace.
std::string misplaced_message(const api::meta_v1::OwnerReference& ref, std::string_view namespace_name);

// Merge patches, good for this uid and version alone.
std::string owners_patch(const api::meta_v1::ObjectMeta& meta, const std::vector<api::meta_v1::OwnerReference>& owners);
std::string without_finalizer_patch(const api::meta_v1::ObjectMeta& meta, std::string_view finalizer);

}  // namespace pintle::controller::garbage
