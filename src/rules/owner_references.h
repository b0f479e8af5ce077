// Who owns an object, and who of them controls it. Pure.
#pragma once

#include <string_view>

#include "api/gen/meta_v1.h"

namespace pintle::rules {

// Of "apps/v1" "apps"; of "v1" "".
std::string_view group_of(std::string_view api_version);
// The reference with controller=true, of which an object has one at most, or nullptr.
const api::meta_v1::OwnerReference* controller_of(const api::meta_v1::ObjectMeta& meta);
// By uid: an owner that was made again under its name is another.
bool is_controlled_by(const api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& owner);
// What a controlled object carries: controller and blockOwnerDeletion are true.
api::meta_v1::OwnerReference controller_reference(std::string_view api_version, std::string_view kind, const api::meta_v1::ObjectMeta& owner);

}  // namespace pintle::rules
