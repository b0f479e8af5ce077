// DELETE of an object and of a collection.
#include "api/codec.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/body.h"
#include "apiserver/registry/delete_options.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver {

namespace {

constexpr api::GroupVersionKind status_kind{"", "v1", "Status"};
using api::meta_v1::DeleteOptions;

Result<DeleteOptions> options_of_query(const Query& query) {
  DeleteOptions options;
  TRY_ASSIGN(options.grace_period_seconds, query.integer("gracePeriodSeconds"));
  options.orphan_dependents = query.optional_boolean("orphanDependents");
  if (const auto policy = query.get("propagationPolicy"); !policy.empty()) options.propagation_policy = std::string(policy);
  for (const auto value : query.get_all("dryRun")) options.dry_run.emplace_back(value);
  return options;
}

}  // namespace

rt::Task<Result<RemoveRequest>> ResourceHandler::read_remove_request(Exchange& exchange) {
  CO_TRY_ASSIGN(const Bytes body, co_await read_body(exchange));
  DeleteOptions options;
  if (body.empty()) {
    CO_TRY_ASSIGN(options, options_of_query(exchange.query));
  } else {
    CO_TRY_ASSIGN(const Media media, body_media(exchange.request.headers.get("content-type")));
    const api::KindInfo* kind = api::find_kind("", "v1", "DeleteOptions");
    if (kind == nullptr) kind = api::kind_of(api::type_of<DeleteOptions>());
    const BodyRules rules{.kind = *kind, .validation = FieldValidation::Ignore, .defaults = false, .any_version = true};
    CO_TRY_ASSIGN(api::Object decoded, decode_body(body.view(), media, rules, exchange.scope.warnings));
    options = std::move(decoded.as<DeleteOptions>());
    if (options.dry_run.empty())
      for (const auto value : exchange.query.get_all("dryRun")) options.dry_run.emplace_back(value);
  }
  CO_TRY(check_delete_options(options));
  exchange.scope.dry_run = !options.dry_run.empty();
  RemoveRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.grace_period_seconds = options.grace_period_seconds;
  request.orphan_dependents = options.orphan_dependents;
  request.propagation_policy = options.propagation_policy.value_or("");
  if (options.preconditions) {
    request.uid = options.preconditions->uid.value_or("");
    request.resource_version = options.preconditions->resource_version.value_or("");
  }
  co_return request;
}

rt::Task<void> ResourceHandler::remove(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto request = co_await read_remove_request(exchange);
  if (!request) {
    co_await answer_failure(exchange, request.error());
    co_return;
  }
  if (found.resource->name() == GroupResource{"batch", "jobs"} && request->propagation_policy.empty() && !request->orphan_dependents)
    exchange.scope.warnings.push_back(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan "
        "to suppress this warning");
  auto removed = co_await found.store->remove(exchange.scope, std::move(*request));
  if (!removed) {
    co_await answer_failure(exchange, removed.error());
    co_return;
  }
  if (!removed->gone || found.resource->definition().return_deleted_object) {
    co_await answer_object(exchange, *form, 200, std::move(removed->object));
    co_return;
  }
  const auto& meta = object_meta(removed->object);
  api::meta_v1::Status status;
  status.status = "Success";
  auto& details = status.details.emplace();
  details.name = meta.name;
  details.group = found.resource->name().group;
  details.kind = found.resource->name().resource;
  details.uid = meta.uid;
  co_await answer(exchange, 200, content_type(form->output.media),
                  encode_answer(form->output.media, api::type_of<api::meta_v1::Status>(), &status, status_kind));
}

rt::Task<void> ResourceHandler::remove_collection(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto parameters = parse_list_parameters(exchange.query, false);
  if (!parameters) {
    co_await answer_failure(exchange, parameters.error());
    co_return;
  }
  auto selection = parse_selection(*found.resource, *found.version, *parameters, exchange.scope.ns);
  if (!selection) {
    co_await answer_failure(exchange, selection.error());
    co_return;
  }
  auto request = co_await read_remove_request(exchange);
  if (!request) {
    co_await answer_failure(exchange, request.error());
    co_return;
  }
  auto listed = co_await found.store->remove_collection(exchange.scope, std::move(*selection), std::move(*parameters), std::move(*request));
  if (!listed) {
    co_await answer_failure(exchange, listed.error());
    co_return;
  }
  co_await answer_list(exchange, *form, std::move(*listed));
}

}  // namespace pintle::apiserver
