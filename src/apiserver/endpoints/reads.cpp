#include "apiserver/endpoints/reads.h"

#include <algorithm>

#include "apiserver/exchange/responses.h"

namespace pintle::apiserver::endpoints {

using Found = registry::InstalledRegistry::Found;

namespace {

// `ns`: "" for all. BadRequest for a field that the resource cannot be selected by.
Result<registry::Selection> parse_selection(const Found& found, const ListParameters& parameters, std::string_view ns) {
  registry::Selection selection;
  selection.ns = ns;
  auto labels = apimachinery::LabelSelector::parse(parameters.label_selector);
  if (!labels) return bad_request("unable to parse requirement: " + labels.error().message);
  selection.labels = std::move(*labels);
  auto fields = apimachinery::FieldSelector::parse(parameters.field_selector);
  if (!fields) return bad_request(fields.error().message);
  std::vector<apimachinery::FieldRequirement> requirements(fields->requirements().begin(), fields->requirements().end());
  for (auto& requirement : requirements) {
    for (const auto& [here, stored] : found.version->conversion->field_names)
      if (requirement.field == here) requirement.field = stored;
    bool known = requirement.field == "metadata.name" || (requirement.field == "metadata.namespace" && found.resource->namespaced());
    for (const registry::SelectableField& field : found.resource->definition().selectable_fields) known = known || field.name == requirement.field;
    if (const registry::VersionShape* shape = found.version->shape) {
      const auto fields = shape->selectable_fields();
      known = known || std::ranges::find(fields, requirement.field) != fields.end();
    }
    if (!known) return bad_request("field label not supported: " + requirement.field);
  }
  selection.fields = apimachinery::FieldSelector(std::move(requirements));
  selection.version = found.version;
  return selection;
}

}  // namespace

Result<CollectionRequest> read_collection_request(const exchange::Exchange& exchange, const Found& found, bool watch) {
  CollectionRequest request;
  TRY_ASSIGN(request.form, object_form(exchange, found));
  TRY_ASSIGN(request.parameters, parse_list_parameters(exchange.query, watch));
  TRY_ASSIGN(request.selection, parse_selection(found, request.parameters, exchange.scope.ns));
  request.selection.name = exchange.info.name;  // what the field selector demands
  return request;
}

rt::Task<Result<Unit>> get_object(exchange::Exchange& exchange, Found found) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  const std::string_view version = exchange.query.get("resourceVersion");
  CO_TRY_ASSIGN(const int64_t revision, parse_resource_version(version));
  const int64_t wanted = version == "0" ? -1 : revision;
  CO_TRY_ASSIGN(auto object, co_await found.store->get(exchange.ctx, exchange.scope.ns, exchange.info.name, wanted));
  if (found.store->cached_versions().differ()) {
    CO_TRY_ASSIGN(object, co_await found.store->cached_versions().show_one(exchange.ctx, std::move(object), *found.version));
  }
  std::vector<Bytes> body = object_body(form, *object);
  co_await exchange::answer_pieces(exchange, 200, exchange::content_type(form.output.media), std::move(body));
  co_return Unit{};
}

rt::Task<Result<Unit>> list_objects(exchange::Exchange& exchange, Found found) {
  CO_TRY_ASSIGN(CollectionRequest request, read_collection_request(exchange, found, false));
  CO_TRY_ASSIGN(registry::ListAnswer listed, co_await found.store->list(exchange.ctx, std::move(request.selection), std::move(request.parameters)));
  co_return co_await answer_list(exchange, request.form, std::move(listed));
}

rt::Task<Result<Unit>> get_virtual(exchange::Exchange& exchange, Found found) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  registry::VirtualResource& source = *found.resource->definition().virtual_resource;
  if (exchange.info.form == PathForm::Item) {
    CO_TRY_ASSIGN(api::Object object, co_await source.get(exchange.scope, exchange.info.name));
    co_return co_await answer_object(exchange, form, 200, std::move(object));
  }
  CO_TRY_ASSIGN(const ListParameters parameters, parse_list_parameters(exchange.query, false));
  CO_TRY_ASSIGN(registry::Selection selection, parse_selection(found, parameters, exchange.scope.ns));
  CO_TRY_ASSIGN(std::vector<api::Object> objects, co_await source.list(exchange.scope, std::move(selection.labels)));
  std::erase_if(objects, [&](const api::Object& object) {
    const auto& meta = registry::object_meta(object);
    if (!exchange.info.name.empty() && meta.name != exchange.info.name) return true;  // the one that was authorized
    return !selection.fields.matches(
        [&](std::string_view field) -> const std::string& { return field == "metadata.name" ? meta.name : meta.namespace_; });
  });
  co_return co_await answer_objects(exchange, form, std::move(objects));
}

}  // namespace pintle::apiserver::endpoints
