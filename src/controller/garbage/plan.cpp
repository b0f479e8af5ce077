#include "controller/garbage/plan.h"

#include <algorithm>

#include "api/codec.h"
#include "controller/garbage/graph.h"
#include "controller/objects/json_text.h"

namespace pintle::controller::garbage {

using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;

namespace {

bool has_finalizer(const ObjectMeta& meta, std::string_view name) { return std::ranges::find(meta.finalizers, name) != meta.finalizers.end(); }

std::string head(const ObjectMeta& meta) {
  return R"({"metadata":{"uid":)" + objects::json_string(meta.uid) + R"(,"resourceVersion":)" + objects::json_string(meta.resource_version);
}

}  // namespace

Verdict judge(const ObjectMeta& meta, const std::vector<OwnerState>& states, bool has_dependents, bool dependent_waits) {
  Verdict verdict;
  if (meta.owner_references.empty() || std::ranges::find(states, OwnerState::Invalid) != states.end()) return verdict;
  const bool solid = std::ranges::find(states, OwnerState::Solid) != states.end();
  const bool waiting = std::ranges::find(states, OwnerState::Waiting) != states.end();
  if (solid) {
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] == OwnerState::Solid) verdict.owners_kept.push_back(meta.owner_references[i]);
    if (verdict.owners_kept.size() < states.size()) verdict.action = Verdict::Do::DropOwners;
    return verdict;
  }
  verdict.action = Verdict::Do::Delete;
  if (waiting && has_dependents) {
    verdict.propagation = "Foreground";
    verdict.unblock_owners = dependent_waits;
  } else if (has_finalizer(meta, orphan_finalizer)) {
    verdict.propagation = "Orphan";
  } else if (has_finalizer(meta, foreground_finalizer)) {
    verdict.propagation = "Foreground";
  } else {
    verdict.propagation = "Background";
  }
  return verdict;
}

std::string misplaced_message(const OwnerReference& ref, std::string_view namespace_name) {
  const std::string place(namespace_name);
  return "ownerRef [" + ref.api_version + "/" + ref.kind + ", namespace: " + place + ", name: " + ref.name + ", uid: " + ref.uid +
         "] does not exist in namespace \"" + place + "\"";
}

std::string owners_patch(const ObjectMeta& meta, const std::vector<OwnerReference>& owners) {
  std::string out = head(meta) + R"(,"ownerReferences":)";
  if (owners.empty()) return out + "null}}";
  out += '[';
  for (const OwnerReference& ref : owners) {
    if (out.back() != '[') out += ',';
    api::encode_json(api::type_of<OwnerReference>(), &ref, out);
  }
  return out + "]}}";
}

std::string without_finalizer_patch(const ObjectMeta& meta, std::string_view finalizer) {
  std::string out = head(meta) + R"(,"finalizers":[)";
  for (const std::string& name : meta.finalizers) {
    if (name == finalizer) continue;
    if (out.back() != '[') out += ',';
    out += objects::json_string(name);
  }
  return out + "]}}";
}

}  // namespace pintle::controller::garbage
