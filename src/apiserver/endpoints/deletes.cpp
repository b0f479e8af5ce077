#include "apiserver/endpoints/deletes.h"

#include "apiserver/endpoints/reads.h"
#include "apiserver/exchange/body.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/registry/delete_options.h"

namespace pintle::apiserver::endpoints {

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

Result<registry::RemoveRequest> read_remove_request(exchange::Exchange& exchange) {
  const Bytes& body = exchange::received_body(exchange);
  DeleteOptions options;
  if (body.empty()) {
    TRY_ASSIGN(options, options_of_query(exchange.query));
  } else {
    TRY_ASSIGN(const exchange::Media media, exchange::body_media(exchange.request.headers.get("content-type")));
    const api::KindInfo* kind = api::find_kind("", "v1", "DeleteOptions");
    if (kind == nullptr) kind = api::kind_of(api::type_of<DeleteOptions>());
    const exchange::BodyRules rules{.kind = *kind, .validation = FieldValidation::Ignore, .defaults = false, .any_version = true};
    TRY_ASSIGN(api::Object decoded, exchange::decode_body(body.view(), media, rules, exchange.scope.warnings));
    options = std::move(decoded.as<DeleteOptions>());
    if (options.dry_run.empty())
      for (const auto value : exchange.query.get_all("dryRun")) options.dry_run.emplace_back(value);
  }
  TRY(registry::check_delete_options(options));
  exchange.scope.dry_run = !options.dry_run.empty();
  exchange.scope.operation_options = api::Object::of(options);
  registry::RemoveRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.grace_period_seconds = options.grace_period_seconds;
  request.orphan_dependents = options.orphan_dependents;
  request.propagation_policy = options.propagation_policy.value_or("");
  if (options.preconditions) {
    request.uid = options.preconditions->uid.value_or("");
    request.resource_version = options.preconditions->resource_version.value_or("");
  }
  return request;
}

// What a removal without an answer of its own is told by.
api::meta_v1::Status success_of(const registry::Resource& resource, const api::Object& removed) {
  const auto& meta = registry::object_meta(removed);
  api::meta_v1::Status status;
  status.status = "Success";
  auto& details = status.details.emplace();
  details.name = meta.name;
  details.group = resource.name().group;
  details.kind = resource.name().resource;
  details.uid = meta.uid;
  return status;
}

}  // namespace

rt::Task<Result<Unit>> remove_object(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  CO_TRY_ASSIGN(registry::RemoveRequest request, read_remove_request(exchange));
  if (found.resource->name() == GroupResource{"batch", "jobs"} && request.propagation_policy.empty() && !request.orphan_dependents)
    exchange.scope.warnings.push_back(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan "
        "to suppress this warning");
  CO_TRY_ASSIGN(registry::Removed removed, co_await found.store->remove(exchange.scope, std::move(request)));
  if (!removed.gone || found.resource->definition().return_deleted_object)
    co_return co_await answer_object(exchange, form, 200, std::move(removed.object));
  const api::meta_v1::Status status = success_of(*found.resource, removed.object);
  const exchange::Media media = form.output.media;
  co_await exchange::answer(exchange, 200, exchange::content_type(media),
                            exchange::encode_answer(media, api::type_of<api::meta_v1::Status>(), &status, status_kind));
  co_return Unit{};
}

rt::Task<Result<Unit>> remove_collection(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(CollectionRequest wanted, read_collection_request(exchange, found, false));
  CO_TRY_ASSIGN(registry::RemoveRequest request, read_remove_request(exchange));
  CO_TRY_ASSIGN(registry::ListAnswer listed, co_await found.store->remove_collection(exchange.scope, std::move(wanted.selection),
                                                                                     std::move(wanted.parameters), std::move(request)));
  co_return co_await answer_list(exchange, wanted.form, std::move(listed));
}

}  // namespace pintle::apiserver::endpoints
