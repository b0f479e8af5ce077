#include "apiserver/registry/admission_gate.h"

#include "apiserver/registry/action.h"

namespace pintle::apiserver::registry {

admission::AdmissionAttributes request_attributes(RequestScope& scope, admission::Operation operation) {
  admission::AdmissionAttributes attributes;
  attributes.operation = operation;
  attributes.resource = {scope.group, scope.resource};
  attributes.version = scope.version;
  attributes.subresource = scope.subresource;
  attributes.ns = scope.ns;
  attributes.name = scope.name;
  attributes.user = &scope.user;
  attributes.dry_run = scope.dry_run;
  attributes.unlabelled = &scope.unlabelled;
  attributes.warnings = &scope.warnings;
  if (scope.operation_options) attributes.options = &scope.operation_options;
  return attributes;
}

rt::Task<Result<api::Object>> AdmissionGate::act(RequestScope& scope, api::GroupVersionKind kind, Action& action, api::Object body) const {
  admission::AdmissionAttributes attributes = request_attributes(scope, admission::Operation::Create);
  attributes.kind = kind;
  attributes.object = &body;
  CO_TRY(co_await plugins_.admit(scope.ctx, attributes));
  CO_TRY(action.prepare(scope, body));
  attributes.dry_run = scope.dry_run;
  CO_TRY(co_await plugins_.validate(scope.ctx, attributes));
  Admitted admitted(std::move(body));
  co_return co_await action.run(scope, std::move(admitted));
}

rt::Task<Result<Admitted>> AdmissionGate::connect(RequestScope& scope, api::GroupVersionKind kind, api::Object options) const {
  admission::AdmissionAttributes attributes = request_attributes(scope, admission::Operation::Connect);
  attributes.kind = kind;
  attributes.object = &options;
  CO_TRY(co_await plugins_.admit(scope.ctx, attributes));
  CO_TRY(co_await plugins_.validate(scope.ctx, attributes));
  co_return Admitted(std::move(options));
}

}  // namespace pintle::apiserver::registry
