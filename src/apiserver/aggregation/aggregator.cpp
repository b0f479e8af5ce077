#include "apiserver/aggregation/aggregator.h"

#include "apimachinery/apply/field_manager.h"
#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "component/metrics.h"
#include "rt/backoff.h"
#include "rt/combine.h"
#include "rules/conditions.h"

namespace pintle::apiserver::aggregation {

namespace {

namespace apiregistration = api::apiregistration_v1;
namespace core = api::core_v1;
namespace discovery = api::discovery_v1;
using apiregistration::APIService;

constexpr rt::Duration retry_initial = std::chrono::milliseconds(100);
constexpr rt::Duration retry_max = std::chrono::seconds(30);
constexpr std::string_view service_name_label = "kubernetes.io/service-name";

const GroupResource api_services{"apiregistration.k8s.io", "apiservices"};
const GroupResource definitions{"apiextensions.k8s.io", "customresourcedefinitions"};
const GroupResource services{"", "services"};
const GroupResource slices{"discovery.k8s.io", "endpointslices"};
const GroupResource config_maps{"", "configmaps"};

rt::Backoff retries() {
  rt::BackoffOptions options;
  options.initial = retry_initial;
  options.max = retry_max;
  return rt::Backoff(options);
}

// A place among those that do the same at once, for as long as it lives.
class Turn {
 public:
  explicit Turn(rt::Channel<Unit>& places) : places_(&places) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { (void)places_->try_receive(); }

 private:
  rt::Channel<Unit>* places_;
};

bool absent(const Status& status) { return status.reason == Reason::NotFound; }

// A write that found the object gone or changed: the change brings another look.
Result<Unit> settled(const Result<api::Object>& written) {
  if (written || absent(written.error()) || written.error().reason == Reason::Conflict || written.error().reason == Reason::AlreadyExists)
    return Unit{};
  return Unexpected(written.error());
}

}  // namespace

Aggregator::Aggregator(AggregatorDeps deps)
    : deps_(std::move(deps)),
      backends_(deps_.runtime, deps_.options, deps_.resolver),
      became_unavailable_(
          counted_, {"aggregator_unavailable_apiservice_total", "How often the server of an APIService has become unavailable", {"name", "reason"}}) {
}
Aggregator::~Aggregator() = default;

void Aggregator::subscribe() {
  ResourceReader& reader = deps_.registry.reader();
  reader.subscribe(api_services, [changes = changes_](const storage::CacheEvent& event) {
    if (event.object) changes->api_services.add(event.object->header().name);
  });
  reader.subscribe(definitions, [changes = changes_](const storage::CacheEvent& event) {
    if (event.object) changes->definitions.add(event.object->header().name);
  });
  const auto look = [](Changes& changes, std::string_view ns, std::string_view name) {
    ThreadLock lock(changes.mutex);
    const auto [from, to] = changes.by_service.equal_range(std::pair(std::string(ns), std::string(name)));
    for (auto it = from; it != to; ++it) it->second->look.set();
  };
  reader.subscribe(services, [changes = changes_, look](const storage::CacheEvent& event) {
    if (changes->watched.load(std::memory_order_acquire) == 0 || !event.object) return;
    look(*changes, event.object->header().ns, event.object->header().name);
  });
  reader.subscribe(slices, [changes = changes_, look](const storage::CacheEvent& event) {
    if (changes->watched.load(std::memory_order_acquire) == 0 || !event.object) return;
    if (const auto* of = event.object->header().labels.get(service_name_label)) look(*changes, event.object->header().ns, *of);
  });
  reader.subscribe(config_maps, [changes = changes_](const storage::CacheEvent& event) {
    if (!event.object || event.object->header().name != bootstrap::trust_name || event.object->header().ns != bootstrap::trust_namespace) return;
    changes->trust.add(bootstrap::trust_name);
  });
}

rt::Task<Result<Unit>> Aggregator::start() {
  loops_.start();
  subscribe();
  for (const auto& [group, version] : deps_.add_ons) changes_->api_services.add(version + "." + group);
  CO_TRY(co_await remove_leftovers());
  co_await look_at_all();
  registry::ChangedNames::Look definition = [this](const std::string& name) { return note_definition(name); };
  registry::ChangedNames::Look service = [this](const std::string& name) { return look_at(name); };
  registry::ChangedNames::Look trust = [this](const std::string&) { return keep_trust(); };
  loops_.follow(changes_->definitions, std::move(definition), {"A definition cannot be read, and is tried again"});
  loops_.follow(changes_->api_services, std::move(service), {"An APIService could not be acted on, and is tried again"});
  loops_.follow(changes_->trust, std::move(trust), {"What aggregated servers are to know of clients could not be written, and is tried again"});
  co_return Unit{};
}

// What there is at the start. Whoever follows tries again what fails.
rt::Task<void> Aggregator::look_at_all() {
  co_await note_definitions();
  const std::set<std::string> names = changes_->api_services.take();
  for (const std::string& name : names) {
    auto looked = co_await look_at(name);
    if (!looked) changes_->api_services.add(name);
  }
  (void)changes_->trust.take();
  auto kept = co_await keep_trust();
  if (!kept) changes_->trust.add(bootstrap::trust_name);
}

rt::Task<void> Aggregator::note_definitions() {
  const std::set<std::string> names = changes_->definitions.take();
  for (const std::string& name : names) {
    auto noted = co_await note_definition(name);
    if (!noted) changes_->definitions.add(name);
  }
}

// APIServices of group versions that an earlier start served by itself, and this one does not.
rt::Task<Result<Unit>> Aggregator::remove_leftovers() {
  for (const auto& cached : deps_.registry.reader().list(api_services, "")) {
    const auto* managed = cached->header().labels.get(automanaged_label);
    if (managed == nullptr || *managed != bootstrap::automanaged_on_start) continue;
    const std::string name(cached->header().name), none;
    const auto dot = name.find('.');
    if (dot == name.npos || deps_.registry.served_by_table().find_group_version(name.substr(dot + 1), name.substr(0, dot)) != nullptr) continue;
    const auto service = deps_.registry.reader().get_as<APIService>(api_services, "", name);
    if (service && service->spec.service) continue;  // another server's by now
    RequestScope scope = deps_.registry.own_scope(rt::Context::background());
    Registry::RemoveOptions options;
    options.uid = cached->header().uid;
    CO_TRY(settled(co_await deps_.registry.remove(scope, api_services, none, name, std::move(options))));
  }
  co_return Unit{};
}

rt::Task<void> Aggregator::stop() {
  if (!loops_.running()) co_return;
  {
    ThreadLock lock(changes_->mutex);
    changes_->by_service.clear();
  }
  for (auto& [name, watched] : watched_) watched->ctx.cancel();
  co_await loops_.stop();
  watched_.clear();
  co_await backends_.close();
}

// The APIServices that it concerns want a look, too.
rt::Task<Result<Unit>> Aggregator::note_definition(std::string name) {
  using api::apiextensions_v1::CustomResourceDefinition;
  auto found = deps_.registry.reader().get_as<CustomResourceDefinition>(definitions, "", name);
  if (!found && !absent(found.error())) co_return Unexpected(found.error());
  for (const std::string& concerned : defined_.set(name, found ? &*found : nullptr)) changes_->api_services.add(concerned);
  co_return Unit{};
}

// Definitions come first: an APIService of one that is not known yet would be one too many.
rt::Task<Result<Unit>> Aggregator::look_at(const std::string& name) {
  co_await note_definitions();
  auto found = deps_.registry.reader().get_as<APIService>(api_services, "", name);
  if (!found && !absent(found.error())) co_return Unexpected(found.error());
  RemotePtr remote = found ? remote_of(*found) : nullptr;
  routes_.set(name, remote);
  const bool concerns_backends = remote || watched_.contains(name);
  if (remote) {
    watch(std::move(remote));
  } else {
    forget(name);
  }
  if (concerns_backends) co_await backends_.keep(routes_.all());
  const APIService* now = found ? &*found : nullptr;
  CO_TRY(co_await keep_local(name, now));
  if (found && !found->spec.service) {
    auto status = found->status;
    if (set_condition(status, local_condition(), api::Time{})) co_return co_await write_condition(name, found->metadata.uid, local_condition());
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> Aggregator::keep_local(const std::string& name, const APIService* now) {
  for (const auto& [group, version] : deps_.add_ons)
    if (name == version + "." + group) return act(action_for_add_on(now), name, now, add_on_service(group, version));
  auto wanted = defined_.wanted(name);
  const Action action = action_for(now, wanted ? &*wanted : nullptr);
  return act(action, name, now, std::move(wanted));
}

rt::Task<Result<Unit>> Aggregator::act(Action action, const std::string& name, const APIService* now, std::optional<APIService> wanted) {
  RequestScope scope = deps_.registry.own_scope(rt::Context::background());
  const std::string none;
  switch (action) {
    case Action::None: break;
    case Action::Create: {
      api::Object object = api::Object::of<APIService>(std::move(*wanted));
      co_return settled(co_await deps_.registry.create(scope, api_services, none, std::move(object)));
    }
    case Action::Update: {
      Mutation change = [spec = wanted->spec](api::Object& object) -> Result<Unit> {
        object.as<APIService>().spec = spec;
        return Unit{};
      };
      co_return settled(co_await deps_.registry.update(scope, api_services, none, name, none, std::move(change)));
    }
    case Action::Release: {
      Mutation change = [](api::Object& object) -> Result<Unit> {
        auto& service = object.as<APIService>();
        if (service.spec.service) service.metadata.labels.erase(automanaged_label);
        return Unit{};
      };
      co_return settled(co_await deps_.registry.update(scope, api_services, none, name, none, std::move(change)));
    }
    case Action::Remove: {
      Registry::RemoveOptions options;
      options.uid = now->metadata.uid;
      co_return settled(co_await deps_.registry.remove(scope, api_services, none, name, std::move(options)));
    }
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> Aggregator::keep_trust() {
  CO_TRY_ASSIGN(const bootstrap::ClusterTrust trust, deps_.trust());
  if (trust.empty()) co_return Unit{};
  RequestScope scope = deps_.registry.own_scope(rt::Context::background());
  const int64_t now = apimachinery::to_api_time(scope.now).seconds;
  const std::string ns = bootstrap::trust_namespace, name = bootstrap::trust_name, none;
  auto found = deps_.registry.reader().get_as<core::ConfigMap>(config_maps, ns, name);
  if (!found) {
    if (!absent(found.error())) co_return Unexpected(found.error());
    core::ConfigMap map;
    map.metadata.namespace_ = ns;
    map.metadata.name = name;
    bootstrap::complete(map, trust, now);
    api::Object object = api::Object::of<core::ConfigMap>(std::move(map));
    co_return settled(co_await deps_.registry.create(scope, config_maps, ns, std::move(object)));
  }
  if (!bootstrap::complete(*found, trust, now)) co_return Unit{};
  Mutation change = [&](api::Object& object) -> Result<Unit> {
    bootstrap::complete(object.as<core::ConfigMap>(), trust, now);
    return Unit{};
  };
  co_return settled(co_await deps_.registry.update(scope, config_maps, ns, name, none, std::move(change)));
}

void Aggregator::watch(RemotePtr remote) {
  const std::string& name = remote->name;
  const auto known = watched_.find(name);
  if (known != watched_.end() && same_way(*known->second->remote, *remote)) {
    known->second->remote = std::move(remote);  // but for its status
    return;
  }
  forget(name);
  auto watched = std::make_shared<Watched>(remote, backends_, loops_.context());
  watched_[name] = watched;
  {
    ThreadLock lock(changes_->mutex);
    changes_->by_service.emplace(std::pair(remote->service.ns, remote->service.name), watched);
  }
  changes_->watched.store(watched_.size(), std::memory_order_release);
  publish(*watched);
  loops_.spawn(watch_over(std::move(watched)));
}

void Aggregator::forget(const std::string& name) {
  const auto known = watched_.find(name);
  if (known == watched_.end()) return;
  const WatchedPtr watched = std::move(known->second);
  watched_.erase(known);
  watched->ctx.cancel();
  deps_.further.remove(name);
  changes_->watched.store(watched_.size(), std::memory_order_release);
  ThreadLock lock(changes_->mutex);
  std::erase_if(changes_->by_service, [&](const auto& item) { return item.second == watched; });
}

void Aggregator::write_metrics(std::string& out) const {
  constexpr std::string_view name = "aggregator_unavailable_apiservice";
  constexpr std::string_view labels[] = {"name"};
  component::metrics::write_head(out, name, "Whether the server of an APIService is unavailable.", "gauge");
  std::map<std::string, bool, std::less<>> all;
  for (const auto& cached : deps_.registry.reader().list(api_services, "")) all.emplace(cached->header().name, false);
  for (const RemotePtr& remote : routes_.all()) all[remote->name] = !remote->available;
  for (const auto& [service, unavailable] : all) {
    const std::string values[] = {service};
    component::metrics::write_sample(out, name, labels, values, unavailable ? 1 : 0);
  }
  out += counted_.write();
}

void Aggregator::publish(Watched& watched) {
  published::FurtherVersion version = watched.documents.version(*watched.remote);
  if (watched.documents.has_openapi_v3())
    version.serve_openapi_v3 = [this, root = watched.remote->root()](exchange::Exchange& exchange) {
      return forward(exchange, routes_.find(root), "/openapi/v3" + root, nullptr);
    };
  else if (auto made = watched.documents.made_openapi_v3())
    version.serve_openapi_v3 = [this, made](exchange::Exchange& exchange) { return published::send(deps_.runtime, exchange, made); };
  auto set = deps_.further.set(watched.remote->name, std::move(version));
  if (!set) component::log::error("An aggregated server is not told of", set.error(), {{"name", watched.remote->name}});
}

rt::Task<void> Aggregator::watch_over(WatchedPtr watched) {
  rt::Backoff backoff = retries();
  const rt::Context ctx = watched->ctx;
  while (!ctx.done()) {
    watched->look.reset();
    auto passed = co_await check(watched);
    if (ctx.done()) co_return;
    if (!passed) component::log::error("The availability of an aggregated server cannot be told", passed.error(), {{"name", watched->remote->name}});
    const bool good = passed && *passed;
    const rt::TimePoint now = deps_.runtime.clock().now();
    if (!good && watched->documents.set_stale()) publish(*watched);
    if (good && (watched->documents.stale() || now - watched->documents_at >= documents_age_max)) co_await refresh(watched);
    if (ctx.done()) co_return;
    if (good) backoff.reset();
    const rt::Context until = ctx.with_timeout(good ? check_interval : backoff.next(deps_.runtime.random()));
    (void)co_await watched->look.wait(until);
  }
}

// Whether it is available, which its APIService says by then.
rt::Task<Result<bool>> Aggregator::check(WatchedPtr watched) {
  const RemotePtr remote = watched->remote;
  const Unit one;
  CO_TRY(co_await checks_.send(watched->ctx, one));
  const Turn turn(checks_);
  const ResourceReader& reader = deps_.registry.reader();
  auto service = reader.get_as<core::Service>(services, remote->service.ns, remote->service.name);
  if (!service && !absent(service.error())) co_return Unexpected(service.error());
  std::vector<discovery::EndpointSlice> own;
  for (const auto& cached : reader.list(slices, remote->service.ns)) {
    const auto* of = cached->header().labels.get(service_name_label);
    if (of == nullptr || *of != remote->service.name) continue;
    CO_TRY_ASSIGN(api::Object slice, reader.decode(slices, *cached));
    own.push_back(std::move(slice.as<discovery::EndpointSlice>()));
  }
  auto condition = judge(remote->service, service ? &*service : nullptr, own);
  if (!condition) {
    auto asked = co_await ask(watched->ctx, remote);
    condition = asked ? passed_condition() : failed_condition(asked.error().message);
  }
  if (watched->ctx.done()) co_return false;
  const bool good = condition->status == "True";
  CO_TRY(co_await write_condition(remote->name, remote->uid, std::move(*condition)));
  co_return good;
}

namespace {

rt::Task<Result<Unit>> ask_once(Backends& backends, rt::Context ctx, RemotePtr remote) {
  CO_TRY_ASSIGN(const std::string origin, backends.origin(*remote));
  const std::string url = origin + remote->root();
  Question question;
  question.asker.name = "system:kube-aggregator";
  question.asker.groups = {std::string(group_masters)};
  question.path = remote->root();
  question.bytes_max = discovery_bytes_max;
  const rt::Context bounded = ctx.with_timeout(check_timeout);
  auto answer = co_await backends.ask(bounded, remote, std::move(question));
  const std::string failing = "failing or missing response from " + url + ": ";
  if (!answer) co_return error(Reason::ServiceUnavailable, failing + "Get \"" + url + "\": " + answer.error().message);
  if (answer->status < 200 || answer->status >= 300)
    co_return error(Reason::ServiceUnavailable, failing + "bad status from " + url + ": " + std::to_string(answer->status));
  co_return Unit{};
}

}  // namespace

// Where one endpoint of several fails, another may do.
rt::Task<Result<Unit>> Aggregator::ask(rt::Context ctx, RemotePtr remote) {
  auto first = co_await ask_once(backends_, ctx, remote);
  if (first || ctx.done()) co_return first;
  std::vector<rt::Task<Result<Unit>>> more;
  for (int i = 1; i < check_attempts; ++i) more.push_back(ask_once(backends_, ctx, remote));
  const auto answers = co_await rt::when_all(std::move(more));
  for (const auto& answer : answers)
    if (answer) co_return answer;
  co_return first;
}

rt::Task<void> Aggregator::refresh(WatchedPtr watched) {
  const Unit one;
  auto place = co_await documents_.send(watched->ctx, one);
  if (!place) co_return;
  const Turn turn(documents_);
  bool changed = false;
  watched->documents_at = deps_.runtime.clock().now();
  auto refreshed = co_await watched->documents.refresh(watched->ctx, watched->remote, &changed);
  if (watched->ctx.done()) co_return;
  if (!refreshed)
    component::log::warning("What an aggregated server serves cannot be read", {{"name", watched->remote->name}, {"err", refreshed.error().message}});
  if (changed) publish(*watched);
  changes_->trust.add(bootstrap::trust_name);  // the files of the authorities may have changed too
}

rt::Task<Result<Unit>> Aggregator::write_condition(std::string name, std::string uid, Condition condition) {
  RequestScope scope = deps_.registry.own_scope(rt::Context::background());
  const api::Time now = apimachinery::to_api_time(scope.now);
  bool lost = false;
  Mutation change = [&](api::Object& object) -> Result<Unit> {
    const api::Object before = object;
    auto& service = object.as<APIService>();
    lost = false;
    const bool was_available = rules::condition_is(service.status.conditions, condition.type, "True");
    if (service.metadata.uid != uid || !set_condition(service.status, condition, now)) return Unit{};
    lost = was_available && condition.status != "True";
    const apimachinery::FieldWriter writer{
        .manager = "kube-apiserver", .api_version = "apiregistration.k8s.io/v1", .subresource = "status", .now = now};
    apimachinery::track_update(before, object, writer);
    return Unit{};
  };
  const std::string none, service = name;
  const auto written = co_await deps_.registry.update(scope, api_services, none, std::move(name), "status", std::move(change));
  if (written && lost) became_unavailable_.with({service, condition.reason}).add();
  co_return settled(written);
}

}  // namespace pintle::apiserver::aggregation
