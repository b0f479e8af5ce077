// DELETE: preconditions → grace → finalizers of the garbage collector → mark, or remove.
#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/types/errors.h"
#include "rt/far_time.h"

namespace pintle::apiserver::registry {

namespace {

constexpr std::string_view orphan_finalizer = "orphan";
constexpr std::string_view foreground_finalizer = "foregroundDeletion";

struct Propagation {
  bool orphan = false;
  bool foreground = false;
};

// What the client asked for, else what the object's own finalizers say, else the resource's default.
Propagation propagation(const Resource& resource, const RemoveRequest& request, const api::meta_v1::ObjectMeta& meta) {
  if (resource.definition().no_garbage_collection) return {};
  if (request.orphan_dependents) return {.orphan = *request.orphan_dependents, .foreground = false};
  if (request.propagation_policy == "Orphan") return {.orphan = true, .foreground = false};
  if (request.propagation_policy == "Foreground") return {.orphan = false, .foreground = true};
  if (request.propagation_policy == "Background") return {};
  const auto has = [&](std::string_view name) { return std::find(meta.finalizers.begin(), meta.finalizers.end(), name) != meta.finalizers.end(); };
  if (has(orphan_finalizer)) return {.orphan = true, .foreground = false};
  if (has(foreground_finalizer)) return {.orphan = false, .foreground = true};
  return {.orphan = resource.definition().orphan_by_default, .foreground = false};
}

void set_collector_finalizers(api::meta_v1::ObjectMeta& meta, Propagation propagation) {
  std::erase_if(meta.finalizers, [&](const std::string& name) {
    return (name == orphan_finalizer && !propagation.orphan) || (name == foreground_finalizer && !propagation.foreground);
  });
  const auto add = [&](std::string_view name) {
    if (std::find(meta.finalizers.begin(), meta.finalizers.end(), name) == meta.finalizers.end()) meta.finalizers.emplace_back(name);
  };
  if (propagation.orphan) add(orphan_finalizer);
  if (propagation.foreground) add(foreground_finalizer);
}

enum class Grace {
  None,     // the resource knows none, or it is over
  Begun,    // set, or shortened
  Spent,    // nothing to wait for: marked, and to be removed at once
  Pending,  // as it was
};

// Sets or shortens the grace period of what knows one.
Grace take_grace(const Resource& resource, const RequestScope& scope, const RemoveRequest& request, Propagation propagation, api::Object& object) {
  auto& meta = object_meta(object);
  if (meta.deletion_timestamp) {
    const int64_t left = meta.deletion_grace_period_seconds.value_or(0);
    if (left == 0) return Grace::None;
    if (!request.grace_period_seconds || *request.grace_period_seconds >= left) return Grace::Pending;
    const int64_t wanted = std::max<int64_t>(*request.grace_period_seconds, 0);
    meta.deletion_timestamp->seconds += rt::bounded_seconds(wanted) - rt::bounded_seconds(left);  // as mark_deleted() added it
    meta.deletion_grace_period_seconds = wanted;
    return wanted == 0 ? Grace::Spent : Grace::Begun;
  }
  DeleteSettings settings;
  settings.grace_period_seconds = request.grace_period_seconds.value_or(-1);
  settings.orphan = propagation.orphan;
  settings.foreground = propagation.foreground;
  const auto grace = resource.strategy().grace_period_seconds(scope, object, settings);
  if (!grace) return Grace::None;
  mark_deleted(resource, scope, object, *grace);
  return *grace == 0 ? Grace::Spent : Grace::Begun;
}

api::meta_v1::DeleteOptions* delete_options(api::Object& options) {
  return options && options.is<api::meta_v1::DeleteOptions>() ? &options.as<api::meta_v1::DeleteOptions>() : nullptr;
}

// Namespaces are deleted by their uid, whether the client names it or not, and admission is told so.
void name_the_one_meant(api::Object& options, const std::string& uid) {
  auto* const asked = delete_options(options);
  if (asked == nullptr) return;
  if (!asked->preconditions) asked->preconditions.emplace();
  if (!asked->preconditions->uid) asked->preconditions->uid = uid;
}

// In upstream's words; namespaces and definitions are deleted by ways of their own, which name the resource and not the kind.
Result<Unit> check_preconditions(const Resource& resource, const RemoveRequest& request, const api::meta_v1::ObjectMeta& meta) {
  const GroupResource& name = resource.name();
  const bool own_way = name == GroupResource{"", "namespaces"} || name == GroupResource{"apiextensions.k8s.io", "customresourcedefinitions"};
  const GroupResource shown{name.group, own_way ? name.resource : std::string(resource.kind())};
  const auto conflict = [&](const char* what, const std::string& asked, const std::string& is, const char* why) {
    return Unexpected(
        errors::conflict(shown, request.name,
                         own_way ? fmt::format("Precondition failed: {} in precondition: {}, {} in object meta: {}", what, asked, what, is)
                                 : fmt::format("the {} in the precondition ({}) does not match the {} in record ({}). The object might have "
                                               "been {}",
                                               what, asked, what, is, why)));
  };
  if (!request.uid.empty() && request.uid != meta.uid) return conflict("UID", request.uid, meta.uid, "deleted and then recreated");
  if (!request.resource_version.empty() && request.resource_version != meta.resource_version)
    return conflict("ResourceVersion", request.resource_version, meta.resource_version, "modified");
  return Unit{};
}

}  // namespace

rt::Task<Result<Removed>> ResourceStore::remove(RequestScope& scope, RemoveRequest request) {
  const std::string key = resource_.key(request.ns, request.name);
  for (int attempt = 0; attempt < update_attempts_max; ++attempt) {
    auto tried = co_await try_remove(scope, request, key);
    if (!tried) co_return Unexpected(std::move(tried.error()));
    if (*tried) co_return std::move(**tried);
  }
  co_return Unexpected(errors::conflict(resource_.name(), request.name, errors::modified_message));
}

rt::Task<Result<Unit>> ResourceStore::admit_remove(RequestScope& scope, const RemoveRequest& request, const api::Object& old) {
  if (scope.internal) co_return Unit{};
  admission::AdmissionAttributes admission = attributes(scope, admission::Operation::Delete);
  admission.old_object = &old;
  admission.name = request.collection ? "" : request.name;  // of a collection, nobody has named this one
  CO_TRY(co_await deps_.admission.admit(scope.ctx, admission));
  co_return co_await deps_.admission.validate(scope.ctx, admission);
}

// nullopt: another write came first.
rt::Task<Result<std::optional<Removed>>> ResourceStore::try_remove(RequestScope& scope, const RemoveRequest& request, const std::string& key) {
  CO_TRY_ASSIGN(const auto cached, co_await newest(scope.ctx, key));
  if (!cached) co_return Unexpected(not_found(request.name));
  CO_TRY_ASSIGN(const Present before, co_await present(scope, cached));
  const api::Object& old = before.object;
  const auto& old_meta = codec_.metadata(old);
  const bool by_resource = resource_.name() == GroupResource{"", "namespaces"};
  CO_TRY(check_preconditions(resource_, request, old_meta));
  CO_TRY(resource_.strategy().validate_delete(scope, old));
  api::Object object = old;
  auto& meta = codec_.metadata(object);
  const Propagation policy = propagation(resource_, request, old_meta);
  const Grace grace = take_grace(resource_, scope, request, policy, object);
  Removed removed;
  // Nobody is asked again about what goes already: a grace that is not shortened, a namespace that waits for its contents.
  if (grace == Grace::Pending || (by_resource && old_meta.deletion_timestamp && !resource_.strategy().may_remove(old))) {
    removed.object = std::move(object);
    co_return std::optional<Removed>(std::move(removed));
  }
  if (by_resource) name_the_one_meant(scope.operation_options, old_meta.uid);
  if (auto* const asked = delete_options(scope.operation_options); asked != nullptr && (grace == Grace::Begun || grace == Grace::Spent))
    asked->grace_period_seconds = meta.deletion_grace_period_seconds;
  CO_TRY(co_await admit_remove(scope, request, old));
  set_collector_finalizers(meta, policy);
  if ((grace == Grace::None || grace == Grace::Spent) && meta.finalizers.empty() && resource_.strategy().may_remove(object)) {
    // Upstream marks it, or finds that its finalizers need not be waited for, and asks anew before it removes it.
    const api::Object& left = grace == Grace::Spent ? object : old;
    if (!scope.dry_run && (grace == Grace::Spent || !old_meta.finalizers.empty())) CO_TRY(co_await admit_remove(scope, request, left));
    co_return co_await remove_now(scope, key, std::move(object), cached->revision());
  }
  if (grace == Grace::None) mark_deleted(resource_, scope, object, 0);
  if (api::equal(object.type(), object.data(), old.data()) || scope.dry_run) {
    removed.object = std::move(object);
    co_return std::optional<Removed>(std::move(removed));
  }
  CO_TRY_ASSIGN(Bytes form, co_await stored_form(scope, object, *before.version));
  auto stored = co_await deps_.store.update(scope.ctx, key, std::move(form), cached->revision());
  if (!stored) {
    if (stored.error().reason == Reason::Conflict || stored.error().reason == Reason::NotFound) co_return std::nullopt;
    co_return Unexpected(std::move(stored.error()));
  }
  meta.resource_version = std::to_string(stored->mod_revision);
  co_await await_own_write(scope.ctx, stored->mod_revision);
  removed.object = std::move(object);
  co_return std::optional<Removed>(std::move(removed));
}

rt::Task<Result<std::optional<Removed>>> ResourceStore::remove_now(RequestScope& scope, const std::string& key, api::Object object,
                                                                   int64_t revision) {
  Removed removed;
  removed.gone = true;
  if (!scope.dry_run) {
    auto gone = co_await deps_.store.remove(scope.ctx, key, revision);
    if (!gone) {
      if (gone.error().reason == Reason::Conflict || gone.error().reason == Reason::NotFound) co_return std::nullopt;
      co_return Unexpected(std::move(gone.error()));
    }
    codec_.metadata(object).resource_version = std::to_string(gone->mod_revision);
    co_await await_own_write(scope.ctx, gone->mod_revision);
    resource_.strategy().after_delete(scope, object);
  }
  removed.object = std::move(object);
  co_return std::optional<Removed>(std::move(removed));
}

rt::Task<Result<ListAnswer>> ResourceStore::remove_collection(RequestScope& scope, Selection selection, ListParameters parameters,
                                                              RemoveRequest request) {
  CO_TRY_ASSIGN(ListAnswer found, co_await list(scope.ctx, std::move(selection), std::move(parameters)));
  if (found.expired) co_return Unexpected(errors::expired_continue());
  for (const auto& item : found.items) {
    RemoveRequest one = request;
    one.ns = item->header().ns;
    one.name = item->header().name;
    one.collection = true;
    auto removed = co_await remove(scope, std::move(one));
    if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed.error()));
  }
  co_return found;
}

}  // namespace pintle::apiserver::registry
