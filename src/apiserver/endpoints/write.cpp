// POST and PUT of objects.
#include "apimachinery/apply/managed_fields.h"
#include "apiserver/endpoints/field_tracking.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/body.h"

namespace pintle::apiserver {

Result<WriteParameters> ResourceHandler::write_parameters(Exchange& exchange, WriteKind kind) const {
  TRY_ASSIGN(WriteParameters parameters, parse_write_parameters(exchange.query, kind));
  exchange.scope.dry_run = parameters.dry_run;
  exchange.scope.field_manager = apimachinery::manager_name(parameters.field_manager, exchange.request.headers.get("user-agent"));
  return parameters;
}

rt::Task<Result<api::Object>> ResourceHandler::read_object(Exchange& exchange, const api::KindInfo& kind, WriteKind write) {
  CO_TRY_ASSIGN(const Media media, body_media(exchange.request.headers.get("content-type")));
  CO_TRY_ASSIGN(const Bytes body, co_await read_body(exchange));
  CO_TRY_ASSIGN(const WriteParameters parameters, write_parameters(exchange, write));
  const BodyRules rules{.kind = kind, .validation = parameters.validation, .defaults = true, .any_version = false};
  co_return decode_body(body.view(), media, rules, exchange.scope.warnings);
}

rt::Task<Result<Unit>> ResourceHandler::may_create(Exchange& exchange) {
  if (authorizer_ == nullptr) co_return Unit{};
  AuthorizationAttributes attributes = *exchange.authorized;
  attributes.verb = "create";
  const AuthorizationResult result = co_await authorizer_->authorize(exchange.ctx, attributes);
  if (result.decision == Decision::Allow) co_return Unit{};
  co_return Unexpected(forbidden(attributes, result.reason));
}

rt::Task<void> ResourceHandler::create(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto object = co_await read_object(exchange, *found.version->kind, WriteKind::Create);
  if (!object) {
    co_await answer_failure(exchange, object.error());
    co_return;
  }
  const auto& meta = object_meta(*object);
  if (!meta.namespace_.empty() && found.resource->namespaced() && meta.namespace_ != exchange.scope.ns) {
    co_await answer_failure(exchange, Reason::BadRequest, "the namespace of the provided object does not match the namespace sent on the request");
    co_return;
  }
  auto tracked = to_tracked_storage(*found.resource, *found.version, nullptr, exchange.scope, std::move(*object), nullptr);
  if (!tracked) {
    co_await answer_failure(exchange, tracked.error());
    co_return;
  }
  auto written = co_await found.store->create(exchange.scope, std::move(*tracked));
  if (!written) {
    co_await answer_failure(exchange, written.error());
    co_return;
  }
  co_await answer_object(exchange, *form, 201, std::move(written->object));
}

rt::Task<void> ResourceHandler::update(Exchange& exchange, Found found, const PartSubresource* part) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto object = co_await read_object(exchange, *found.version->kind, WriteKind::Update);
  if (!object) {
    co_await answer_failure(exchange, object.error());
    co_return;
  }
  auto& meta = object_meta(*object);
  if (found.resource->namespaced() && meta.namespace_.empty()) meta.namespace_ = exchange.scope.ns;
  if (meta.name != exchange.info.name || (found.resource->namespaced() && meta.namespace_ != exchange.scope.ns)) {
    const std::string why =
        meta.name != exchange.info.name
            ? "the name of the object (" + meta.name + ") does not match the name on the URL (" + exchange.info.name + ")"
            : "the namespace of the object (" + meta.namespace_ + ") does not match the namespace on the URL (" + exchange.scope.ns + ")";
    co_await answer_failure(exchange, Reason::BadRequest, why);
    co_return;
  }
  UpdateRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.part = part;
  if (part == nullptr && found.resource->definition().allow_create_on_update) request.may_create = [this, &exchange] { return may_create(exchange); };
  request.check_uid = true;
  const api::Object sent = std::move(*object);
  request.transform = [&](const api::Object* existing) {
    return to_tracked_storage(*found.resource, *found.version, part, exchange.scope, sent, existing);
  };
  auto written = co_await found.store->update(exchange.scope, std::move(request));
  if (!written) {
    co_await answer_failure(exchange, written.error());
    co_return;
  }
  const int status = written->created ? 201 : 200;
  co_await answer_object(exchange, *form, status, std::move(written->object));
}

}  // namespace pintle::apiserver
