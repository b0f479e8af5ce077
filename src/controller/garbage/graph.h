// The graph of owners and dependents of all objects, by uid. Fed with what the watches say; says which objects are to be
// looked at. Owners that no watch has shown are virtual nodes until they are found, or found to be absent. Pure.
#pragma once

#include <functional>
#include <map>
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

struct Node {
  Identity identity;
  std::vector<api::meta_v1::OwnerReference> owners;
  std::set<std::string> dependents;  // uids
  bool deleting = false;             // has a deletion timestamp
  bool deleting_dependents = false;  // ... and waits for its dependents (foreground)
  bool is_virtual = false;           // known from references only
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
  void link(Node& node, const api::meta_v1::OwnerReference& ref, const std::function<bool(std::string_view, std::string_view)>& owner_namespaced,
            Work& work);
  void unlink(const Node& node, const api::meta_v1::OwnerReference& ref, Work& work);
  std::unordered_map<std::string, Node> nodes_;
};

}  // namespace pintle::controller::garbage
