#include "controller/resourcequota/controller.h"

#include <algorithm>

#include "client/work_queue.h"
#include "controller/discovery/discovery.h"
#include "controller/pods/pod_store.h"
#include "controller/resourcequota/plan.h"

namespace pintle::controller::resourcequota {

using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;
using api::core_v1::ResourceQuota;
using api::core_v1::Service;
using api::meta_v1::PartialObjectMetadata;
using QuotaPtr = std::shared_ptr<const ResourceQuota>;

namespace {

// Objects leave in crowds (a Deployment with its pods): one recount for all of them.
constexpr rt::Duration recount_pause = std::chrono::milliseconds(200);
// A lower count is not written while what was charged may not be among the objects yet. Admission charges before the object is stored: this
// long the request may take. Changes of the quota that show no charge may hide one (a list after an outage shows the last state alone), but
// where they never pause they hold nothing back for longer than charges_max.
constexpr rt::Duration charge_pause = std::chrono::seconds(1);
constexpr rt::Duration charges_max = std::chrono::seconds(10);
// An informer whose watch is cut off lacks what was made since, for as long as a watch lasts that nobody ends (ten minutes and a half). It is
// asked again after a pause; a server that sends no bookmarks never says how far its watch is.
constexpr rt::Duration behind_pause = std::chrono::seconds(5);
constexpr rt::Duration behind_max = std::chrono::minutes(11);

class QuotaController final : public Controller {
 public:
  explicit QuotaController(ControllerDeps deps)
      : deps_(deps),
        quotas_(deps.informers.of<ResourceQuota>()),
        services_(deps.informers.of<Service>()),
        claims_(deps.informers.of<PersistentVolumeClaim>()),
        loop_(deps.loop("resourcequota_primary"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<ResourceQuota>::Handler quotas;
    quotas.on_add = [this](const QuotaPtr& quota, bool) {
      changed({}, *quota);
      loop_.queue().add(client::object_key(quota->metadata.namespace_, quota->metadata.name));
    };
    quotas.on_delete = [this](const QuotaPtr& quota) { histories_.erase(client::object_key(quota->metadata.namespace_, quota->metadata.name)); };
    quotas.on_update = [this](const QuotaPtr& before, const QuotaPtr& after) {
      changed(before->status.used, *after);
      if (!(before->spec.hard == after->spec.hard) || !(after->status.hard == after->spec.hard))
        loop_.queue().add(client::object_key(after->metadata.namespace_, after->metadata.name));
    };
    quotas_.add_handler(std::move(quotas));
    client::Informer<Pod>::Handler pods;
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) { recount_changed({"", "pods"}, *before, *after); };
    pods.on_delete = [this](const pods::PodPtr& pod) { recount(pod->metadata.namespace_); };
    deps_.pods.informer().add_handler(std::move(pods));
    client::Informer<Service>::Handler services;
    services.on_update = [this](const auto& before, const auto& after) { recount_changed({"", "services"}, *before, *after); };
    services.on_delete = [this](const auto& service) { recount(service->metadata.namespace_); };
    services_.add_handler(std::move(services));
    client::Informer<PersistentVolumeClaim>::Handler claims;
    claims.on_update = [this](const auto& before, const auto& after) { recount_changed({"", "persistentvolumeclaims"}, *before, *after); };
    claims.on_delete = [this](const auto& claim) { recount(claim->metadata.namespace_); };
    claims_.add_handler(std::move(claims));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void recount(const std::string& namespace_name) {
    for (const QuotaPtr& quota : quotas_.list(namespace_name))
      loop_.queue().add_after(client::object_key(namespace_name, quota->metadata.name), recount_pause);
  }
  template <class T>
  void recount_changed(const CountedResource& resource, const T& before, const T& after) {
    const std::string& namespace_name = after.metadata.namespace_;
    for (const QuotaPtr& quota : quotas_.list(namespace_name))
      if (costs_differ(*quota, resource, api::Object::of(before), api::Object::of(after)))
        loop_.queue().add_after(client::object_key(namespace_name, quota->metadata.name), recount_pause);
  }
  // When a quota was charged, or may have been, as far as its informer has shown it.
  struct History {
    std::string own_version;                     // the last that we wrote
    rt::TimePoint changed{}, restless{};         // by others: last, and since when without a pause
    std::map<std::string, rt::TimePoint> rises;  // by name
  };
  void changed(const ResourceList& before, const ResourceQuota& quota);
  // How long the name's count may not fall below what the quota says; 0: it may.
  rt::Duration held(const std::string& key, const std::string& name, bool behind) const;
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  // The watch of a resource that is counted alone, begun when a quota first names it. nullptr: there is no such resource.
  rt::Task<Result<client::AnyInformer*>> watch(rt::Context ctx, CountedResource resource);
  struct Count {
    ResourceList used;
    std::vector<std::string> behind;  // names whose objects are not all known that were there when the quota was written
  };
  rt::Task<Result<Count>> count(rt::Context ctx, QuotaPtr quota);

  ControllerDeps deps_;
  client::Informer<ResourceQuota> quotas_;
  client::Informer<Service> services_;
  client::Informer<PersistentVolumeClaim> claims_;
  std::map<std::string, client::AnyInformer*> watched_;  // by "resource.group"; the shared informers own them
  std::map<std::string, History> histories_;             // by quota
  client::ControlLoop loop_;
};

rt::Task<Result<client::AnyInformer*>> QuotaController::watch(rt::Context ctx, CountedResource resource) {
  const std::string key = resource.resource + "." + resource.group;
  auto it = watched_.find(key);
  if (it == watched_.end()) {
    auto served = co_await discovery::discover(deps_.client, ctx);
    if (!served) co_return Unexpected(std::move(served).error());
    const discovery::ServedResource* found = nullptr;
    for (const discovery::ServedResource& candidate : served->resources)
      if (candidate.resource.group == resource.group && candidate.resource.name == resource.resource && candidate.can("watch")) found = &candidate;
    if (found == nullptr) co_return nullptr;
    if (!watched_.contains(key)) {
      auto informer = deps_.informers.metadata_of(found->resource);
      client::Informer<PartialObjectMetadata>::Handler handler;
      handler.on_delete = [this](const std::shared_ptr<const PartialObjectMetadata>& object) { recount(object->metadata.namespace_); };
      informer.add_handler(std::move(handler), deps_.handlers);
      watched_[key] = &informer.any();
      deps_.informers.start();
    }
    it = watched_.find(key);
  }
  client::AnyInformer* informer = it->second;
  auto synced = co_await informer->wait_synced(std::move(ctx));
  if (!synced) co_return Unexpected(std::move(synced).error());
  co_return informer;
}

void QuotaController::changed(const ResourceList& before, const ResourceQuota& quota) {
  History& history = histories_[client::object_key(quota.metadata.namespace_, quota.metadata.name)];
  if (quota.metadata.resource_version == history.own_version) return;
  const rt::TimePoint now = deps_.runtime.clock().now();
  if (now - history.changed >= charge_pause) history.restless = now;
  history.changed = now;
  for (const std::string& name : fallen(quota.status.used, before)) history.rises[name] = now;
}

rt::Duration QuotaController::held(const std::string& key, const std::string& name, bool behind) const {
  const auto history = histories_.find(key);
  if (history == histories_.end()) return {};
  const rt::TimePoint now = deps_.runtime.clock().now();
  const auto rise = history->second.rises.find(name);
  if (rise != history->second.rises.end() && now - rise->second < charge_pause) return charge_pause - (now - rise->second);
  const rt::Duration since = now - history->second.changed;
  if (since < charge_pause && now - history->second.restless < charges_max) return charge_pause - since;
  return behind && since < behind_max ? behind_pause : rt::Duration{};
}

rt::Task<Result<QuotaController::Count>> QuotaController::count(rt::Context ctx, QuotaPtr quota) {
  const std::string ns = quota->metadata.namespace_;
  Count out{zeros(quota->spec.hard), {}};
  const auto look_at = [&](const CountedResource& resource, const client::AnyInformer& informer) {
    if (informer.reflects(quota->metadata.resource_version)) return;
    std::vector<std::string> names = rules::quota::counted_names(resource, quota->spec.hard);
    out.behind.insert(out.behind.end(), std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
  };
  const CountedResource pods{"", "pods"}, services{"", "services"}, claims{"", "persistentvolumeclaims"};
  for (const pods::PodPtr& pod : deps_.pods.in_namespace(ns)) charge(*quota, pods, api::Object::of(*pod), out.used);
  for (const auto& service : services_.list(ns)) charge(*quota, services, api::Object::of(*service), out.used);
  for (const auto& claim : claims_.list(ns)) charge(*quota, claims, api::Object::of(*claim), out.used);
  look_at(pods, deps_.pods.informer().any());
  look_at(services, services_.any());
  look_at(claims, claims_.any());
  const std::vector<CountedResource> alone = counted_alone(quota->spec.hard);
  for (const CountedResource& resource : alone) {
    auto informer = co_await watch(ctx, resource);
    if (!informer) co_return Unexpected(std::move(informer).error());
    if (*informer == nullptr) continue;
    for (const auto& object : (*informer)->store().in_namespace(ns))
      charge(*quota, resource, api::Object::of(*static_cast<const PartialObjectMetadata*>(object.get())), out.used);
    look_at(resource, **informer);
  }
  co_return out;
}

rt::Task<Result<Unit>> QuotaController::sync(rt::Context ctx, std::string key) {
  const QuotaPtr cached = quotas_.get(key);
  if (cached == nullptr) co_return Unit{};
  if (deps_.options.resource_quota_sync_period > rt::Duration::zero()) loop_.queue().add_after(key, deps_.options.resource_quota_sync_period);
  auto counted = co_await count(ctx, cached);
  if (!counted) co_return Unexpected(std::move(counted).error());
  for (const std::string& name : fallen(cached->status.used, counted->used)) {
    const rt::Duration pause = held(key, name, std::ranges::find(counted->behind, name) != counted->behind.end());
    if (pause == rt::Duration::zero() || !cached->spec.hard.contains(name)) continue;
    counted->used[name] = *cached->status.used.get(name);
    loop_.queue().add_after(key, pause);
  }
  if (cached->status.hard == cached->spec.hard && cached->status.used == counted->used) co_return Unit{};
  ResourceQuota copy = *cached;  // of this version: what was charged since makes a conflict, and another round
  copy.status.hard = copy.spec.hard;
  copy.status.used = std::move(counted->used);
  auto written = co_await deps_.client.update_status<ResourceQuota>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  if (const auto history = histories_.find(key); written && history != histories_.end())
    history->second.own_version = written->metadata.resource_version;
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_resourcequota_controller(ControllerDeps deps) { return std::make_unique<QuotaController>(std::move(deps)); }

}  // namespace pintle::controller::resourcequota
