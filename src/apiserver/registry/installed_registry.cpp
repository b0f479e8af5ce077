#include "apiserver/registry/installed_registry.h"

#include <algorithm>

#include "api/gen/meta_v1.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::registry {

namespace {
std::string served_key(std::string_view group, std::string_view version, std::string_view resource) {
  std::string key;
  key.reserve(group.size() + version.size() + resource.size() + 2);
  key.append(group).append("/").append(version).append("/").append(resource);
  return key;
}

// By its apiVersion.
Result<const VersionBinding*> version_of(const Resource& resource, std::string_view api_version) {
  const auto it = std::ranges::find(resource.versions(), api_version, &VersionBinding::api_version);
  if (it != resource.versions().end()) return &*it;
  return error(Reason::NotFound, resource.name().resource + " has no version " + std::string(api_version));
}
}  // namespace

InstalledRegistry::InstalledRegistry(rt::Runtime& runtime, storage::Store& store, const ApiServerOptions& options, apimachinery::ServedSet served)
    : runtime_(runtime),
      store_(store),
      options_(options),
      table_(std::move(served)),
      gated_fields_(options.feature_gates),
      forbidden_fields_(options) {}
InstalledRegistry::~InstalledRegistry() = default;

void InstalledRegistry::install(std::vector<ResourceDefinition> definitions) {
  for (ResourceDefinition& definition : definitions) {
    resources_.push_back(std::make_shared<const Resource>(std::move(definition)));
    const Resource& resource = *resources_.back();
    for (const VersionBinding& version : resource.versions()) {
      if (!table_.serves(version.served->group, version.served->version, version.served->name)) continue;
      Found found{&resource, &version, nullptr};
      const bool fresh = served_.emplace(served_key(version.served->group, version.served->version, version.served->name), found).second;
      CHECK(fresh, "resource installed twice: " + resource.name().resource);
      if (resource.stored())
        kinds_.emplace(served_key(version.served->group, version.served->version, version.kind->gvk.kind),
                       KindServed{resource.name(), resource.namespaced()});
    }
  }
}

rt::Task<Result<Unit>> InstalledRegistry::start(admission::AdmissionSequence admission) {
  admission_ = std::move(admission);
  CO_TRY_ASSIGN(fanout_, co_await storage::StoreFanout::start(runtime_, store_));
  for (const auto& resource : resources_) {
    if (!resource->stored()) continue;
    auto store = std::make_unique<ResourceStore>(resource, store_deps());
    CO_TRY(co_await store->start());
    for (const VersionBinding& version : resource->versions()) {
      const auto it = served_.find(served_key(version.served->group, version.served->version, version.served->name));
      if (it != served_.end()) it->second.store = store.get();
    }
    stores_.emplace(resource->name(), std::move(store));
  }
  co_return Unit{};
}

ResourceStoreDeps InstalledRegistry::store_deps() {
  return {runtime_, store_, *fanout_, *this, admission_, options_, gated_fields_, forbidden_fields_};
}

rt::Task<void> InstalledRegistry::stop() {
  std::vector<std::shared_ptr<Custom>> custom;
  {
    ExclusiveThreadLock lock(custom_mutex_);
    for (auto& [name, one] : custom_) custom.push_back(one);
  }
  for (const auto& one : custom) co_await one->store->stop();
  for (auto& [name, store] : stores_) co_await store->stop();
  if (fanout_) co_await fanout_->stop();
}

InstalledRegistry::Found InstalledRegistry::find_served(std::string_view group, std::string_view version, std::string_view resource) const {
  const std::string key = served_key(group, version, resource);
  if (const auto it = served_.find(key); it != served_.end()) return it->second;
  SharedThreadLock lock(custom_mutex_);
  const auto it = custom_served_.find(key);
  return it == custom_served_.end() ? Found{} : it->second;
}

std::optional<KindServed> InstalledRegistry::find_kind(const api::GroupVersionKind& kind) const {
  const std::string key = served_key(kind.group, kind.version, kind.kind);
  if (const auto it = kinds_.find(key); it != kinds_.end()) return it->second;
  SharedThreadLock lock(custom_mutex_);
  const auto it = custom_kinds_.find(key);
  return it == custom_kinds_.end() ? std::nullopt : std::optional(it->second);
}

std::shared_ptr<ResourceStore> InstalledRegistry::find(const GroupResource& resource) const {
  // A built-in one lives as long as the registry: nobody counts its users.
  if (const auto it = stores_.find(resource); it != stores_.end()) return {std::shared_ptr<void>(), it->second.get()};
  SharedThreadLock lock(custom_mutex_);
  const auto it = custom_.find(resource);
  if (it == custom_.end()) return nullptr;
  return {it->second, it->second->store.get()};
}

std::shared_ptr<const apimachinery::ServedSet> InstalledRegistry::served() const {
  {
    SharedThreadLock lock(custom_mutex_);
    if (shown_) return shown_;
  }
  ExclusiveThreadLock lock(custom_mutex_);
  if (shown_) return shown_;
  std::vector<std::shared_ptr<const apimachinery::RuntimeGroupVersion>> added;
  for (auto& [group, versions] : shown_versions_)
    for (auto& [version, shown] : versions) {
      if (!shown.made) {
        std::vector<std::shared_ptr<const apimachinery::RuntimeResource>> resources;
        resources.reserve(shown.resources.size());
        for (const auto& [name, resource] : shown.resources) resources.push_back(resource);
        shown.made = std::make_shared<const apimachinery::RuntimeGroupVersion>(group, version, std::move(resources));
      }
      added.push_back(shown.made);
    }
  shown_ = std::make_shared<const apimachinery::ServedSet>(table_.with(std::move(added)));
  return shown_;
}

bool InstalledRegistry::serves_version(std::string_view group, std::string_view version) const {
  if (table_.find_group_version(group, version) != nullptr) return true;
  SharedThreadLock lock(custom_mutex_);
  const auto it = shown_versions_.find(group);
  return it != shown_versions_.end() && it->second.contains(version);
}

void InstalledRegistry::show(const Custom& custom) {
  const GroupResource& name = custom.resource->name();
  for (const CustomVersion& version : custom.described) {
    ShownVersion& shown = shown_versions_[name.group][version.version];
    shown.resources[name.resource] = version.resource;
    shown.made.reset();
  }
  shown_.reset();
}

void InstalledRegistry::hide(const Custom& custom) {
  const GroupResource& name = custom.resource->name();
  const auto group = shown_versions_.find(name.group);
  if (group == shown_versions_.end()) return;
  for (const CustomVersion& version : custom.described) {
    const auto it = group->second.find(version.version);
    if (it == group->second.end()) continue;
    it->second.resources.erase(name.resource);
    it->second.made.reset();
    if (it->second.resources.empty()) group->second.erase(it);
  }
  if (group->second.empty()) shown_versions_.erase(group);
  shown_.reset();
}

rt::Task<Result<Unit>> InstalledRegistry::install_custom(std::shared_ptr<const Resource> resource, std::vector<CustomVersion> described) {
  const GroupResource name = resource->name();
  auto made = std::make_shared<Custom>();
  made->resource = resource;
  made->described = std::move(described);
  made->store = std::make_unique<ResourceStore>(resource, store_deps());
  // One cache follows a prefix of the store: the last one ends, and with it its watches, before the next begins. Its entry stays meanwhile, so that
  // nobody is told that there is no such resource.
  if (const auto last = custom_of(name)) co_await last->store->stop();
  CO_TRY(co_await made->store->start());
  ExclusiveThreadLock lock(custom_mutex_);
  forget_custom(name);
  for (const VersionBinding& version : resource->versions()) {
    const bool shown = std::ranges::any_of(made->described, [&](const CustomVersion& one) { return one.version == version.served->version; });
    if (!shown) continue;
    custom_served_[served_key(name.group, version.served->version, name.resource)] = {resource.get(), &version, made->store.get(), made};
    custom_kinds_[served_key(name.group, version.served->version, resource->kind())] = {name, resource->namespaced()};
  }
  show(*made);
  custom_[name] = std::move(made);
  co_return Unit{};
}

std::shared_ptr<InstalledRegistry::Custom> InstalledRegistry::custom_of(const GroupResource& name) const {
  SharedThreadLock lock(custom_mutex_);
  const auto it = custom_.find(name);
  return it == custom_.end() ? nullptr : it->second;
}

void InstalledRegistry::forget_custom(const GroupResource& name) {
  const auto it = custom_.find(name);
  if (it == custom_.end()) return;
  for (const VersionBinding& version : it->second->resource->versions()) {
    custom_served_.erase(served_key(name.group, version.served->version, name.resource));
    custom_kinds_.erase(served_key(name.group, version.served->version, it->second->resource->kind()));
  }
  hide(*it->second);
  custom_.erase(it);
}

rt::Task<void> InstalledRegistry::remove_custom(GroupResource name) {
  const std::shared_ptr<Custom> gone = custom_of(name);
  if (!gone) co_return;
  {
    ExclusiveThreadLock lock(custom_mutex_);
    forget_custom(name);
  }
  co_await gone->store->stop();
}

RequestScope InstalledRegistry::own_scope(rt::Context ctx) {
  RequestScope scope;
  scope.ctx = ctx;
  scope.now = runtime_.clock().wall_now();
  scope.user.name = "system:apiserver";
  scope.user.groups = {"system:masters"};
  scope.internal = true;
  scope.registry = this;
  scope.runtime = &runtime_;
  scope.options = &options_;
  return scope;
}

RequestScope InstalledRegistry::inner_scope(const RequestScope& outer, const GroupResource& resource, std::string ns, std::string name) {
  RequestScope scope = outer;
  scope.ns = std::move(ns);
  scope.name = std::move(name);
  scope.group = resource.group;
  scope.resource = resource.resource;
  scope.version.clear();  // the storage version
  scope.subresource.clear();
  scope.internal = true;
  scope.warnings.clear();
  return scope;
}

rt::Task<Result<api::Object>> InstalledRegistry::get(RequestScope& scope, GroupResource resource, std::string ns, std::string name) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, name));
  CO_TRY_ASSIGN(const auto cached, co_await store->get(scope.ctx, ns, name));
  co_return store->codec().decode(*cached);
}

rt::Task<Result<api::Object>> InstalledRegistry::create(RequestScope& outer, GroupResource resource, std::string ns, api::Object object) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, ""));
  RequestScope scope = inner_scope(outer, resource, std::move(ns), object_meta(object).name);
  CO_TRY_ASSIGN(Written written, co_await store->create(scope, std::move(object)));
  co_return std::move(written.object);
}

rt::Task<Result<api::Object>> InstalledRegistry::update(RequestScope& outer, GroupResource resource, std::string ns, std::string name,
                                                        std::string subresource, Mutation mutation) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, name));
  RequestScope scope = inner_scope(outer, resource, ns, name);
  UpdateRequest request;
  request.ns = std::move(ns);
  request.name = std::move(name);
  request.raw = subresource == "*";
  if (!request.raw && !subresource.empty()) {
    scope.subresource = subresource;
    request.part = store->resource().find_part(subresource);
    CHECK(request.part != nullptr, "no subresource " + subresource);
  }
  request.transform = [&mutation](const api::Object* existing) -> Result<api::Object> {
    api::Object changed = *existing;
    TRY(mutation(changed));
    return changed;
  };
  CO_TRY_ASSIGN(Written written, co_await store->update(scope, std::move(request)));
  co_return std::move(written.object);
}

rt::Task<Result<api::Object>> InstalledRegistry::remove(RequestScope& outer, GroupResource resource, std::string ns, std::string name,
                                                        RemoveOptions options) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, name));
  RequestScope scope = inner_scope(outer, resource, ns, name);
  RemoveRequest request;
  request.ns = std::move(ns);
  request.name = std::move(name);
  if (options.grace_period_seconds >= 0) request.grace_period_seconds = options.grace_period_seconds;
  request.uid = std::move(options.uid);
  request.resource_version = std::move(options.resource_version);
  request.orphan_dependents = options.orphan_dependents;
  request.propagation_policy = std::move(options.propagation_policy);
  CO_TRY_ASSIGN(Removed removed, co_await store->remove(scope, std::move(request)));
  co_return std::move(removed.object);
}

rt::Task<Result<api::Object>> InstalledRegistry::convert(rt::Context ctx, GroupResource resource, api::Object object, std::string from,
                                                         std::string to) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, ""));
  CO_TRY_ASSIGN(const VersionBinding* const source, version_of(store->resource(), from));
  CO_TRY_ASSIGN(const VersionBinding* const target, version_of(store->resource(), to));
  if (store->resource().custom()) co_return co_await store->cached_versions().convert(ctx, std::move(object), *source, *target);
  CO_TRY_ASSIGN(object, source->to_storage(std::move(object)));
  co_return target->from_storage(object);
}

rt::Task<Result<std::vector<api::Object>>> InstalledRegistry::read_in(rt::Context ctx, GroupResource resource, std::vector<ObjectName> names,
                                                                      std::string in) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) co_return Unexpected(errors::not_found(resource, ""));
  CO_TRY_ASSIGN(const VersionBinding* const version, version_of(store->resource(), in));
  std::vector<storage::CachedObjectPtr> cached;
  for (const ObjectName& name : names)
    if (auto object = store->cache().get(store->resource().key(name.ns, name.name))) cached.push_back(std::move(object));
  CO_TRY_ASSIGN(cached, co_await store->cached_versions().show(ctx, std::move(cached), *version));
  std::vector<api::Object> out;
  for (const auto& one : cached) {
    CO_TRY_ASSIGN(api::Object object, store->codec().decode(*one));
    if (!store->resource().custom()) {
      CO_TRY_ASSIGN(object, version->from_storage(object));
    }
    out.push_back(std::move(object));
  }
  co_return out;
}

Result<InstalledRegistry::CachedOne> InstalledRegistry::cached_one(const GroupResource& resource, std::string_view ns, std::string_view name) const {
  CachedOne out;
  out.store = find(resource);
  if (out.store != nullptr) out.object = out.store->cache().get(out.store->resource().key(ns, name));
  if (out.object == nullptr) return Unexpected(errors::not_found(resource, name));
  return out;
}

Result<api::Object> InstalledRegistry::get(const GroupResource& resource, std::string_view ns, std::string_view name) const {
  TRY_ASSIGN(const CachedOne found, cached_one(resource, ns, name));
  return found.store->codec().decode(*found.object);
}

Result<std::shared_ptr<const api::Object>> InstalledRegistry::view(const GroupResource& resource, std::string_view ns, std::string_view name) const {
  TRY_ASSIGN(const CachedOne found, cached_one(resource, ns, name));
  return decoded_.get(found.object, [&](const storage::CachedObject& object) { return found.store->codec().decode(object); });
}

Result<std::shared_ptr<const api::Object>> InstalledRegistry::view(const GroupResource& resource, const storage::CachedObjectPtr& cached) const {
  return decoded_.get(cached, [&](const storage::CachedObject& object) { return decode(resource, object); });
}

std::vector<storage::CachedObjectPtr> InstalledRegistry::list(const GroupResource& resource, std::string_view ns) const {
  const std::shared_ptr<ResourceStore> store = find(resource);
  if (store == nullptr) return {};
  storage::CacheListOptions options;
  options.prefix = store->resource().prefix_of(ns);
  return store->cache().list(options).items;
}

Result<api::Object> InstalledRegistry::decode(const GroupResource& resource, const storage::CachedObject& object) const {
  const std::shared_ptr<ResourceStore> store = find(resource);
  CHECK(store != nullptr, "an object of a resource that is not stored");
  return store->codec().decode(object);
}

void InstalledRegistry::subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) {
  const std::shared_ptr<ResourceStore> store = find(resource);
  CHECK(store != nullptr, "no resource " + resource.resource + " to follow");
  store->cache().on_event(std::move(listener));
}

}  // namespace pintle::apiserver::registry
