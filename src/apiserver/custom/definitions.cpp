#include "apiserver/custom/definitions.h"

#include <algorithm>

#include "api/codec.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/clock_time.h"
#include "apiserver/custom/custom_resource.h"
#include "apiserver/registry/resource_codec.h"
#include "component/log.h"
#include "rt/backoff.h"
#include "rules/conditions.h"

namespace pintle::apiserver::custom {
namespace {

using Names = api::apiextensions_v1::CustomResourceDefinitionNames;
using Status = api::apiextensions_v1::CustomResourceDefinitionStatus;

constexpr rt::Duration retry_initial = std::chrono::milliseconds(100);
constexpr rt::Duration retry_max = std::chrono::seconds(30);

const GroupResource& definitions_resource() {
  static const GroupResource resource{"apiextensions.k8s.io", "customresourcedefinitions"};
  return resource;
}

// Owned as what a client writes through the status subresource is.
void write_status(api::Object& object, Status status, api::Time now) {
  const api::Object before = object;
  object.as<Definition>().status = std::move(status);
  const apimachinery::FieldWriter writer{
      .manager = "kube-apiserver", .api_version = "apiextensions.k8s.io/v1", .subresource = "status", .now = now};
  apimachinery::track_update(before, object, writer);
}

template <class T>
bool same(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}

bool is_held(const Definition& definition) {
  return std::ranges::find(definition.metadata.finalizers, cleanup_finalizer) != definition.metadata.finalizers.end();
}

}  // namespace

Definitions::Definitions(registry::InstalledRegistry& registry) : registry_(registry) {}
Definitions::~Definitions() { CHECK(!tasks_, "await stop() before destroying Definitions"); }

rt::Task<Result<Unit>> Definitions::start() {
  registry_.reader().subscribe(definitions_resource(), [changes = changes_](const storage::CacheEvent& event) {
    ThreadLock lock(changes->mutex);
    if (changes->closed || !event.object) return;
    changes->names.emplace(event.object->header().name);
    changes->event.set();
  });
  // Names first: which of two definitions has one, the first start has decided.
  for (const auto& cached : registry_.reader().list(definitions_resource(), "")) {
    CO_TRY_ASSIGN(const api::Object object, registry_.reader().decode(definitions_resource(), *cached));
    const Definition& definition = object.as<Definition>();
    accepted_[definition.spec.group][definition.metadata.name] = definition.status.accepted_names;
  }
  std::set<std::string> names;
  {
    ThreadLock lock(changes_->mutex);
    names.swap(changes_->names);
  }
  for (const std::string& name : names) {
    auto done = co_await look_at(name);
    if (!done) component::log::error("A custom resource is not served", done.error(), {{"definition", name}});
  }
  tasks_ = std::make_unique<rt::TaskGroup>();
  tasks_->spawn(follow(tasks_->context()));
  co_return Unit{};
}

rt::Task<void> Definitions::stop() {
  if (!tasks_) co_return;
  {
    ThreadLock lock(changes_->mutex);
    changes_->closed = true;
  }
  co_await tasks_->close();
  tasks_.reset();
}

rt::Task<void> Definitions::follow(rt::Context ctx) {
  rt::BackoffOptions options;
  options.initial = retry_initial;
  options.max = retry_max;
  rt::Backoff backoff(options);
  while (true) {
    auto woken = co_await changes_->event.wait(ctx);
    if (!woken) co_return;
    std::set<std::string> names;
    {
      ThreadLock lock(changes_->mutex);
      changes_->event.reset();
      names.swap(changes_->names);
    }
    bool failed = false;
    for (const std::string& name : names) {
      auto done = co_await look_at(name);
      if (ctx.done()) co_return;
      if (done) continue;
      if (done.error().reason != Reason::Conflict)  // objects that somebody's finalizers hold
        component::log::error("A definition of custom resources could not be acted on, and is tried again", done.error(), {{"definition", name}});
      failed = true;
      ThreadLock lock(changes_->mutex);
      changes_->names.insert(name);
    }
    if (!failed) {
      backoff.reset();
      continue;
    }
    auto slept = co_await rt::sleep_for(ctx, backoff.next(rt::Executor::current().runtime().random()));
    if (!slept) co_return;
    changes_->event.set();
  }
}

rt::Task<Result<Unit>> Definitions::look_at(const std::string& name) {
  auto found = registry_.reader().get(definitions_resource(), "", name);
  if (!found) {
    if (found.error().reason != Reason::NotFound) co_return Unexpected(found.error());
    co_await forget(name);
    co_return Unit{};
  }
  const Definition definition = found->as<Definition>();
  if (definition.metadata.deletion_timestamp) {
    if (!is_held(definition)) co_return Unit{};
    co_return co_await clear_away(definition);
  }
  CO_TRY(co_await settle_status(definition));
  if (rules::condition_is(definition.status.conditions, "Established", "True")) co_return co_await serve(definition);
  co_return Unit{};
}

TakenNames Definitions::taken_by_others(const Definition& definition) const {
  TakenNames taken;
  if (const auto group = accepted_.find(definition.spec.group); group != accepted_.end())
    for (const auto& [name, names] : group->second)
      if (name != definition.metadata.name) taken.add(names);
  return taken;
}

// The write brings another look.
rt::Task<Result<Unit>> Definitions::settle_status(const Definition& definition) {
  RequestScope scope = registry_.own_scope(rt::Context::background());
  const api::Time now = apimachinery::to_api_time(scope.now);
  const Status wanted = with_names(definition, taken_by_others(definition), now);
  accepted_[definition.spec.group][definition.metadata.name] = wanted.accepted_names;
  if (same(wanted, definition.status)) co_return Unit{};
  const std::string version = definition.metadata.resource_version;
  Mutation change = [&](api::Object& object) -> Result<Unit> {
    if (object.as<Definition>().metadata.resource_version == version) write_status(object, wanted, now);
    return Unit{};
  };
  auto written = co_await registry_.update(scope, definitions_resource(), "", definition.metadata.name, "status", std::move(change));
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(written.error());
  co_return Unit{};
}

rt::Task<Result<Unit>> Definitions::serve(const Definition& definition) {
  const auto known = served_.find(definition.metadata.name);
  if (known != served_.end() && known->second.uid == definition.metadata.uid && known->second.generation == definition.metadata.generation &&
      same(known->second.names, definition.status.accepted_names))
    co_return Unit{};
  CO_TRY_ASSIGN(CustomResource made, make_resource(definition));
  const GroupResource name = made.resource->name();
  CO_TRY(co_await registry_.install_custom(std::move(made.resource), std::move(made.described)));
  served_[definition.metadata.name] = {name, definition.metadata.uid, definition.metadata.generation, definition.status.accepted_names};
  co_return Unit{};
}

rt::Task<Result<Unit>> Definitions::clear_away(const Definition& definition) {
  RequestScope scope = registry_.own_scope(rt::Context::background());
  const GroupResource resource{definition.spec.group, definition.status.accepted_names.plural};
  std::string why;
  std::size_t left = 0;
  if (!resource.resource.empty() && served_.contains(definition.metadata.name)) {
    for (const auto& object : registry_.reader().list(resource, "")) {
      std::string ns(object->header().ns), object_name(object->header().name);
      Registry::RemoveOptions options;
      auto removed = co_await registry_.remove(scope, resource, std::move(ns), std::move(object_name), std::move(options));
      if (!removed && removed.error().reason != Reason::NotFound) why = removed.error().message;
    }
    left = registry_.reader().list(resource, "").size();
  }
  const api::Time now = apimachinery::to_api_time(scope.now);
  const bool done = why.empty() && left == 0;
  Mutation tell = [&](api::Object& object) -> Result<Unit> {
    Status status = object.as<Definition>().status;
    set_terminating(status, !why.empty() ? Terminating::Failed : done ? Terminating::Done : Terminating::Begun, why, now);
    write_status(object, std::move(status), now);
    return Unit{};
  };
  auto told = co_await registry_.update(scope, definitions_resource(), "", definition.metadata.name, "status", std::move(tell));
  if (!told) co_return told.error().reason == Reason::NotFound ? Result<Unit>(Unit{}) : Unexpected(told.error());
  if (!done) co_return error(Reason::Conflict, why.empty() ? std::to_string(left) + " objects are still there" : why);
  co_await forget(definition.metadata.name);
  Mutation let_go = [](api::Object& object) -> Result<Unit> {
    std::erase(object.as<Definition>().metadata.finalizers, cleanup_finalizer);
    return Unit{};
  };
  auto gone = co_await registry_.update(scope, definitions_resource(), "", definition.metadata.name, "*", std::move(let_go));
  if (!gone && gone.error().reason != Reason::NotFound) co_return Unexpected(gone.error());
  co_return Unit{};
}

rt::Task<void> Definitions::forget(const std::string& name) {
  for (auto& [group, definitions] : accepted_) definitions.erase(name);
  const auto known = served_.find(name);
  if (known == served_.end()) co_return;
  const GroupResource resource = known->second.resource;
  served_.erase(known);
  co_await registry_.remove_custom(resource);
}

}  // namespace pintle::apiserver::custom
