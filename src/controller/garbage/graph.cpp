#include "controller/garbage/graph.h"

#include <algorithm>

#include "rules/owner_references.h"

namespace pintle::controller::garbage {

using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;

namespace {

bool has_finalizer(const ObjectMeta& meta, std::string_view name) { return std::ranges::find(meta.finalizers, name) != meta.finalizers.end(); }

}  // namespace

OwnerReference Node::reference(const Owner& owner) const {
  OwnerReference out;
  out.api_version = owner.words->api_version;
  out.kind = owner.words->kind;
  out.name = owner.node->name();
  out.uid = owner.node->uid();
  return out;
}

Node& Graph::node_of(const std::string& uid) {
  const auto [at, added] = nodes_.try_emplace(uid);
  if (added) {
    at->second.uid_ = &at->first;
    at->second.gone_ = true;  // until somebody says what it is
    identify(at->second, {}, {}, {}, {});
  }
  return at->second;
}

void Graph::identify(Node& node, std::string_view group, std::string_view kind, std::string_view namespace_name, std::string_view name) {
  if (node.kind_ == nullptr || node.group() != group || node.kind() != kind)
    node.kind_ = &*kinds_.insert({std::string(group), std::string(kind)}).first;
  if (node.namespace_name_ == nullptr || node.namespace_name() != namespace_name) {
    auto known = namespaces_.find(namespace_name);
    if (known == namespaces_.end()) known = namespaces_.emplace(namespace_name).first;
    node.namespace_name_ = &*known;
  }
  if (node.name_ != name) node.name_ = name;
}

void Graph::link(Node& node, const OwnerReference& ref, const Namespaced& owner_namespaced, Work& work) {
  Node& owner = node_of(ref.uid);
  if (owner.gone_) {
    const std::string_view group = rules::group_of(ref.api_version);
    identify(owner, group, ref.kind, owner_namespaced(group, ref.kind) ? node.namespace_name() : std::string(), ref.name);
    owner.gone_ = false;
    owner.virtual_ = true;
  }
  const ReferenceWords* words = &*words_.insert({ref.api_version, ref.kind}).first;
  node.owners_.push_back({&owner, words, static_cast<uint32_t>(owner.dependents_.size()), ref.block_owner_deletion.value_or(false)});
  owner.dependents_.push_back({&node, static_cast<uint32_t>(node.owners_.size() - 1)});
  if (owner.virtual_) {
    work.collect.insert(ref.uid);  // is it there at all?
  } else if (owner.namespace_name() != node.namespace_name() && !owner.namespace_name().empty()) {
    work.collect.insert(node.uid());  // no owner across namespaces
    work.misplaced.emplace(node.uid(), ref.uid);
  } else if (owner.deleting_dependents_) {
    work.collect.insert(node.uid());
  }
}

void Graph::unlink(Node& node, std::size_t i, Work& work) {
  const Node::Owner gone = node.owners_[i];
  Node& owner = *gone.node;
  const Node::Dependent last = owner.dependents_.back();
  last.node->owners_[last.place].place = gone.place;
  owner.dependents_[gone.place] = last;
  owner.dependents_.pop_back();
  if (i + 1 < node.owners_.size()) {
    const Node::Owner moved = node.owners_.back();
    moved.node->dependents_[moved.place].place = static_cast<uint32_t>(i);
    node.owners_[i] = moved;
  }
  node.owners_.pop_back();
  if (!owner.gone_ && owner.deleting_dependents_) work.collect.insert(owner.uid());
  if ((owner.gone_ || owner.virtual_) && owner.dependents_.empty() && &owner != &node) nodes_.erase(nodes_.find(owner.uid()));
}

Work Graph::observe(const Identity& identity, const ObjectMeta& meta, const Namespaced& owner_namespaced) {
  Work work;
  Node& node = node_of(identity.uid);
  const bool was_orphaning = node.deleting_ && !node.deleting_dependents_, was_foreground = node.deleting_dependents_;
  const bool appeared = node.virtual_ || node.gone_;
  identify(node, identity.group, identity.kind, identity.namespace_name, identity.name);
  node.virtual_ = node.gone_ = false;
  const auto named = [&](const std::string& uid) {
    return std::ranges::find(meta.owner_references, uid, &OwnerReference::uid) != meta.owner_references.end();
  };
  for (std::size_t i = node.owners_.size(); i-- > 0;)
    if (!named(node.owners_[i].node->uid())) unlink(node, i, work);
  for (const OwnerReference& ref : meta.owner_references) {
    const auto old = std::ranges::find_if(node.owners_, [&](const Node::Owner& owner) { return owner.node->uid() == ref.uid; });
    if (old == node.owners_.end()) {
      link(node, ref, owner_namespaced, work);
      continue;
    }
    const bool blocks = ref.block_owner_deletion.value_or(false);
    if (old->blocks && !blocks) work.collect.insert(ref.uid);  // one that it held back
    old->blocks = blocks;
    old->words = &*words_.insert({ref.api_version, ref.kind}).first;
  }
  node.deleting_ = meta.deletion_timestamp.has_value();
  node.deleting_dependents_ = node.deleting_ && has_finalizer(meta, foreground_finalizer);
  if (node.deleting_ && has_finalizer(meta, orphan_finalizer) && !was_orphaning) work.orphan.insert(identity.uid);
  if (node.deleting_dependents_ && !was_foreground) {
    work.collect.insert(identity.uid);
    for (const Node::Dependent& one : node.dependents_) work.collect.insert(one.node->uid());
  }
  // Dependents that named it before it was seen, from where it cannot own them.
  if (appeared && !identity.namespace_name.empty())
    for (const Node::Dependent& one : node.dependents_)
      if (one.node->namespace_name() != identity.namespace_name) {
        work.collect.insert(one.node->uid());
        work.misplaced.emplace(one.node->uid(), identity.uid);
      }
  return work;
}

Work Graph::remove(const std::string& uid) {
  Work work;
  const auto it = nodes_.find(uid);
  if (it == nodes_.end() || it->second.gone_) return work;
  Node& node = it->second;
  node.gone_ = true;
  node.virtual_ = node.deleting_ = node.deleting_dependents_ = false;
  while (!node.owners_.empty()) unlink(node, node.owners_.size() - 1, work);
  for (const Node::Dependent& one : node.dependents_) work.collect.insert(one.node->uid());
  if (node.dependents_.empty()) nodes_.erase(it);
  return work;
}

const Node* Graph::find(const std::string& uid) const {
  const auto it = nodes_.find(uid);
  return it == nodes_.end() || it->second.gone_ ? nullptr : &it->second;
}

std::vector<const Node*> Graph::blocking_dependents(const Node& owner) const {
  std::vector<const Node*> out;
  for (const Node::Dependent& one : owner.dependents())
    if (one.node->owners()[one.place].blocks) out.push_back(one.node);
  return out;
}

}  // namespace pintle::controller::garbage
