// POST and PUT of objects; patch.cpp has PATCH.
#include "apiserver/endpoints/writes.h"

#include "apiserver/endpoints/field_tracking.h"
#include "apiserver/endpoints/object_answers.h"
#include "apiserver/endpoints/write_request.h"

namespace pintle::apiserver::endpoints {

namespace {

// It is the object that the path names.
Result<Unit> check_address(const api::meta_v1::ObjectMeta& meta, const exchange::Exchange& exchange, bool namespaced) {
  const std::string& name = exchange.info.name;
  const std::string& ns = exchange.scope.ns;
  if (meta.name != name) return bad_request("the name of the object (" + meta.name + ") does not match the name on the URL (" + name + ")");
  if (namespaced && meta.namespace_ != ns)
    return bad_request("the namespace of the object (" + meta.namespace_ + ") does not match the namespace on the URL (" + ns + ")");
  return Unit{};
}

}  // namespace

rt::Task<Result<Unit>> Writes::may_create(exchange::Exchange& exchange) const {
  if (authorizer_ == nullptr) co_return Unit{};
  authorization::AuthorizationAttributes attributes = *exchange.authorized;
  attributes.verb = "create";
  const authorization::AuthorizationResult result = co_await authorizer_->authorize(exchange.ctx, attributes);
  if (result.decision == authorization::Decision::Allow) co_return Unit{};
  co_return Unexpected(authorization::forbidden(attributes, result.reason));
}

rt::Task<Result<Unit>> Writes::create(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  CO_TRY_ASSIGN(api::Object object, read_object(exchange, *found.version, WriteKind::Create));
  const auto& meta = registry::object_meta(object);
  if (!meta.namespace_.empty() && found.resource->namespaced() && meta.namespace_ != exchange.scope.ns)
    co_return bad_request("the namespace of the provided object does not match the namespace sent on the request");
  exchange.scope.unlabelled = meta.labels.empty();
  CO_TRY_ASSIGN(object, to_tracked_storage(*found.resource, *found.version, nullptr, exchange.scope, std::move(object), nullptr));
  CO_TRY_ASSIGN(registry::Written written, co_await found.store->create(exchange.scope, std::move(object)));
  co_return co_await answer_written(exchange, form, 201, std::move(written));
}

rt::Task<Result<Unit>> Writes::update(exchange::Exchange& exchange, registry::InstalledRegistry::Found found, const registry::PartSubresource* part) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  CO_TRY_ASSIGN(api::Object sent, read_object(exchange, *found.version, WriteKind::Update));
  const bool namespaced = found.resource->namespaced();
  auto& meta = registry::object_meta(sent);
  if (namespaced && meta.namespace_.empty()) meta.namespace_ = exchange.scope.ns;
  CO_TRY(check_address(meta, exchange, namespaced));
  registry::UpdateRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.part = part;
  if (part == nullptr && found.resource->definition().allow_create_on_update) request.may_create = [this, &exchange] { return may_create(exchange); };
  request.check_uid = true;
  registry::OtherVersions others;
  request.others = &others;
  request.transform = [&](const api::Object* existing) {
    return to_tracked_storage(*found.resource, *found.version, part, exchange.scope, sent, existing, &others);
  };
  CO_TRY_ASSIGN(registry::Written written, co_await found.store->update(exchange.scope, std::move(request)));
  const int status = written.created ? 201 : 200;
  co_return co_await answer_written(exchange, form, status, std::move(written));
}

}  // namespace pintle::apiserver::endpoints
