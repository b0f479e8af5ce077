#include "apiserver/endpoints/resource_handler.h"

#include "apiserver/connect/connector.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver {

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
void hold_to_what_was_authorized(const Exchange& exchange, const Route& route, bool namespaced) {
  CHECK(exchange.authorized.has_value(), "no request is carried out unauthorized");
  const AuthorizationAttributes& allowed = *exchange.authorized;
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

}  // namespace

bool ResourceHandler::long_running(const RequestInfo& info) {
  if (!info.is_resource) return false;
  if (info.verb == "watch" || info.verb == "proxy") return true;
  const std::string& sub = info.subresource;
  return sub == "exec" || sub == "attach" || sub == "portforward" || sub == "log" || sub == "proxy";
}

bool ResourceHandler::takes_body(const Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  if (!info.is_resource || Connector::handles(info.group, info.resource, info.subresource)) return false;
  const std::string& method = exchange.request.method;
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

bool ResourceHandler::takes_long(const Exchange& exchange) const {
  const RequestInfo& info = exchange.info;
  const std::string_view body = exchange.body->view();
  if (!info.is_resource || body.empty()) return false;
  if (body.size() >= quick_body_bytes_max) return true;
  if (info.group == "apiextensions.k8s.io" || info.group == "admissionregistration.k8s.io") return true;  // schemas and expressions
  // Aliases multiply.
  const std::string_view type = bare_media_type(exchange.request.headers.get("content-type"));
  if (type.ends_with("yaml") && body.contains('&')) return true;
  const Found found = registry_.find_served(info.group, info.version, info.resource);
  if (found.resource == nullptr || found.store == nullptr) return false;
  if (info.name.empty() || exchange.request.method == "DELETE") return false;
  const auto stored = found.store->cache().get(found.resource->key(found.resource->namespaced() ? info.ns : "", info.name));
  return stored && stored->wire().size() >= quick_object_bytes_max;
}

rt::Task<void> ResourceHandler::serve(Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  const Found found = registry_.find_served(info.group, info.version, info.resource);
  const auto route = find_route(info, exchange.request.method, found);
  if (!route) {
    co_await answer_failure(exchange, route.error());
    co_return;
  }
  RequestScope& scope = exchange.scope;
  scope.ns = found.resource->namespaced() ? info.ns : "";
  scope.name = info.form == PathForm::Collection ? "" : info.name;
  scope.group = info.group;
  scope.version = info.version;
  scope.resource = info.resource;
  scope.subresource = info.subresource;
  hold_to_what_was_authorized(exchange, *route, found.resource->namespaced());
  if (route->connect) {
    co_await run_connect(exchange, subresource_kind(*found.version->served, *route->subresource));
  } else if (route->subresource != nullptr) {
    co_await dispatch_subresource(exchange, found, *route);
  } else {
    co_await dispatch(exchange, found, *route);
  }
}

rt::Task<void> ResourceHandler::dispatch(Exchange& exchange, Found found, Route route) {
  const ResourceDefinition& definition = found.resource->definition();
  if (const std::string_view warning = deprecation(exchange.info); !warning.empty()) exchange.scope.warnings.emplace_back(warning);
  if (definition.create_action) {
    co_await run_action(exchange, definition.create_action, *found.version->kind, "");
    co_return;
  }
  if (definition.virtual_resource) {
    co_await get_virtual(exchange, found);
    co_return;
  }
  switch (route.verb) {
    case verb::get: co_await get(exchange, found); break;
    case verb::list: co_await list(exchange, found); break;
    case verb::watch: co_await watch(exchange, found); break;
    case verb::create: co_await create(exchange, found); break;
    case verb::update: co_await update(exchange, found, nullptr); break;
    case verb::patch: co_await patch(exchange, found, nullptr); break;
    case verb::delete_: co_await remove(exchange, found); break;
    case verb::deletecollection: co_await remove_collection(exchange, found); break;
    default: CHECK(false, "a route to a resource has a verb");
  }
}

rt::Task<void> ResourceHandler::dispatch_subresource(Exchange& exchange, Found found, Route route) {
  const std::string_view name = route.subresource->name;
  if (const ActionSubresource* action = found.resource->find_action(name)) {
    co_await run_action(exchange, action->action, subresource_kind(*found.version->served, *route.subresource), exchange.info.name);
  } else if (name == "scale" && !found.resource->definition().scale.empty()) {
    if (route.verb == verb::get) {
      co_await get_scale(exchange, found);
    } else {
      co_await change_scale(exchange, found);
    }
  } else if (const PartSubresource* part = found.resource->find_part(name)) {
    switch (route.verb) {
      case verb::get: co_await get(exchange, found); break;
      case verb::update: co_await update(exchange, found, part); break;
      case verb::patch: co_await patch(exchange, found, part); break;
      default: co_await answer_failure(exchange, errors::method_not_allowed());
    }
  } else {
    co_await answer_failure(exchange, errors::no_such_route());
  }
}

Result<ObjectForm> ResourceHandler::object_form(const Exchange& exchange, Found found) const {
  ObjectForm form;
  TRY_ASSIGN(form.output, negotiate(exchange.request.headers.get("accept"), Offer{.yaml = true, .protobuf = true, .table = true, .partial = true}));
  form.resource = found.resource;
  form.codec = found.store ? &found.store->codec() : nullptr;
  form.version = found.version;
  form.now = exchange.scope.now;
  if (form.output.shape != Shape::Table) return form;
  const std::string_view include = exchange.query.get("includeObject");
  if (include == "None") {
    form.include = IncludeObject::None;
  } else if (include == "Object") {
    form.include = IncludeObject::Object;
  } else if (!include.empty() && include != "Metadata") {
    return bad_request("includeObject must be one of Metadata, None, Object");
  }
  return form;
}

rt::Task<void> ResourceHandler::answer_object(Exchange& exchange, const ObjectForm& form, int code, api::Object object) {
  std::vector<Bytes> pieces;
  auto appended = append_object(form, object, pieces);
  if (!appended) {
    co_await answer_failure(exchange, appended.error());
    co_return;
  }
  if (form.output.media == Media::Yaml) {
    Bytes yaml = json_answer(Media::Yaml, std::string(pieces[0].view()));
    pieces.clear();
    pieces.push_back(std::move(yaml));
  } else if (form.output.media == Media::Json) {
    pieces.push_back(Bytes::literal("\n"));
  }
  co_await answer_pieces(exchange, code, content_type(form.output.media), std::move(pieces));
}

rt::Task<void> ResourceHandler::get(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  const std::string_view version = exchange.query.get("resourceVersion");
  const auto revision = parse_resource_version(version);
  if (!revision) {
    co_await answer_failure(exchange, revision.error());
    co_return;
  }
  const int64_t wanted = version == "0" ? -1 : *revision;
  auto object = co_await found.store->get(exchange.ctx, exchange.scope.ns, exchange.info.name, wanted);
  if (!object) {
    co_await answer_failure(exchange, object.error());
    co_return;
  }
  std::vector<Bytes> pieces;
  append_object(*form, **object, true, pieces);
  if (form->output.media == Media::Yaml) {
    std::string json;
    for (const Bytes& piece : pieces) json += piece.view();
    pieces.clear();
    pieces.push_back(json_answer(Media::Yaml, std::move(json)));
  } else if (form->output.media == Media::Json) {
    pieces.push_back(Bytes::literal("\n"));
  }
  co_await answer_pieces(exchange, 200, content_type(form->output.media), std::move(pieces));
}

}  // namespace pintle::apiserver
