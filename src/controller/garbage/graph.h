// The graph of owners and dependents of all objects, by uid. Fed with what the watches say; says which objects are to be
// looked at. Owners that no watch has shown are virtual nodes until they are found, or found to be absent. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/gen/meta_v1.h"

namespace pintle::controller::garbage {

inline constexpr std::string_view orphan_finalizer = "orphan";
inline constexpr std::string_view foreground_finalizer = "foregroundDeletion";

struct Identity {
  std::string group;
  std::string kind;
  std::string namespace_name;
  std::string name;
  std::string uid;
};

// What many objects have in common, kept once.
struct KindName {
  std::string group;
  std::string kind;
  auto operator<=>(const KindName&) const = default;
};
struct ReferenceWords {  // of a reference, what its owner's node does not say
  std::string api_version;
  std::string kind;
  auto operator<=>(const ReferenceWords&) const = default;
};

// One object: kept small, there is one for each object of the cluster.
class Node {
 public:
  struct Owner {
    Node* node;
    const ReferenceWords* words;
    uint32_t place;  // among the owner's dependents
    bool blocks;     // its deletion in the foreground waits for this node
  };
  struct Dependent {
    Node* node;
    uint32_t place;  // of this owner among the dependent's
  };
  const std::string& uid() const { return *uid_; }
  const std::string& namespace_name() const { return *namespace_name_; }
  const std::string& group() const { return kind_->group; }
  const std::string& kind() const { return kind_->kind; }
  const std::string& name() const { return name_; }
  Identity identity() const { return {group(), kind(), namespace_name(), name_, uid()}; }
  // As a reference of this node names it: its name is that of the owner's node.
  api::meta_v1::OwnerReference reference(const Owner& owner) const;
  const std::vector<Owner>& owners() const { return owners_; }
  const std::vector<Dependent>& dependents() const { return dependents_; }  // in no order
  bool deleting() const { return deleting_; }                               // has a deletion timestamp
  bool deleting_dependents() const { return deleting_dependents_; }         // ... and waits for its dependents (foreground)
  bool is_virtual() const { return virtual_; }                              // known from references only

 private:
  friend class Graph;
  const std::string* uid_ = nullptr;
  const KindName* kind_ = nullptr;
  const std::string* namespace_name_ = nullptr;
  std::string name_;
  std::vector<Owner> owners_;
  std::vector<Dependent> dependents_;
  bool deleting_ = false;
  bool deleting_dependents_ = false;
  bool virtual_ = false;
  bool gone_ = false;  // seen to its end; others still name it
};

// What a change asks for. Uids.
struct Work {
  std::set<std::string> collect;  // look whether these are to go
  std::set<std::string> orphan;   // let the dependents of these go free
  // Dependent and owner: the owner is there, in a namespace from where it owns nothing of the dependent's.
  std::set<std::pair<std::string, std::string>> misplaced;
  void merge(Work other) {
    collect.merge(other.collect);
    orphan.merge(other.orphan);
    misplaced.merge(other.misplaced);
  }
};

class Graph {
 public:
  // The object exists, in this state. `owner_namespaced(group, kind)` is for owners not seen yet: a namespaced one is
  // sought in the dependent's namespace.
  Work observe(const Identity& identity, const api::meta_v1::ObjectMeta& meta,
               const std::function<bool(std::string_view group, std::string_view kind)>& owner_namespaced);
  // The object (or virtual node) is gone.
  Work remove(const std::string& uid);

  const Node* find(const std::string& uid) const;
  // The dependents that hold `owner` back in a foreground deletion.
  std::vector<const Node*> blocking_dependents(const Node& owner) const;
  std::size_t size() const { return nodes_.size(); }

 private:
  using Namespaced = std::function<bool(std::string_view group, std::string_view kind)>;
  Node& node_of(const std::string& uid);
  void identify(Node& node, std::string_view group, std::string_view kind, std::string_view namespace_name, std::string_view name);
  void link(Node& node, const api::meta_v1::OwnerReference& ref, const Namespaced& owner_namespaced, Work& work);
  // Its i-th owner; the last one takes that place.
  void unlink(Node& node, std::size_t i, Work& work);

  std::unordered_map<std::string, Node> nodes_;  // nodes do not move
  std::set<KindName> kinds_;
  std::set<ReferenceWords> words_;
  std::set<std::string, std::less<>> namespaces_;
};

}  // namespace pintle::controller::garbage
