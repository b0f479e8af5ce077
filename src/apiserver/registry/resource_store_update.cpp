// UPDATE and PATCH: newest state → transform → guards → admission → preparation → validation → guarded write; again
// from the start when another write came first.
#include "api/codec.h"
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/object_validation.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/registry/version_shape.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::registry {

namespace {

// A PUT or an apply that makes its object is a create for admission.
api::Object create_options(const api::Object& options) {
  if (!options.is<api::meta_v1::UpdateOptions>()) return options;
  const auto& update = options.as<api::meta_v1::UpdateOptions>();
  api::meta_v1::CreateOptions out;
  out.dry_run = update.dry_run;
  out.field_manager = update.field_manager;
  out.field_validation = update.field_validation;
  return api::Object::of(std::move(out));
}

}  // namespace

rt::Task<Result<Written>> ResourceStore::update(RequestScope& scope, UpdateRequest request) {
  const std::string key = resource_.key(request.ns, request.name);
  for (int attempt = 0; attempt < update_attempts_max; ++attempt) {
    auto tried = co_await try_update(scope, request, key);
    if (!tried) co_return Unexpected(std::move(tried.error()));
    if (*tried) co_return std::move(**tried);
  }
  co_return Unexpected(errors::conflict(resource_.name(), request.name, errors::modified_message));
}

rt::Task<Result<Unit>> ResourceStore::admit_update(RequestScope& scope, const UpdateRequest& request, AdmissionPhase phase, api::Object& object,
                                                   const api::Object& old) const {
  if (scope.internal) co_return Unit{};
  admission::AdmissionAttributes admission = attributes(scope, admission::Operation::Update);
  admission.object = &object;
  admission.old_object = &old;
  api::Object shown, shown_old;
  std::optional<ResourceVersions> view_versions;
  if (request.view) {
    admission.kind = request.view->kind;
    admission.versions = &view_versions.emplace(resource_, admission.kind);
    shown = request.view->show(object);
    shown_old = request.view->show(old);
    admission.object = &shown;
    admission.old_object = &shown_old;
  }
  if (phase == AdmissionPhase::Validate) co_return co_await deps_.admission.validate(scope.ctx, admission);
  CO_TRY(co_await deps_.admission.admit(scope.ctx, admission));
  if (request.view) request.view->take(object, shown);
  co_return Unit{};
}

// The revision that an update is based on: what the client says, or a webhook after it, must be the present one.
Result<Unit> ResourceStore::take_revision(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old_meta, std::string_view name) const {
  if (meta.resource_version.empty() || meta.resource_version == "0") {
    if (!resource_.definition().allow_unconditional_update) {
      FieldErrors problems;
      problems.invalid(FieldPath("metadata", "resourceVersion"), 0, "must be specified for an update");
      return Unexpected(problems.to_status(resource_.name().group, resource_.kind(), name));
    }
  } else if (meta.resource_version != old_meta.resource_version) {
    return Unexpected(errors::conflict(resource_.name(), name, errors::modified_message));
  }
  meta.resource_version = old_meta.resource_version;
  return Unit{};
}

// nullopt: another write came first.
rt::Task<Result<std::optional<Written>>> ResourceStore::try_update(RequestScope& scope, const UpdateRequest& request, const std::string& key) {
  CO_TRY_ASSIGN(const auto cached, co_await newest(scope.ctx, key));
  if (!cached) {
    if (!request.may_create) co_return Unexpected(not_found(request.name));
    CO_TRY(co_await request.may_create());
    CO_TRY_ASSIGN(api::Object fresh, request.transform(nullptr));
    if (const std::string& uid = codec_.metadata(fresh).uid; request.check_uid && !uid.empty())
      co_return Unexpected(errors::conflict(resource_.name(), request.name,
                                            "StorageError: invalid object, Code: 4, Key: " + key +
                                                ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: " + uid +
                                                ", UID in object meta: "));
    std::string& name = codec_.metadata(fresh).name;
    if (name.empty()) name = request.name;
    if (name != request.name)
      co_return bad_request("the name of the object (" + name + ") does not match the name on the URL (" + request.name + ")");
    api::Object update_options = std::exchange(scope.operation_options, create_options(scope.operation_options));
    auto created = co_await create_from(scope, std::move(fresh), Origin::Put);
    scope.operation_options = std::move(update_options);
    if (created) co_return std::optional<Written>(std::move(*created));
    if (created.error().reason == Reason::AlreadyExists) co_return std::nullopt;
    co_return Unexpected(std::move(created.error()));
  }
  CO_TRY_ASSIGN(Present before, co_await present(scope, cached));
  api::Object& old = before.object;
  resource_.strategy().set_defaults(old);
  CO_TRY_ASSIGN(api::Object object, co_await transformed(scope, request, before));

  auto& meta = codec_.metadata(object);
  const auto& old_meta = codec_.metadata(old);
  if (meta.name.empty()) meta.name = request.name;
  if (meta.name != old_meta.name)
    co_return bad_request("the name of the object (" + meta.name + ") does not match the name on the URL (" + old_meta.name + ")");
  if (meta.namespace_.empty()) meta.namespace_ = old_meta.namespace_;
  if (meta.namespace_ != old_meta.namespace_)
    co_return bad_request("the namespace of the object (" + meta.namespace_ + ") does not match the namespace on the URL (" + old_meta.namespace_ +
                          ")");
  if (request.check_uid && !meta.uid.empty() && meta.uid != old_meta.uid)
    co_return Unexpected(errors::conflict(resource_.name(), request.name,
                                          "Precondition failed: UID in precondition: " + meta.uid + ", UID in object meta: " + old_meta.uid));
  CO_TRY(co_await admit_update(scope, request, AdmissionPhase::Mutate, object, old));
  if (codec_.metadata(object).namespace_ != old_meta.namespace_)
    co_return bad_request("the namespace of the provided object does not match the namespace sent on the request");
  CO_TRY(take_revision(codec_.metadata(object), old_meta, request.name));
  Finish finish;
  if (!request.raw) {
    keep_system_metadata(codec_.metadata(object), old_meta);
    deps_.gated_fields.drop(object, &old);
    if (request.part == nullptr) {
      prepare_changed(resource_, object, old);
      resource_.strategy().prepare_for_update(scope, object, old);
      if (resource_.strategy().has_begin()) {
        CO_TRY_ASSIGN(finish, co_await resource_.strategy().begin_update(scope, object, old));
      }
    } else if (request.part->strategy) {
      request.part->strategy->prepare_for_update(scope, object, old);
      raise_generation(resource_, object, old);
    } else {
      keep_all_but_status(object, old);
    }
  }
  auto finished = co_await finish_update(scope, request, key, object, before, cached->revision());
  if (finish) finish(finished.has_value() && finished->has_value() && !scope.dry_run);
  co_return finished;
}

rt::Task<Result<std::optional<Written>>> ResourceStore::finish_update(RequestScope& scope, const UpdateRequest& request, const std::string& key,
                                                                      api::Object& object, const Present& before, int64_t revision) {
  const api::Object& old = before.object;
  const Strategy& strategy = request.part && request.part->strategy ? *request.part->strategy : resource_.strategy();
  if (!request.raw) {
    FieldErrors problems;
    const bool main = request.part == nullptr;
    validate_changed_metadata(object, old, main, problems);
    if (main || request.part->strategy) {
      if (main && strategy.validate_update_includes_validate()) strategy.validate(scope, object, problems);
      strategy.validate_update(scope, object, old, problems);
    }
    if (scope.subresource != "status") deps_.forbidden_fields.check(object, &old, problems);
    if (main && problems.empty()) validate_by_schema(object, &old, problems);
    if (!problems.empty()) co_return Unexpected(problems.to_status(resource_.name().group, resource_.kind(), codec_.metadata(object).name));
    if (strategy.has_check()) CO_TRY(co_await strategy.check(scope, object, &old));
    strategy.warnings(scope, object, &old, scope.warnings);
    strategy.canonicalize(object);
  }
  CO_TRY(co_await admit_update(scope, request, AdmissionPhase::Validate, object, old));
  if (before.version->shape != nullptr) before.version->shape->prune(object);

  Written written;
  auto& meta = codec_.metadata(object);
  const auto& old_meta = codec_.metadata(old);
  const bool last_finalizer_gone = old_meta.deletion_timestamp && meta.finalizers.empty() &&
                                   old_meta.deletion_grace_period_seconds.value_or(0) == 0 && resource_.strategy().may_remove(object);
  if (last_finalizer_gone) {
    CO_TRY_ASSIGN(auto removed, co_await remove_now(scope, key, std::move(object), revision));
    if (!removed) co_return std::nullopt;
    written.object = std::move(removed->object);
    co_return std::optional<Written>(std::move(written));
  }
  const bool unchanged = api::equal(object.type(), object.data(), old.data());
  if (scope.dry_run && !cached_versions_->differ()) {
    written.object = std::move(object);
    co_return std::optional<Written>(std::move(written));
  }
  CO_TRY_ASSIGN(Bytes form, co_await stored_form(scope, object, *before.version));
  // What would not change is written all the same if it would be stored in another form: in another version, or with defaults that are new.
  bool kept = scope.dry_run;
  if (unchanged && !kept) {
    CO_TRY_ASSIGN(kept, co_await is_stored(scope, key, revision, form));
  }
  if (!kept) {
    storage::PutOptions options;
    options.ttl_seconds = resource_.strategy().ttl_seconds(scope, object);
    auto stored = co_await deps_.store.update(scope.ctx, key, form, revision, options);
    if (!stored) {
      if (stored.error().reason == Reason::Conflict || stored.error().reason == Reason::NotFound) co_return std::nullopt;
      co_return Unexpected(std::move(stored.error()));
    }
    revision = stored->mod_revision;
    meta.resource_version = std::to_string(revision);
    co_await await_own_write(scope.ctx, revision);
  }
  if (scope.dry_run) revision = 0;  // of what is not there
  CO_TRY(co_await read_back(scope, key, std::move(form), revision, *before.version, object));
  written.object = std::move(object);
  written.cached = cached_write(key, revision);
  co_return std::optional<Written>(std::move(written));
}

}  // namespace pintle::apiserver::registry
