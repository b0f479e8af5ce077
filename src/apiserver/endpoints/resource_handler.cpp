#include "apiserver/endpoints/resource_handler.h"

#include "apiserver/connect/connector.h"
#include "apiserver/registry/errors.h"

namespace pintle::apiserver {

namespace {

using apimachinery::Verbs;
namespace verbs = apimachinery::verb;

// The verb that a method means on a collection or on a named object; 0: no route.
Verbs verb_of(std::string_view method, bool named) {
  if (method == "GET") return named ? verbs::get : verbs::list;
  if (method == "POST") return named ? Verbs{0} : Verbs{verbs::create};
  if (method == "PUT") return named ? Verbs{verbs::update} : Verbs{0};
  if (method == "PATCH") return named ? Verbs{verbs::patch} : Verbs{0};
  if (method == "DELETE") return named ? verbs::delete_ : verbs::deletecollection;
  return 0;
}

// Whether the path names an object. (The info of a list may have a name too, from its field selector.)
bool named(const RequestInfo& info) { return info.parts.size() > 1; }

// What every answer about a deprecated resource is marked with.
std::string_view deprecation(const RequestInfo& info) {
  if (!info.group.empty()) return {};
  if (info.resource == "endpoints") return "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
  if (info.resource == "componentstatuses") return "v1 ComponentStatus is deprecated in v1.19+";
  return {};
}

Verbs subresource_verb(std::string_view method) {
  if (method == "GET") return verbs::get;
  if (method == "POST") return verbs::create;
  if (method == "PUT") return verbs::update;
  if (method == "PATCH") return verbs::patch;
  if (method == "DELETE") return verbs::delete_;
  return 0;
}

}  // namespace

bool ResourceHandler::long_running(const RequestInfo& info, const Query& query) {
  if (!info.is_resource) return false;
  if (info.verb == "watch" || info.verb == "proxy" || (info.verb == "list" && query.boolean("watch"))) return true;
  const std::string& sub = info.subresource;
  return sub == "exec" || sub == "attach" || sub == "portforward" || sub == "log" || sub == "proxy";
}

rt::Task<void> ResourceHandler::serve(Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  const Found found = registry_.find_served(info.group, info.version, info.resource);
  if (found.resource == nullptr) {
    co_await answer_failure(exchange, errors::no_such_route());
    co_return;
  }
  const bool namespaced = found.resource->namespaced();
  const bool is_namespaces = info.resource == "namespaces" && info.group.empty();
  const bool misplaced = namespaced ? info.ns.empty() && named(info) : !info.ns.empty() && !is_namespaces;
  if (misplaced || (info.parts.size() > 3 && info.subresource != "proxy")) {
    co_await answer_failure(exchange, errors::no_such_route());
    co_return;
  }
  RequestScope& scope = exchange.scope;
  scope.ns = namespaced ? info.ns : "";
  scope.name = named(info) ? info.name : "";
  scope.group = info.group;
  scope.version = info.version;
  scope.resource = info.resource;
  scope.subresource = info.subresource;
  if (info.subresource.empty()) {
    co_await dispatch(exchange, found);
  } else {
    co_await dispatch_subresource(exchange, found);
  }
}

rt::Task<void> ResourceHandler::dispatch(Exchange& exchange, Found found) {
  const RequestInfo& info = exchange.info;
  const std::string& method = exchange.request.method;
  const bool watch_path = info.verb == "watch" && method == "GET";
  const Verbs verb = watch_path ? Verbs{verbs::watch} : verb_of(method, named(info));
  const bool everywhere = found.resource->namespaced() && info.ns.empty();   // over all namespaces one can only read
  if (verb == 0 || !found.version->served->can(verb) || (everywhere && verb != verbs::list && verb != verbs::watch && !found.resource->definition().create_action)) {
    co_await answer_failure(exchange, errors::method_not_allowed());
    co_return;
  }
  if (const std::string_view warning = deprecation(info); !warning.empty()) exchange.scope.warnings.emplace_back(warning);
  if (found.resource->definition().create_action) {
    co_await run_action(exchange, found.resource->definition().create_action, *found.version->kind, "");
    co_return;
  }
  if (found.resource->definition().virtual_resource) {
    co_await get_virtual(exchange, found);
    co_return;
  }
  switch (verb) {
    case verbs::get: co_await get(exchange, found); break;
    case verbs::watch:
    case verbs::list:
      if (watch_path || exchange.query.boolean("watch")) {
        co_await watch(exchange, found);
      } else {
        co_await list(exchange, found);
      }
      break;
    case verbs::create: co_await create(exchange, found); break;
    case verbs::update: co_await update(exchange, found, nullptr); break;
    case verbs::patch: co_await patch(exchange, found, nullptr); break;
    case verbs::delete_: co_await remove(exchange, found); break;
    case verbs::deletecollection: co_await remove_collection(exchange, found); break;
    default: co_await answer_failure(exchange, errors::method_not_allowed());
  }
}

rt::Task<void> ResourceHandler::dispatch_subresource(Exchange& exchange, Found found) {
  const std::string& name = exchange.info.subresource;
  const auto* served = found.version->served->find_subresource(name);
  if (served == nullptr || found.store == nullptr) {
    co_await answer_failure(exchange, errors::no_such_route());
    co_return;
  }
  if (connector_ != nullptr && name == "proxy" && Connector::handles(exchange.info.group, exchange.info.resource, name)) {
    co_await connector_->serve(exchange, authorizer_);   // with any method
    co_return;
  }
  const Verbs verb = subresource_verb(exchange.request.method);
  if (verb == 0 || (served->verbs & verb) == 0) {
    co_await answer_failure(exchange, errors::method_not_allowed());
    co_return;
  }
  if (const ActionSubresource* action = found.resource->find_action(name)) {
    const api::GroupVersionKind gvk = found.version->served->subresource_gvk(*served);
    co_await run_action(exchange, action->action, *api::find_kind(gvk.group, gvk.version, gvk.kind), exchange.info.name);
  } else if (name == "scale" && !found.resource->definition().scale.empty()) {
    if (verb == verbs::get) {
      co_await get_scale(exchange, found);
    } else {
      co_await change_scale(exchange, found);
    }
  } else if (const PartSubresource* part = found.resource->find_part(name)) {
    if (verb == verbs::get) {
      co_await get(exchange, found);
    } else if (verb == verbs::update) {
      co_await update(exchange, found, part);
    } else {
      co_await patch(exchange, found, part);
    }
  } else if (connector_ != nullptr && Connector::handles(exchange.info.group, exchange.info.resource, name)) {
    co_await connector_->serve(exchange, authorizer_);
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
