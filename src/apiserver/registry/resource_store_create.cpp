// CREATE: name → admission → preparation → validation → store.
#include "apiserver/registry/object_steps.h"
#include "apiserver/registry/object_validation.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/registry/version_shape.h"
#include "apiserver/types/errors.h"
#include "base/parse_number.h"

namespace pintle::apiserver::registry {

namespace {

// A revision other than 0; what is no number says nothing, as upstream reads it.
bool states_revision(std::string_view version) { return parse_number<uint64_t>(version).value_or(0) != 0; }

}  // namespace

// An object is in the namespace of its request.
Result<Unit> ResourceStore::check_namespace(RequestScope& scope, api::meta_v1::ObjectMeta& meta) const {
  if (!resource_.namespaced()) {
    meta.namespace_.clear();
    return Unit{};
  }
  if (meta.namespace_.empty()) meta.namespace_ = scope.ns;
  if (meta.namespace_ == scope.ns) return Unit{};
  return bad_request("the namespace of the object (" + meta.namespace_ + ") does not match the namespace of the request (" + scope.ns + ")");
}

// Before the object has a name of its own, if the server is to draw one: whoever is asked may still give it another.
rt::Task<Result<Unit>> ResourceStore::admit_create(RequestScope& scope, api::Object& object) {
  if (scope.internal) co_return Unit{};
  admission::AdmissionAttributes admission = attributes(scope, admission::Operation::Create);
  admission.object = &object;
  CO_TRY(co_await deps_.admission.admit(scope.ctx, admission));
  CO_TRY(check_namespace(scope, codec_.metadata(object)));
  scope.name = codec_.metadata(object).name;
  co_return Unit{};
}

rt::Task<Result<Written>> ResourceStore::create(RequestScope& scope, api::Object object) {
  return create_from(scope, std::move(object), Origin::Post);
}

rt::Task<Result<Written>> ResourceStore::create_from(RequestScope& scope, api::Object object, Origin origin) {
  if (resource_.closed())
    co_return Unexpected(
        errors::forbidden(resource_.name(), codec_.metadata(object).name, "create not allowed while custom resource definition is terminating"));
  clear_system_metadata(codec_.metadata(object));
  CO_TRY(check_namespace(scope, codec_.metadata(object)));
  scope.name = codec_.metadata(object).name;
  CO_TRY(co_await admit_create(scope, object));
  const auto& meta = codec_.metadata(object);
  if (!meta.name.empty() || meta.generate_name.empty()) co_return co_await create_named(scope, std::move(object), origin);
  scope.unlabelled = false;  // as upstream's copies, whose labels no longer follow
  // Another object may hold the name that was drawn: draw again.
  for (int attempt = 1;; ++attempt) {
    api::Object named = object;
    codec_.metadata(named).name = generated_name(meta.generate_name, deps_.runtime.random());
    scope.name = codec_.metadata(named).name;
    auto written = co_await create_named(scope, std::move(named), origin);
    if (written || written.error().reason != Reason::AlreadyExists || attempt == generate_name_attempts_max) co_return written;
  }
}

rt::Task<Result<Written>> ResourceStore::create_named(RequestScope& scope, api::Object object, Origin origin) {
  const Strategy& strategy = resource_.strategy();
  auto& meta = codec_.metadata(object);
  fill_new_metadata(meta, scope.now, deps_.runtime.random());
  prepare_new(resource_, object);
  deps_.gated_fields.drop(object, nullptr);
  strategy.prepare_for_create(scope, object);

  Finish finish;
  if (strategy.has_begin()) {
    CO_TRY_ASSIGN(finish, co_await strategy.begin_create(scope, object));
  }
  auto stored = co_await finish_create(scope, object, origin);
  if (finish) finish(stored.has_value() && !scope.dry_run);
  if (!stored) co_return Unexpected(std::move(stored.error()));
  Written written;
  written.object = std::move(object);
  written.created = true;
  written.cached = std::move(*stored);
  co_return written;
}

rt::Task<Result<storage::CachedObjectPtr>> ResourceStore::finish_create(RequestScope& scope, api::Object& object, Origin origin) {
  const Strategy& strategy = resource_.strategy();
  const std::string name = codec_.metadata(object).name;
  FieldErrors problems;
  validate_new_metadata(resource_, object, problems);
  strategy.validate(scope, object, problems);
  deps_.forbidden_fields.check(object, nullptr, problems);
  if (problems.empty()) validate_by_schema(object, nullptr, problems);
  if (!problems.empty()) co_return Unexpected(problems.to_status(resource_.name().group, resource_.kind(), name));
  if (strategy.has_check()) CO_TRY(co_await strategy.check(scope, object, nullptr));
  strategy.warnings(scope, object, nullptr, scope.warnings);
  strategy.canonicalize(object);
  if (!scope.internal) {
    admission::AdmissionAttributes admission = attributes(scope, admission::Operation::Create);
    admission.object = &object;
    CO_TRY(co_await deps_.admission.validate(scope.ctx, admission));
  }

  const std::string key = resource_.key(scope.ns, name);
  const VersionBinding& version = working_version(scope);
  if (version.shape != nullptr) version.shape->prune(object);
  if (scope.dry_run) {
    CO_TRY_ASSIGN(const auto existing, co_await newest(scope.ctx, key));
    if (existing) co_return Unexpected(errors::already_exists(resource_.name(), name));
    if (!cached_versions_->differ()) co_return nullptr;
    CO_TRY_ASSIGN(Bytes form, co_await stored_form(scope, object, version));
    CO_TRY(co_await read_back(scope, key, std::move(form), 0, version, object));
    co_return nullptr;
  }
  if (origin == Origin::Post && states_revision(codec_.metadata(object).resource_version))
    co_return error(Reason::Unknown, "resourceVersion should not be set on objects to be created");
  storage::PutOptions options;
  options.ttl_seconds = strategy.ttl_seconds(scope, object);
  CO_TRY_ASSIGN(Bytes form, co_await stored_form(scope, object, version));
  auto written = co_await deps_.store.create(scope.ctx, key, form, options);
  if (!written) {
    if (written.error().reason == Reason::AlreadyExists) co_return Unexpected(errors::already_exists(resource_.name(), name));
    co_return Unexpected(std::move(written.error()));
  }
  codec_.metadata(object).resource_version = std::to_string(written->mod_revision);
  co_await await_own_write(scope.ctx, written->mod_revision);
  CO_TRY(co_await read_back(scope, key, std::move(form), written->mod_revision, version, object));
  co_return cached_write(key, written->mod_revision);
}

}  // namespace pintle::apiserver::registry
