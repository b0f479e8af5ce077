#include "apiserver/admission/owner_references/references.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "api/codec.h"

namespace pintle::apiserver::admission::owner_references {

using api::meta_v1::OwnerReference;

bool have_changed(const References& now, const References& before) {
  return !std::ranges::equal(now, before,
                             [](const OwnerReference& a, const OwnerReference& b) { return api::equal(api::type_of<OwnerReference>(), &a, &b); });
}

References newly_blocking(const References& now, const References& before) {
  const auto is_blocking = [](const OwnerReference& ref) { return ref.block_owner_deletion.value_or(false); };
  std::unordered_map<std::string_view, bool> blocked;  // by uid; of equal ones the last counts
  for (const OwnerReference& ref : before) blocked[ref.uid] = is_blocking(ref);
  References out;
  for (const OwnerReference& ref : now) {
    const auto same = blocked.find(ref.uid);
    if (is_blocking(ref) && (same == blocked.end() || !same->second)) out.push_back(ref);
  }
  return out;
}

}  // namespace pintle::apiserver::admission::owner_references
