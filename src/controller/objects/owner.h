// Owners: who controls an object, and the reference that says so.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/meta_v1.h"

namespace pintle::controller {

// The reference with controller=true, or nullptr.
const api::meta_v1::OwnerReference* controller_of(const api::meta_v1::ObjectMeta& meta);
inline bool is_controlled_by(const api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& owner) {
  const auto* ref = controller_of(meta);
  return ref != nullptr && ref->uid == owner.uid;
}
// What a controlled object carries: controller and blockOwnerDeletion are true.
api::meta_v1::OwnerReference controller_reference(std::string_view api_version, std::string_view kind, const api::meta_v1::ObjectMeta& owner);

// Strategic merge patches of metadata.ownerReferences, good for this uid alone: the server refuses them for another.
std::string adopt_patch(const api::meta_v1::OwnerReference& owner, std::string_view uid);
std::string release_patch(std::string_view owner_uid, std::string_view uid);

}  // namespace pintle::controller
