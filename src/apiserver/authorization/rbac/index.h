// RbacIndex: roles and bindings arranged by subject, so that a request is judged by a few hash look-ups and no decoding.
// Fed with each change of the four RBAC resources; thread-safe; readers share a lock that writers hold for moments.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authorization/rbac/rules.h"
#include "base/mutex.h"
#include "base/text_map.h"

namespace pintle::apiserver::authorization::rbac {

enum class SubjectKind : uint8_t { User, Group, ServiceAccount };
struct Subject {
  SubjectKind kind = SubjectKind::User;
  std::string ns;  // of a service account; "": the binding's
  std::string name;
};
struct RoleRef {
  bool cluster = false;  // ClusterRole or Role
  std::string name;
};

using Rules = std::shared_ptr<const std::vector<Rule>>;

// Values of rules (verbs, groups, resources, names, paths) that one request is judged by, some milliseconds' worth. Who has
// been given more is judged by those that come first, and has no right from the others.
constexpr std::size_t values_judged_max = 1'000'000;

// What a binding gives to a subject, during a visit.
struct Grant {
  bool cluster_binding = false;
  std::string_view binding_ns;
  std::string_view binding_name;
  const RoleRef* role = nullptr;
  const Subject* subject = nullptr;
  const Rules* rules = nullptr;  // nullptr: the role does not exist
};

class RbacIndex {
 public:
  // `ns` "" for the cluster-wide kinds.
  void put_role(const std::string& ns, const std::string& name, std::vector<Rule> rules);
  void remove_role(const std::string& ns, const std::string& name);
  void put_binding(const std::string& ns, const std::string& name, RoleRef role, std::vector<Subject> subjects);
  void remove_binding(const std::string& ns, const std::string& name);

  // Calls `visit` for each role that `user` has in `ns` ("": cluster-wide ones alone), with the first grant that gives it,
  // until it returns false. Under the read lock: what a Grant points to must not outlive the call, but for the rules, which
  // may be kept. False: there were more than values_judged_max values, and those beyond were not visited.
  bool visit(const UserInfo& user, std::string_view ns, const std::function<bool(const Grant&)>& visit) const;
  // nullptr: no such role.
  Rules role_rules(const std::string& ns, const std::string& name) const;

 private:
  struct Role {
    Rules rules;  // nullptr: it does not exist
    std::size_t values = 0;
  };
  struct Binding {
    std::string ns, name;
    RoleRef ref;
    std::shared_ptr<Role> role;
    std::vector<Subject> subjects;
    std::vector<std::string> keys;  // of by_subject_, each once
  };
  struct Entry {
    const Binding* binding;
    const Subject* subject;
  };

  std::shared_ptr<Role> role_slot(const std::string& key) REQUIRES(mutex_);
  void unlink(const Binding& binding) REQUIRES(mutex_);
  struct Visit;
  bool visit_key(std::string_view key, Visit& visit) const REQUIRES_SHARED(mutex_);

  mutable SharedThreadMutex mutex_;
  TextMap<std::shared_ptr<Role>> roles_ GUARDED_BY(mutex_);        // "ns/name"
  TextMap<std::unique_ptr<Binding>> bindings_ GUARDED_BY(mutex_);  // "ns/name"
  TextMap<std::vector<Entry>> by_subject_ GUARDED_BY(mutex_);      // "ns\0u:name", "ns\0g:name"
};

}  // namespace pintle::apiserver::authorization::rbac
