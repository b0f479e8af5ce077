#include "apiserver/endpoints/resource_handler.h"

#include "apiserver/connect/connector.h"
#include "apiserver/custom/shape.h"
#include "apiserver/endpoints/deletes.h"
#include "apiserver/endpoints/reads.h"
#include "apiserver/endpoints/scale.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::endpoints {

namespace {

namespace verb = apimachinery::verb;

// What every answer about a deprecated resource is marked with.
std::string_view deprecation(const RequestInfo& info) {
  if (!info.group.empty()) return {};
  if (info.resource == "endpoints") return "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
  if (info.resource == "componentstatuses") return "v1 ComponentStatus is deprecated in v1.19+";
  return {};
}

// A request that gets here is allowed; what is about to be done is that, for the same object.
void hold_to_what_was_authorized(const exchange::Exchange& exchange, const Route& route, bool namespaced) {
  CHECK(exchange.authorized.has_value(), "no request is carried out unauthorized");
  const authorization::AuthorizationAttributes& allowed = *exchange.authorized;
  const RequestScope& scope = exchange.scope;
  CHECK(route.verb_name() == allowed.verb, "the verb carried out is the one that was authorized");
  CHECK(scope.group == allowed.group && scope.resource == allowed.resource, "the resource is the one that was authorized");
  CHECK((route.subresource ? route.subresource->name : std::string_view()) == allowed.subresource, "the subresource is the one that was authorized");
  // A namespace is judged by the rights within it, so its own name counts as its namespace.
  CHECK(namespaced ? scope.ns == allowed.ns : allowed.ns.empty() || allowed.ns == allowed.name, "the namespace is the one that was authorized");
  // The name of a list or watch without one comes from its field selector, which holds it there.
  CHECK(scope.name == allowed.name || (scope.name.empty() && (route.verb & (verb::list | verb::watch)) != 0),
        "the name is the one that was authorized");
  CHECK(scope.user.name == allowed.user.name, "the user is the one that was authorized");
}

// A request with a body below this, for an object that is stored in fewer bytes than that, is served where it came in.
constexpr std::size_t quick_body_bytes_max = 16 << 10;
constexpr std::size_t quick_object_bytes_max = 64 << 10;

// The kind that discovery names for a subresource; the schema knows it.
const api::KindInfo& subresource_kind(const apimachinery::ServedResource& resource, const apimachinery::ServedSubresource& subresource) {
  const api::GroupVersionKind gvk = resource.subresource_gvk(subresource);
  return *api::find_kind(gvk.group, gvk.version, gvk.kind);
}

rt::Task<Result<Unit>> refused(Status why) { co_return Unexpected(std::move(why)); }

}  // namespace

ResourceHandler::ResourceHandler(ResourceHandlerDeps deps)
    : registry_(deps.registry),
      watches_({deps.runtime.random(), deps.options.min_request_timeout_seconds}),
      writes_(deps.authorizer),
      actions_(deps.registry.admission(), deps.connector) {}

bool ResourceHandler::long_running(const RequestInfo& info) {
  if (!info.is_resource) return false;
  if (info.verb == "watch" || info.verb == "proxy") return true;
  const std::string& sub = info.subresource;
  return sub == "exec" || sub == "attach" || sub == "portforward" || sub == "log" || sub == "proxy";
}

bool ResourceHandler::takes_body(const exchange::Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  if (!info.is_resource || connect::Connector::handles(info.group, info.resource, info.subresource)) return false;
  const std::string& method = exchange.request.method;
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

bool ResourceHandler::takes_long(const exchange::Exchange& exchange) const {
  const RequestInfo& info = exchange.info;
  const std::string_view body = exchange.body->view();
  if (!info.is_resource || body.empty()) return false;
  if (body.size() >= quick_body_bytes_max) return true;
  if (info.group == "apiextensions.k8s.io" || info.group == "admissionregistration.k8s.io") return true;  // schemas and expressions
  // Aliases multiply.
  const std::string_view type = exchange::bare_media_type(exchange.request.headers.get("content-type"));
  if (type.ends_with("yaml") && body.contains('&')) return true;
  const Found found = registry_.find_served(info.group, info.version, info.resource);
  if (found.resource == nullptr || found.store == nullptr) return false;
  if (exchange.request.method == "DELETE") return false;
  std::size_t stored_bytes = 0;
  if (!info.name.empty()) {
    const auto stored = found.store->cache().get(found.resource->key(found.resource->namespaced() ? info.ns : "", info.name));
    if (stored) stored_bytes = stored->wire().size();
  }
  if (stored_bytes >= quick_object_bytes_max) return true;
  return custom::judging_takes_long(found.version != nullptr ? found.version->shape : nullptr, body.size() + stored_bytes);
}

rt::Task<void> ResourceHandler::serve(exchange::Exchange& exchange) {
  auto served = co_await carry_out(exchange);
  if (!served && !exchange.writer.started()) co_await exchange::answer_failure(exchange, std::move(served.error()));
}

// These three start the verb's task and are none themselves: a request pays for no more frames than it needs.
rt::Task<Result<Unit>> ResourceHandler::carry_out(exchange::Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  const Found found = registry_.find_served(info.group, info.version, info.resource);
  if (found.version != nullptr && !found.version->deprecation.empty()) exchange.scope.warnings.push_back(found.version->deprecation);
  auto route = find_route(info, exchange.request.method, found);
  if (!route) return refused(std::move(route.error()));
  RequestScope& scope = exchange.scope;
  scope.ns = found.resource->namespaced() ? info.ns : "";
  scope.name = info.form == PathForm::Collection ? "" : info.name;
  scope.group = info.group;
  scope.version = info.version;
  scope.resource = info.resource;
  scope.subresource = info.subresource;
  hold_to_what_was_authorized(exchange, *route, found.resource->namespaced());
  if (route->connect) return actions_.connect(exchange, subresource_kind(*found.version->served, *route->subresource));
  return route->subresource != nullptr ? dispatch_subresource(exchange, found, *route) : dispatch(exchange, found, *route);
}

rt::Task<Result<Unit>> ResourceHandler::dispatch(exchange::Exchange& exchange, const Found& found, const Route& route) {
  const registry::ResourceDefinition& definition = found.resource->definition();
  if (const std::string_view warning = deprecation(exchange.info); !warning.empty()) exchange.scope.warnings.emplace_back(warning);
  if (definition.create_action) return actions_.act(exchange, definition.create_action, *found.version->kind);
  if (definition.virtual_resource) return get_virtual(exchange, found);
  switch (route.verb) {
    case verb::get: return get_object(exchange, found);
    case verb::list: return list_objects(exchange, found);
    case verb::watch: return watches_.watch(exchange, found);
    case verb::create: return writes_.create(exchange, found);
    case verb::update: return writes_.update(exchange, found, nullptr);
    case verb::patch: return writes_.patch(exchange, found, nullptr);
    case verb::delete_: return remove_object(exchange, found);
    case verb::deletecollection: return remove_collection(exchange, found);
    default: CHECK(false, "a route to a resource has a verb");
  }
  return {};
}

rt::Task<Result<Unit>> ResourceHandler::dispatch_subresource(exchange::Exchange& exchange, const Found& found, const Route& route) {
  const std::string_view name = route.subresource->name;
  if (const registry::ActionSubresource* action = found.resource->find_action(name))
    return actions_.act(exchange, action->action, subresource_kind(*found.version->served, *route.subresource));
  if (name == "scale" && scale_fields(found)) return route.verb == verb::get ? get_scale(exchange, found) : change_scale(exchange, found);
  const registry::PartSubresource* part = found.resource->find_part(name);
  if (part == nullptr) return refused(errors::no_such_route());
  switch (route.verb) {
    case verb::get: return get_object(exchange, found);
    case verb::update: return writes_.update(exchange, found, part);
    case verb::patch: return writes_.patch(exchange, found, part);
    default: return refused(errors::method_not_allowed());
  }
}

}  // namespace pintle::apiserver::endpoints
