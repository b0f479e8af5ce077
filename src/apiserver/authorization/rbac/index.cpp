#include "apiserver/authorization/rbac/index.h"

#include <algorithm>
#include <mutex>

namespace pintle::apiserver::rbac {
namespace {

std::string object_key(std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(ns.size() + name.size() + 1);
  return key.append(ns).append("/").append(name);
}

// Where the bindings of `ns` that name this user or group are kept.
void subject_key(std::string_view ns, char kind, std::string_view name, std::string& key) {
  key.assign(ns);
  key.push_back('\0');
  key.push_back(kind);
  key.append(name);
}

std::string key_of(std::string_view ns, const Subject& subject) {
  std::string key;
  if (subject.kind != SubjectKind::ServiceAccount) {
    subject_key(ns, subject.kind == SubjectKind::User ? 'u' : 'g', subject.name, key);
    return key;
  }
  // A service account is a user by its full name. One without a namespace in a cluster-wide binding is nobody.
  const std::string_view account_ns = subject.ns.empty() ? ns : std::string_view(subject.ns);
  if (account_ns.empty()) return key;
  std::string user(user_service_account_prefix);
  user.append(account_ns).append(":").append(subject.name);
  subject_key(ns, 'u', user, key);
  return key;
}

}  // namespace

std::shared_ptr<RbacIndex::Role> RbacIndex::role_slot(const std::string& key) {
  auto& slot = roles_[key];
  if (!slot) slot = std::make_shared<Role>();
  return slot;
}

void RbacIndex::put_role(const std::string& ns, const std::string& name, std::vector<Rule> rules) {
  const std::lock_guard lock(mutex_);
  auto role = role_slot(object_key(ns, name));
  role->exists = true;
  role->rules = std::move(rules);
}

void RbacIndex::remove_role(const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto it = roles_.find(object_key(ns, name));
  if (it == roles_.end()) return;
  it->second->exists = false;
  it->second->rules = {};
  if (it->second.use_count() == 1) roles_.erase(it);   // no binding waits for it to come back
}

void RbacIndex::put_binding(const std::string& ns, const std::string& name, RoleRef role, std::vector<Subject> subjects) {
  const std::lock_guard lock(mutex_);
  auto& slot = bindings_[object_key(ns, name)];
  if (slot) unlink(*slot);
  slot = std::make_unique<Binding>();
  slot->ns = ns;
  slot->name = name;
  slot->role = role_slot(object_key(role.cluster ? std::string_view() : std::string_view(ns), role.name));
  slot->ref = std::move(role);
  slot->subjects = std::move(subjects);
  for (const Subject& subject : slot->subjects) {
    const std::string key = key_of(ns, subject);
    if (!key.empty()) by_subject_[key].push_back({slot.get(), &subject});
  }
}

void RbacIndex::unlink(const Binding& binding) {
  for (const Subject& subject : binding.subjects) {
    const auto it = by_subject_.find(key_of(binding.ns, subject));
    if (it == by_subject_.end()) continue;
    std::erase_if(it->second, [&](const Entry& entry) { return entry.binding == &binding; });
    if (it->second.empty()) by_subject_.erase(it);
  }
}

void RbacIndex::remove_binding(const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto it = bindings_.find(object_key(ns, name));
  if (it == bindings_.end()) return;
  unlink(*it->second);
  const auto role = it->second->role;
  const std::string role_key = object_key(it->second->ref.cluster ? std::string_view() : std::string_view(ns), it->second->ref.name);
  bindings_.erase(it);
  if (!role->exists && role.use_count() == 2) roles_.erase(role_key);   // here and in the table
}

bool RbacIndex::visit_key(std::string_view key, const std::function<bool(const Grant&)>& visit) const {
  const auto it = by_subject_.find(key);
  if (it == by_subject_.end()) return true;
  for (const auto& [binding, subject] : it->second) {
    const Grant grant{binding->ns.empty(), binding->ns, binding->name, &binding->ref, subject, binding->role->exists ? &binding->role->rules : nullptr};
    if (!visit(grant)) return false;
  }
  return true;
}

void RbacIndex::visit(const UserInfo& user, std::string_view ns, const std::function<bool(const Grant&)>& visit) const {
  const std::shared_lock lock(mutex_);
  std::string key;
  const auto visit_scope = [&](std::string_view scope) {
    subject_key(scope, 'u', user.name, key);
    if (!visit_key(key, visit)) return false;
    for (const auto& group : user.groups) {
      subject_key(scope, 'g', group, key);
      if (!visit_key(key, visit)) return false;
    }
    return true;
  };
  if (visit_scope("") && !ns.empty()) visit_scope(ns);
}

std::optional<std::vector<Rule>> RbacIndex::role_rules(const std::string& ns, const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto it = roles_.find(object_key(ns, name));
  if (it == roles_.end() || !it->second->exists) return std::nullopt;
  return it->second->rules;
}

}  // namespace pintle::apiserver::rbac
