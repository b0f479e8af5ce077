#include "apiserver/custom/definitions.h"

#include <algorithm>
#include <utility>

#include "api/codec.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/schema/structural_rules.h"
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
  const apimachinery::FieldWriter writer{.manager = "kube-apiserver", .api_version = "apiextensions.k8s.io/v1", .subresource = "status", .now = now};
  apimachinery::track_update(before, object, writer);
}

template <class T>
bool same(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}

// What keeps its schemas from being structural; definitions of old may be so, new ones are refused.
std::vector<std::string> structural_violations(const Definition& definition) {
  apimachinery::FieldErrors errors;
  const apimachinery::FieldPath spec("spec");
  if (definition.spec.preserve_unknown_fields) errors.invalid(spec.child("preserveUnknownFields"), true, "must be false");
  for (std::size_t i = 0; i < definition.spec.versions.size(); ++i) {
    const auto& schema = definition.spec.versions[i].schema;
    if (schema && schema->open_apiv_3_schema)
      (void)apimachinery::schema::validate_structural(*schema->open_apiv_3_schema, spec.child("versions").index(i).child("schema", "openAPIV3Schema"),
                                                      errors);
  }
  std::vector<std::string> out;
  for (const StatusCause& cause : errors.causes()) out.push_back(cause.field + ": " + cause.message);
  return out;
}

bool is_held(const Definition& definition) {
  return std::ranges::find(definition.metadata.finalizers, cleanup_finalizer) != definition.metadata.finalizers.end();
}

}  // namespace

Definitions::Definitions(registry::InstalledRegistry& registry, const ConversionDeps& conversion) : registry_(registry), conversion_(conversion) {}
Definitions::~Definitions() = default;

rt::Task<Result<Unit>> Definitions::start() {
  registry_.reader().subscribe(definitions_resource(), [changes = changes_](const storage::CacheEvent& event) {
    if (event.object) changes->names.add(event.object->header().name);
  });
  // Names first: which of two definitions has one, the first start has decided.
  for (const auto& cached : registry_.reader().list(definitions_resource(), "")) {
    CO_TRY_ASSIGN(const api::Object object, registry_.reader().decode(definitions_resource(), *cached));
    const Definition& definition = object.as<Definition>();
    accepted_[definition.spec.group][definition.metadata.name] = definition.status.accepted_names;
  }
  const std::set<std::string> names = changes_->names.take();
  loops_.start();
  for (const std::string& name : names) {
    auto done = co_await look_at(name);
    if (!done) component::log::error("A custom resource is not served", done.error(), {{"definition", name}});
  }
  registry::ChangedNames::Look look = [this](const std::string& name) { return look_at(name); };
  loops_.follow(changes_->names, std::move(look), {"A definition of custom resources could not be acted on, and is tried again", "definition"});
  co_return Unit{};
}

rt::Task<void> Definitions::stop() { co_await loops_.stop(); }

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
    Clearing& clearing = clearing_[name];
    clearing.again = true;
    if (!std::exchange(clearing.running, true)) loops_.spawn(clear(name));
    co_return Unit{};
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
  Status wanted = with_names(definition, taken_by_others(definition), now);
  set_structural(wanted, structural_violations(definition), now);
  Names& accepted = accepted_[definition.spec.group][definition.metadata.name];
  const bool freed = !same(accepted, wanted.accepted_names);
  accepted = wanted.accepted_names;
  auto& refused = refused_[definition.spec.group];
  if (rules::condition_is(wanted.conditions, "NamesAccepted", "True"))
    refused.erase(definition.metadata.name);
  else
    refused.insert(definition.metadata.name);
  if (freed) wake_refused(definition.spec.group);
  set_approval(wanted, definition, now);
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
  CO_TRY_ASSIGN(CustomResource made, make_resource(definition, conversion_));
  const GroupResource name = made.resource->name();
  const std::shared_ptr<const registry::Resource> form = made.resource;
  CO_TRY(co_await registry_.install_custom(std::move(made.resource), std::move(made.described)));
  served_[definition.metadata.name] = {name, definition.metadata.uid, definition.metadata.generation, definition.status.accepted_names, form};
  co_return Unit{};
}

rt::Task<void> Definitions::clear(std::string name) {
  const rt::Context ctx = loops_.context();
  rt::BackoffOptions options;
  options.initial = retry_initial;
  options.max = retry_max;
  rt::Backoff backoff(options);
  while (!ctx.done()) {
    auto found = registry_.reader().get(definitions_resource(), "", name);
    if (!found || !is_held(found->as<Definition>())) break;
    clearing_[name].again = false;
    const Definition definition = found->as<Definition>();
    auto done = co_await clear_away(definition);
    if (done) {
      if (clearing_[name].again) continue;
      clearing_[name].running = false;
      co_return;
    }
    if (ctx.done()) break;
    if (done.error().reason != Reason::Conflict)
      component::log::error("The objects of a definition could not be removed, which is tried again", done.error(), {{"definition", name}});
    auto slept = co_await rt::sleep_for(ctx, backoff.next(rt::Executor::current().runtime().random()));
    if (!slept) break;
  }
  clearing_.erase(name);
}

// Objects that several tasks ask to go, each the next one that is left.
struct Definitions::Removal {
  GroupResource resource;
  std::vector<storage::CachedObjectPtr> objects;
  std::size_t next = 0;
  std::string failed;  // why, of the last one that could not be asked
};

rt::Task<void> Definitions::remove_objects(Removal& removal) {
  const rt::Context ctx = loops_.context();
  RequestScope scope = registry_.own_scope(ctx);
  while (removal.next < removal.objects.size() && !ctx.done()) {
    const storage::CachedObjectPtr object = std::move(removal.objects[removal.next++]);
    std::string ns(object->header().ns), name(object->header().name);
    Registry::RemoveOptions options;
    auto removed = co_await registry_.remove(scope, removal.resource, std::move(ns), std::move(name), std::move(options));
    if (!removed && removed.error().reason != Reason::NotFound) removal.failed = removed.error().message;
  }
}

void Definitions::follow_objects(const std::string& name, const GroupResource& resource, const void* form) {
  Clearing& clearing = clearing_[name];
  if (std::exchange(clearing.followed, form) != form) {
    clearing.asked = false;
    registry_.reader().subscribe(resource, [changes = changes_, name](const storage::CacheEvent& event) {
      if (event.type == storage::CacheEventType::Modified) return;
      if (event.type == storage::CacheEventType::Added) {
        ThreadLock lock(changes->mutex);
        changes->strays.insert(name);
      }
      changes->names.add(name);
    });
  }
  ThreadLock lock(changes_->mutex);
  if (changes_->strays.erase(name) > 0) clearing.asked = false;
}

rt::Task<Result<Unit>> Definitions::clear_away(const Definition& definition) {
  const std::string& name = definition.metadata.name;
  if (rules::condition_is(definition.status.conditions, "Terminating", "False")) co_return co_await let_go(name);
  if (!served_.contains(name) && rules::condition_is(definition.status.conditions, "Established", "True"))
    CO_TRY(co_await serve(definition));  // the server has started anew meanwhile
  const auto served = served_.find(name);
  Removal removal;
  std::size_t left = 0;
  if (served != served_.end()) {
    removal.resource = served->second.resource;
    const std::shared_ptr<const registry::Resource> form = served->second.form;
    form->close();
    follow_objects(name, removal.resource, form.get());
    // All are asked once; then those that their finalizers hold are waited for.
    if (!clearing_[name].asked) {
      removal.objects = registry_.reader().list(removal.resource, "");
      rt::TaskGroup removers;
      for (std::size_t i = 0; i < std::min(removed_at_once_max, removal.objects.size()); ++i) removers.spawn(remove_objects(removal));
      co_await removers.join();
      if (loops_.context().done()) co_return Unexpected(loops_.context().status());
      clearing_[name].asked = removal.failed.empty();
    }
    left = registry_.find(removal.resource)->cache().count("");
  }
  const bool done = removal.failed.empty() && left == 0;
  RequestScope scope = registry_.own_scope(rt::Context::background());
  const api::Time now = apimachinery::to_api_time(scope.now);
  Mutation tell = [&](api::Object& object) -> Result<Unit> {
    Status status = object.as<Definition>().status;
    set_terminating(status, !removal.failed.empty() ? Terminating::Failed : done ? Terminating::Done : Terminating::Begun, removal.failed, now);
    if (!same(status, object.as<Definition>().status)) write_status(object, std::move(status), now);
    return Unit{};
  };
  auto told = co_await registry_.update(scope, definitions_resource(), "", name, "status", std::move(tell));
  if (!told) co_return told.error().reason == Reason::NotFound ? Result<Unit>(Unit{}) : Unexpected(told.error());
  if (!removal.failed.empty()) co_return error(Reason::Conflict, removal.failed);
  if (!done) co_return Unit{};
  co_return co_await let_go(name);
}

rt::Task<Result<Unit>> Definitions::let_go(const std::string& name) {
  co_await forget(name);
  RequestScope scope = registry_.own_scope(rt::Context::background());
  Mutation change = [](api::Object& object) -> Result<Unit> {
    std::erase(object.as<Definition>().metadata.finalizers, cleanup_finalizer);
    return Unit{};
  };
  auto gone = co_await registry_.update(scope, definitions_resource(), "", name, "*", std::move(change));
  if (!gone && gone.error().reason != Reason::NotFound) co_return Unexpected(gone.error());
  co_return Unit{};
}

void Definitions::look_again(std::string name) { changes_->names.add(name); }

void Definitions::wake_refused(const std::string& group) {
  const auto refused = refused_.find(group);
  if (refused == refused_.end()) return;
  for (const std::string& name : refused->second) look_again(name);
}

rt::Task<void> Definitions::forget(const std::string& name) {
  for (auto& [group, names] : refused_) names.erase(name);
  for (auto& [group, definitions] : accepted_)
    if (definitions.erase(name) > 0) wake_refused(group);
  const auto known = served_.find(name);
  if (known == served_.end()) co_return;
  const GroupResource resource = known->second.resource;
  served_.erase(known);
  co_await registry_.remove_custom(resource);
}

}  // namespace pintle::apiserver::custom
