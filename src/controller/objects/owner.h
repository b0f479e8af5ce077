// Adopting and releasing: the patches of owner references (rules/owner_references.h says who controls what).
#pragma once

#include <string>
#include <string_view>

#include "api/gen/meta_v1.h"
#include "rules/owner_references.h"

namespace pintle::controller::objects {

// Strategic merge patches of metadata.ownerReferences, good for this uid alone: the server refuses them for another.
// `finalizer`: that the object gets too; "": none.
std::string adopt_patch(const api::meta_v1::OwnerReference& owner, std::string_view uid, std::string_view finalizer);
std::string release_patch(std::string_view owner_uid, std::string_view uid);

}  // namespace pintle::controller::objects
