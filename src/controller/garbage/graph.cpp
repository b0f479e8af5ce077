#include "controller/garbage/graph.h"

#include <algorithm>

#include "rules/owner_references.h"

namespace pintle::controller::garbage {

using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;

namespace {

bool has_finalizer(const ObjectMeta& meta, std::string_view name) { return std::ranges::find(meta.finalizers, name) != meta.finalizers.end(); }

const OwnerReference* find_ref(const std::vector<OwnerReference>& refs, const std::string& uid) {
  for (const OwnerReference& ref : refs)
    if (ref.uid == uid) return &ref;
  return nullptr;
}

}  // namespace

void Graph::link(Node& node, const OwnerReference& ref, const std::function<bool(std::string_view, std::string_view)>& owner_namespaced, Work& work) {
  const auto [it, is_new] = nodes_.try_emplace(ref.uid);
  Node& owner = it->second;
  if (is_new) {
    owner.identity.group = rules::group_of(ref.api_version);
    owner.identity.kind = ref.kind;
    owner.identity.name = ref.name;
    owner.identity.uid = ref.uid;
    if (owner_namespaced(owner.identity.group, ref.kind)) owner.identity.namespace_name = node.identity.namespace_name;
    owner.is_virtual = true;
  }
  owner.dependents.insert(node.identity.uid);
  if (owner.is_virtual) {
    work.collect.insert(ref.uid);  // is it there at all?
  } else if (owner.identity.namespace_name != node.identity.namespace_name && !owner.identity.namespace_name.empty()) {
    work.collect.insert(node.identity.uid);  // no owner across namespaces
    work.misplaced.emplace(node.identity.uid, ref.uid);
  } else if (owner.deleting_dependents) {
    work.collect.insert(node.identity.uid);
  }
}

void Graph::unlink(const Node& node, const OwnerReference& ref, Work& work) {
  auto it = nodes_.find(ref.uid);
  if (it == nodes_.end()) return;
  it->second.dependents.erase(node.identity.uid);
  if (it->second.deleting_dependents) work.collect.insert(ref.uid);
  if (it->second.is_virtual && it->second.dependents.empty()) nodes_.erase(it);
}

Work Graph::observe(const Identity& identity, const ObjectMeta& meta,
                    const std::function<bool(std::string_view, std::string_view)>& owner_namespaced) {
  Work work;
  Node& node = nodes_[identity.uid];  // references to nodes stay good: the map is node-based
  const bool was_orphaning = node.deleting && !node.deleting_dependents, was_foreground = node.deleting_dependents;
  const bool appeared = node.is_virtual || node.identity.uid.empty();
  node.identity = identity;
  node.is_virtual = false;
  const std::vector<OwnerReference> before = std::move(node.owners);
  node.owners = meta.owner_references;
  for (const OwnerReference& ref : before)
    if (find_ref(node.owners, ref.uid) == nullptr) unlink(node, ref, work);
  for (const OwnerReference& ref : node.owners) {
    const OwnerReference* old = find_ref(before, ref.uid);
    if (old == nullptr) {
      link(node, ref, owner_namespaced, work);
    } else if (old->block_owner_deletion.value_or(false) && !ref.block_owner_deletion.value_or(false)) {
      work.collect.insert(ref.uid);  // one that it held back
    }
  }
  node.deleting = meta.deletion_timestamp.has_value();
  node.deleting_dependents = node.deleting && has_finalizer(meta, foreground_finalizer);
  if (node.deleting && has_finalizer(meta, orphan_finalizer) && !was_orphaning) work.orphan.insert(identity.uid);
  if (node.deleting_dependents && !was_foreground) {
    work.collect.insert(identity.uid);
    work.collect.insert(node.dependents.begin(), node.dependents.end());
  }
  // Dependents that named it before it was seen, from where it cannot own them.
  if (appeared && !identity.namespace_name.empty())
    for (const std::string& uid : node.dependents)
      if (const Node* dependent = find(uid); dependent != nullptr && dependent->identity.namespace_name != identity.namespace_name) {
        work.collect.insert(uid);
        work.misplaced.emplace(uid, identity.uid);
      }
  return work;
}

Work Graph::remove(const std::string& uid) {
  Work work;
  auto it = nodes_.find(uid);
  if (it == nodes_.end()) return work;
  Node node = std::move(it->second);
  nodes_.erase(it);
  for (const OwnerReference& ref : node.owners) unlink(node, ref, work);
  for (const std::string& dependent : node.dependents)
    if (nodes_.contains(dependent)) work.collect.insert(dependent);
  return work;
}

const Node* Graph::find(const std::string& uid) const {
  auto it = nodes_.find(uid);
  return it == nodes_.end() ? nullptr : &it->second;
}

std::vector<const Node*> Graph::blocking_dependents(const Node& owner) const {
  std::vector<const Node*> out;
  for (const std::string& uid : owner.dependents) {
    const Node* dependent = find(uid);
    if (dependent == nullptr) continue;
    const OwnerReference* ref = find_ref(dependent->owners, owner.identity.uid);
    if (ref != nullptr && ref->block_owner_deletion.value_or(false)) out.push_back(dependent);
  }
  return out;
}

}  // namespace pintle::controller::garbage
