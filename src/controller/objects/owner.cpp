#include "controller/objects/owner.h"

#include "controller/objects/json_text.h"

namespace pintle::controller::objects {

std::string adopt_patch(const api::meta_v1::OwnerReference& owner, std::string_view uid, std::string_view finalizer) {
  const std::string finalizers = finalizer.empty() ? std::string() : R"(,"finalizers":[)" + json_string(finalizer) + "]";
  return R"({"metadata":{"ownerReferences":[{"apiVersion":)" + json_string(owner.api_version) + R"(,"kind":)" + json_string(owner.kind) +
         R"(,"name":)" + json_string(owner.name) + R"(,"uid":)" + json_string(owner.uid) +
         R"(,"controller":true,"blockOwnerDeletion":true}],"uid":)" + json_string(uid) + finalizers + "}}";
}

std::string release_patch(std::string_view owner_uid, std::string_view uid) {
  return R"({"metadata":{"ownerReferences":[{"$patch":"delete","uid":)" + json_string(owner_uid) + R"(}],"uid":)" + json_string(uid) + "}}";
}

}  // namespace pintle::controller::objects
