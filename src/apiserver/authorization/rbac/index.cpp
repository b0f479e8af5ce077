#include "apiserver/authorization/rbac/index.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace pintle::apiserver::authorization::rbac {
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
  ExclusiveThreadLock lock(mutex_);
  auto role = role_slot(object_key(ns, name));
  role->values = 0;
  for (const Rule& rule : rules) role->values += rule.values();
  role->rules = std::make_shared<const std::vector<Rule>>(std::move(rules));
}

void RbacIndex::remove_role(const std::string& ns, const std::string& name) {
  ExclusiveThreadLock lock(mutex_);
  const auto it = roles_.find(object_key(ns, name));
  if (it == roles_.end()) return;
  it->second->rules = nullptr;
  if (it->second.use_count() == 1) roles_.erase(it);  // no binding waits for it to come back
}

void RbacIndex::put_binding(const std::string& ns, const std::string& name, RoleRef role, std::vector<Subject> subjects) {
  ExclusiveThreadLock lock(mutex_);
  auto& slot = bindings_[object_key(ns, name)];
  if (slot) unlink(*slot);
  slot = std::make_unique<Binding>();
  slot->ns = ns;
  slot->name = name;
  slot->role = role_slot(object_key(role.cluster ? std::string_view() : std::string_view(ns), role.name));
  slot->ref = std::move(role);
  slot->subjects = std::move(subjects);
  for (const Subject& subject : slot->subjects) {
    std::string key = key_of(ns, subject);
    if (key.empty()) continue;
    auto& entries = by_subject_[key];
    if (!entries.empty() && entries.back().binding == slot.get()) continue;  // a subject named twice
    entries.push_back({slot.get(), &subject});
    slot->keys.push_back(std::move(key));
  }
}

void RbacIndex::unlink(const Binding& binding) {
  for (const std::string& key : binding.keys) {
    const auto it = by_subject_.find(key);
    if (it == by_subject_.end()) continue;
    std::erase_if(it->second, [&](const Entry& entry) { return entry.binding == &binding; });
    if (it->second.empty()) by_subject_.erase(it);
  }
}

void RbacIndex::remove_binding(const std::string& ns, const std::string& name) {
  ExclusiveThreadLock lock(mutex_);
  const auto it = bindings_.find(object_key(ns, name));
  if (it == bindings_.end()) return;
  unlink(*it->second);
  const auto role = it->second->role;
  const std::string role_key = object_key(it->second->ref.cluster ? std::string_view() : std::string_view(ns), it->second->ref.name);
  bindings_.erase(it);
  if (!role->rules && role.use_count() == 2) roles_.erase(role_key);  // here and in the table
}

// One user's roles, each once, within values_judged_max.
struct RbacIndex::Visit {
  const std::function<bool(const Grant&)>& call;
  std::array<const Role*, 32> few{};  // seen; no memory is asked for in the usual case
  std::size_t count = 0;
  std::unordered_set<const Role*> many;
  std::size_t values = 0;
  bool exceeded = false;

  bool is_new(const Role* role) {
    const auto end = few.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(few.begin(), end, role) != end) return false;
    if (count == few.size()) return many.insert(role).second;
    few[count++] = role;
    return true;
  }
};

bool RbacIndex::visit_key(std::string_view key, Visit& visit) const {
  const auto it = by_subject_.find(key);
  if (it == by_subject_.end()) return true;
  for (const auto& [binding, subject] : it->second) {
    const Role* role = binding->role.get();
    if (!visit.is_new(role)) continue;
    visit.values += role->rules ? role->values : 1;
    visit.exceeded = visit.values > values_judged_max;
    if (visit.exceeded) return false;
    const Grant grant{binding->ns.empty(), binding->ns, binding->name, &binding->ref, subject, role->rules ? &role->rules : nullptr};
    if (!visit.call(grant)) return false;
  }
  return true;
}

bool RbacIndex::visit(const UserInfo& user, std::string_view ns, const std::function<bool(const Grant&)>& call) const {
  SharedThreadLock lock(mutex_);
  std::string key;
  Visit visit{.call = call};
  const auto visit_scope = [&](std::string_view scope) REQUIRES_SHARED(mutex_) {
    subject_key(scope, 'u', user.name, key);
    if (!visit_key(key, visit)) return false;
    for (const auto& group : user.groups) {
      subject_key(scope, 'g', group, key);
      if (!visit_key(key, visit)) return false;
    }
    return true;
  };
  if (visit_scope("") && !ns.empty()) visit_scope(ns);
  return !visit.exceeded;
}

Rules RbacIndex::role_rules(const std::string& ns, const std::string& name) const {
  SharedThreadLock lock(mutex_);
  const auto it = roles_.find(object_key(ns, name));
  return it == roles_.end() ? nullptr : it->second->rules;
}

}  // namespace pintle::apiserver::authorization::rbac
