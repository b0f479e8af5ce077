#include "apiserver/endpoints/route.h"

#include <algorithm>
#include <array>

#include "apiserver/connect/connector.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::endpoints {

namespace {

using apimachinery::ServedResource;
using apimachinery::ServedSubresource;
using apimachinery::Verbs;
namespace verb = apimachinery::verb;

constexpr Verbs collection_verbs = verb::list | verb::watch | verb::create | verb::deletecollection;
constexpr Verbs all_namespaces_verbs = verb::list | verb::watch;
constexpr Verbs item_verbs = verb::get | verb::update | verb::patch | verb::delete_;
constexpr std::array<std::string_view, 5> routed_methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::array<std::string_view, 7> connect_methods{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};

template <std::size_t n>
bool among(const std::array<std::string_view, n>& methods, std::string_view method) {
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

// Whether the path says as much of namespaces as the resource has.
bool well_placed(const RequestInfo& info, const ServedResource& served) {
  if (!served.namespaced) return !info.in_namespace;
  return !info.ns.empty() || info.form == PathForm::Collection;
}

// Of a form that serves `available`: the verb asked for, if it is among them.
Result<Route> choose(const RequestInfo& info, std::string_view method, Verbs available, const ServedSubresource* subresource) {
  if (available == 0) return Unexpected(errors::no_such_route());
  const Verbs asked = apimachinery::parse_verb(info.verb);
  if (!among(routed_methods, method) || (asked & available) == 0) return Unexpected(errors::method_not_allowed());
  return Route{asked, subresource, false};
}

Result<Route> watch_route(const RequestInfo& info, std::string_view method, const ServedResource& served) {
  const bool known = info.form == PathForm::Collection || info.form == PathForm::Item;
  if (!known || !served.can(verb::watch)) return Unexpected(errors::no_such_route());
  if (method != "GET") return Unexpected(errors::method_not_allowed());
  return Route{verb::watch, nullptr, false};
}

Result<Route> subresource_route(const RequestInfo& info, std::string_view method, const registry::InstalledRegistry::Found& found) {
  const auto* subresource = found.version->served->find_subresource(info.subresource);
  const bool connect = connect::Connector::handles(info.group, info.resource, info.subresource);
  const bool proxy = connect && info.subresource == "proxy";
  if (subresource == nullptr || found.store == nullptr || (info.form == PathForm::Longer && !proxy)) return Unexpected(errors::no_such_route());
  if (info.parts[1].empty()) return bad_request("name must be provided");
  if (proxy) {
    if (!among(connect_methods, method)) return Unexpected(errors::method_not_allowed());
    return Route{apimachinery::parse_verb(info.verb), subresource, true};
  }
  TRY_ASSIGN(Route route, choose(info, method, subresource->verbs, subresource));
  route.connect = connect;
  return route;
}

}  // namespace

std::string_view Route::verb_name() const { return verb == 0 ? std::string_view() : apimachinery::verb_names(verb).front(); }

Result<Route> find_route(const RequestInfo& info, std::string_view method, const registry::InstalledRegistry::Found& found) {
  if (found.resource == nullptr || info.prefix == PathPrefix::Proxy) return Unexpected(errors::no_such_route());
  const ServedResource& served = *found.version->served;
  if (!well_placed(info, served)) return Unexpected(errors::no_such_route());
  if (info.prefix == PathPrefix::Watch) return watch_route(info, method, served);
  switch (info.form) {
    case PathForm::Collection: {
      const bool everywhere = served.namespaced && info.ns.empty();
      return choose(info, method, served.verbs & (everywhere ? all_namespaces_verbs : collection_verbs), nullptr);
    }
    case PathForm::Item: return choose(info, method, served.verbs & item_verbs, nullptr);
    case PathForm::Subresource:
    case PathForm::Longer: break;
  }
  return subresource_route(info, method, found);
}

}  // namespace pintle::apiserver::endpoints
