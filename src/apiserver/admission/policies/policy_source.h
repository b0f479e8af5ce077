// PolicySource: the policies of one kind that have a binding, with their bindings, as the watch caches have them. An event costs what its object
// does, whatever else there is; a policy is compiled when it first selects a request.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/admission/policies/policy.h"
#include "base/mutex.h"
#include "component/log.h"

namespace pintle::apiserver::admission::policies {

// Kind: `Object`, `BindingObject` (API types), `Compiled` (made from an Object), `policies`, `bindings` (resource names).
template <class Kind>
class PolicySource {
 public:
  using Compiled = typename Kind::Compiled;

  class Entry {
   public:
    explicit Entry(typename Kind::Object object) : policy(make_policy(object.metadata.name, object.spec)), object_(std::move(object)) {}
    const Policy policy;
    const Compiled& compiled() const {
      std::call_once(once_, [this] { compiled_ = std::make_unique<const Compiled>(object_); });
      return *compiled_;
    }
    const typename Kind::Object& object() const { return object_; }

   private:
    const typename Kind::Object object_;
    mutable std::once_flag once_;
    mutable std::unique_ptr<const Compiled> compiled_;
  };
  struct Hook {
    std::shared_ptr<const Entry> entry;
    std::vector<std::shared_ptr<const Binding>> bindings;  // by name; at least one
  };

  explicit PolicySource(const ResourceReader& reader) : reader_(reader) {}

  // Those with a rule that names the resource, by name. Without any policy it costs a load to know. Thread-safe.
  std::vector<Hook> naming(std::string_view resource) {
    if (!changes_->any && empty_) return {};
    follow();
    std::vector<Hook> out;
    SharedThreadLock lock(mutex_);
    std::vector<std::string_view> names;
    for (const std::string_view pattern : {resource, std::string_view("*")})
      if (const auto found = by_resource_.find(pattern); found != by_resource_.end())
        names.insert(names.end(), found->second.begin(), found->second.end());
    std::ranges::sort(names);
    const auto same = std::ranges::unique(names);
    names.erase(same.begin(), same.end());
    for (const std::string_view name : names) {
      const auto bindings = bindings_.find(name);
      if (bindings == bindings_.end()) continue;
      Hook& hook = out.emplace_back();
      hook.entry = policies_.find(name)->second;
      for (const auto& [key, binding] : bindings->second) hook.bindings.push_back(binding);
    }
    return out;
  }

 private:
  struct Change {
    bool binding = false;
    std::string name;
    storage::CachedObjectPtr object;  // nullptr: gone
  };
  // Outlives the source: whoever tells of changes does.
  struct Changes {
    std::atomic<bool> any = true;
    ThreadMutex mutex;
    std::map<std::pair<bool, std::string>, storage::CachedObjectPtr> waiting GUARDED_BY(mutex);  // by whether it is a binding, and its name
  };

  GroupResource resource(bool binding) const { return {"admissionregistration.k8s.io", std::string(binding ? Kind::bindings : Kind::policies)}; }

  void follow() {
    if (!changes_->any) return;
    ExclusiveThreadLock lock(mutex_);
    if (!std::exchange(subscribed_, true)) {
      for (const bool binding : {false, true})
        const_cast<ResourceReader&>(reader_).subscribe(resource(binding), [changes = changes_, binding](const storage::CacheEvent& event) {
          if (event.type == storage::CacheEventType::Bookmark) return;
          const bool gone = event.type == storage::CacheEventType::Deleted;
          ThreadLock its_lock(changes->mutex);
          changes->waiting[{binding, std::string(event.object->header().name)}] = gone ? nullptr : event.object;
          changes->any = true;
        });
    }
    std::map<std::pair<bool, std::string>, storage::CachedObjectPtr> waiting;
    {
      ThreadLock its_lock(changes_->mutex);
      changes_->any = false;
      waiting.swap(changes_->waiting);
    }
    for (const auto& [key, object] : waiting) key.first ? change_binding(key.second, object) : change_policy(key.second, object);
    empty_ = policies_.empty() && bindings_.empty();
  }

  static std::set<std::string> resources_of(const Policy& policy) {
    std::set<std::string> out;
    if (!policy.has_constraints) out.insert("*");
    for (const auto& rule : policy.selection.rules)
      for (const std::string& pattern : rule.resources) out.insert(pattern.substr(0, pattern.find('/')));
    return out;
  }

  template <class T>
  std::optional<T> read(bool binding, const storage::CachedObjectPtr& object) const {
    if (!object) return std::nullopt;
    auto decoded = reader_.decode(resource(binding), *object);
    if (decoded) return std::move(decoded->template as<T>());
    component::log::error("An admission policy or its binding cannot be read", decoded.error());
    return std::nullopt;
  }

  void change_policy(const std::string& name, const storage::CachedObjectPtr& object) REQUIRES(mutex_) {
    if (const auto old = policies_.find(name); old != policies_.end()) {
      for (const std::string& one : resources_of(old->second->policy)) {
        auto& names = by_resource_[one];
        names.erase(name);
        if (names.empty()) by_resource_.erase(one);
      }
      policies_.erase(old);
    }
    auto policy = read<typename Kind::Object>(false, object);
    if (!policy) return;
    auto entry = std::make_shared<const Entry>(std::move(*policy));
    for (const std::string& one : resources_of(entry->policy)) by_resource_[one].insert(name);
    policies_.emplace(name, std::move(entry));
  }

  void change_binding(const std::string& name, const storage::CachedObjectPtr& object) REQUIRES(mutex_) {
    if (const auto old = policy_of_binding_.find(name); old != policy_of_binding_.end()) {
      auto& bindings = bindings_[old->second];
      bindings.erase(name);
      if (bindings.empty()) bindings_.erase(old->second);
      policy_of_binding_.erase(old);
    }
    const auto binding = read<typename Kind::BindingObject>(true, object);
    if (!binding) return;
    policy_of_binding_[name] = binding->spec.policy_name;
    bindings_[binding->spec.policy_name][name] = std::make_shared<const Binding>(Kind::make_binding(*binding));
  }

  const ResourceReader& reader_;
  const std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();
  std::atomic<bool> empty_ = true;
  SharedThreadMutex mutex_;
  bool subscribed_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<const Entry>, std::less<>> policies_ GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> by_resource_ GUARDED_BY(mutex_);                  // to names of policies
  std::map<std::string, std::map<std::string, std::shared_ptr<const Binding>>, std::less<>> bindings_ GUARDED_BY(mutex_);  // by policy, name
  std::map<std::string, std::string> policy_of_binding_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::admission::policies
