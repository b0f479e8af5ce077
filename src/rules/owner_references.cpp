#include "rules/owner_references.h"

namespace pintle::rules {

std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == api_version.npos ? std::string_view() : api_version.substr(0, slash);
}

using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;

const OwnerReference* controller_of(const ObjectMeta& meta) {
  for (const OwnerReference& reference : meta.owner_references)
    if (reference.controller.value_or(false)) return &reference;
  return nullptr;
}

bool is_controlled_by(const ObjectMeta& meta, const ObjectMeta& owner) {
  const OwnerReference* reference = controller_of(meta);
  return reference != nullptr && reference->uid == owner.uid;
}

OwnerReference controller_reference(std::string_view api_version, std::string_view kind, const ObjectMeta& owner) {
  OwnerReference reference;
  reference.api_version = api_version;
  reference.kind = kind;
  reference.name = owner.name;
  reference.uid = owner.uid;
  reference.controller = true;
  reference.block_owner_deletion = true;
  return reference;
}

}  // namespace pintle::rules
