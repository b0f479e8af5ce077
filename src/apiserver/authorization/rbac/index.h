// RbacIndex: roles and bindings arranged by subject, so that a request is judged by a few hash look-ups and no decoding.
// Fed with each change of the four RBAC resources; thread-safe; readers share a lock that writers hold for moments.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authorization/rbac/rules.h"

namespace pintle::apiserver::rbac {

enum class SubjectKind : uint8_t { User, Group, ServiceAccount };
struct Subject {
  SubjectKind kind = SubjectKind::User;
  std::string ns;            // of a service account; "": the binding's
  std::string name;
};
struct RoleRef {
  bool cluster = false;      // ClusterRole or Role
  std::string name;
};

// What a binding gives to a subject, during a visit.
struct Grant {
  bool cluster_binding = false;
  std::string_view binding_ns;
  std::string_view binding_name;
  const RoleRef* role = nullptr;
  const Subject* subject = nullptr;
  const std::vector<Rule>* rules = nullptr;      // nullptr: the role does not exist
};

class RbacIndex {
 public:
  // `ns` "" for the cluster-wide kinds.
  void put_role(const std::string& ns, const std::string& name, std::vector<Rule> rules);
  void remove_role(const std::string& ns, const std::string& name);
  void put_binding(const std::string& ns, const std::string& name, RoleRef role, std::vector<Subject> subjects);
  void remove_binding(const std::string& ns, const std::string& name);

  // Calls `visit` for each grant that `user` has in `ns` ("": cluster-wide ones alone), until it returns false. Under
  // the read lock: what a Grant points to must not outlive the call.
  void visit(const UserInfo& user, std::string_view ns, const std::function<bool(const Grant&)>& visit) const;
  // A copy of a role's rules; nullopt: no such role.
  std::optional<std::vector<Rule>> role_rules(const std::string& ns, const std::string& name) const;

 private:
  struct Role {
    bool exists = false;
    std::vector<Rule> rules;
  };
  struct Binding {
    std::string ns, name;
    RoleRef ref;
    std::shared_ptr<Role> role;
    std::vector<Subject> subjects;
  };
  struct Entry {
    const Binding* binding;
    const Subject* subject;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <class V>
  using Table = std::unordered_map<std::string, V, Hash, std::equal_to<>>;

  std::shared_ptr<Role> role_slot(const std::string& key);
  void unlink(const Binding& binding);
  bool visit_key(std::string_view key, const std::function<bool(const Grant&)>& visit) const;

  mutable std::shared_mutex mutex_;
  Table<std::shared_ptr<Role>> roles_;                // "ns/name"
  Table<std::unique_ptr<Binding>> bindings_;          // "ns/name"
  Table<std::vector<Entry>> by_subject_;              // "ns\0u:name", "ns\0g:name"
};

}  // namespace pintle::apiserver::rbac
