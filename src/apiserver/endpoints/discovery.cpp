#include "apiserver/endpoints/discovery.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/gen/apidiscovery_v2.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/discovery/content_hash.h"
#include "apimachinery/discovery/served_resources.h"
#include "apimachinery/discovery/version_order.h"
#include "apiserver/exchange/negotiation.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::endpoints {

namespace {

namespace meta = api::meta_v1;
namespace aggregated = api::apidiscovery_v2;
using apimachinery::ServedGroupVersion;
using apimachinery::ServedResource;
using apimachinery::ServedSet;
using apimachinery::ServedSubresource;

std::string group_version_name(const ServedGroupVersion& version) {
  return version.group.empty() ? std::string(version.version) : fmt::format("{}/{}", version.group, version.version);
}

template <class Names>
std::vector<std::string> strings(const Names& names) {
  return std::vector<std::string>(names.begin(), names.end());
}

bool in_table(const ServedResource& resource) {
  return apimachinery::find_served_resource(resource.group, resource.version, resource.name) != nullptr;
}

// Those of a resource that a definition brought stand in the order in which clients have always seen them.
std::vector<std::string> verbs_of(const ServedResource& resource) {
  std::vector<std::string> names = strings(apimachinery::verb_names(resource.verbs));
  if (in_table(resource)) return names;
  const auto late = [](const std::string& name) { return name == "create" || name == "update" || name == "watch"; };
  std::ranges::stable_partition(names, [&](const std::string& name) { return !late(name); });
  return names;
}

meta::APIResource plain_resource(const ServedResource& resource) {
  meta::APIResource out;
  out.name = resource.name;
  out.singular_name = resource.singular;
  out.namespaced = resource.namespaced;
  out.kind = resource.kind;
  out.verbs = verbs_of(resource);
  out.short_names = strings(resource.short_names);
  out.categories = strings(resource.categories);
  out.storage_version_hash = resource.storage_version_hash;
  return out;
}

meta::APIResource plain_subresource(const ServedResource& resource, const ServedSubresource& subresource) {
  meta::APIResource out;
  out.name = fmt::format("{}/{}", resource.name, subresource.name);
  out.namespaced = resource.namespaced;
  out.group = subresource.group;
  out.version = subresource.version;
  out.kind = subresource.kind;
  out.verbs = strings(apimachinery::verb_names(subresource.verbs));
  return out;
}

meta::APIResourceList resource_list(const ServedGroupVersion& version) {
  meta::APIResourceList out;
  out.group_version = group_version_name(version);
  for (const ServedResource& resource : version.resources) {
    out.resources.push_back(plain_resource(resource));
    for (const ServedSubresource& subresource : resource.subresources) out.resources.push_back(plain_subresource(resource, subresource));
  }
  return out;
}

// A version of a group: of this server, or of another.
struct ToldVersion {
  const ServedGroupVersion* own = nullptr;
  const published::FurtherVersion* further = nullptr;
  std::string_view name() const { return own ? own->version : std::string_view(further->version); }
  apimachinery::DiscoveryPriority priority() const { return own ? apimachinery::discovery_priority(own->group, own->version) : further->priority; }
};
struct ToldGroup {
  std::string_view name;
  std::vector<ToldVersion> versions;
};

// This server's groups and versions, in the order of discovery.
std::vector<ToldGroup> own_groups(const ServedSet& served) {
  std::vector<ToldGroup> groups;
  for (const ServedGroupVersion& version : served.group_versions()) {
    if (groups.empty() || groups.back().name != version.group) groups.push_back({version.group, {}});
    groups.back().versions.push_back({&version, nullptr});
  }
  return groups;
}

// Higher priorities first; among equals what the table of this server has, in its order, then the rest by the alphabet.
void sort_groups(std::vector<ToldGroup>& groups) {
  struct Key {
    int32_t priority;
    bool in_table;
    std::string_view name;
  };
  std::map<std::string_view, Key> keys;
  for (const ToldGroup& group : groups) {
    Key key{0, false, group.name};
    for (const ToldVersion& version : group.versions) {
      key.priority = std::max(key.priority, version.priority().group);
      key.in_table = key.in_table || (version.own && apimachinery::find_served_group_version(version.own->group, version.own->version));
    }
    if (key.in_table) key.name = {};
    keys.emplace(group.name, key);
  }
  std::ranges::stable_sort(groups, [&](const ToldGroup& a, const ToldGroup& b) {
    const Key &left = keys.at(a.name), &right = keys.at(b.name);
    return std::tuple(-left.priority, !left.in_table, left.name) < std::tuple(-right.priority, !right.in_table, right.name);
  });
}

// With those of other servers: what both have is the other's, as the request for it is.
std::vector<ToldGroup> told_groups(const ServedSet& served, const published::FurtherServers::Listed& further) {
  std::vector<ToldGroup> groups = own_groups(served);
  if (further.versions.empty()) return groups;
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < groups.size(); ++i) index.emplace(groups[i].name, i);
  for (const auto& [name, version] : further.versions) {
    const auto [at, fresh] = index.emplace(version->group, groups.size());
    if (fresh) groups.push_back({version->group, {}});
    std::vector<ToldVersion>& versions = groups[at->second].versions;
    std::erase_if(versions, [&](const ToldVersion& other) { return other.name() == version->version; });
    versions.push_back({nullptr, version.get()});
    std::ranges::stable_sort(versions, [](const ToldVersion& a, const ToldVersion& b) {
      const int32_t left = a.priority().version, right = b.priority().version;
      return left != right ? left > right : apimachinery::version_precedes(a.name(), b.name());
    });
  }
  sort_groups(groups);
  return groups;
}

meta::APIGroup plain_group(const ToldGroup& group) {
  meta::APIGroup out;
  out.name = group.name;
  for (const ToldVersion& version : group.versions) {
    auto& entry = out.versions.emplace_back();
    entry.group_version = fmt::format("{}/{}", group.name, version.name());
    entry.version = version.name();
  }
  if (!out.versions.empty()) out.preferred_version = out.versions.front();
  return out;
}

// Named, or without versions.
meta::APIGroup group_of(const ServedSet& served, const published::FurtherServers::Listed& further, std::string_view name) {
  for (const ToldGroup& group : told_groups(served, further))
    if (group.name == name) return plain_group(group);
  return {};
}

aggregated::APIResourceDiscovery aggregated_resource(const ServedResource& resource) {
  aggregated::APIResourceDiscovery out;
  out.resource = resource.name;
  auto& response_kind = out.response_kind.ensure();
  response_kind.kind = resource.kind;
  if (!in_table(resource)) {
    response_kind.group = resource.group;
    response_kind.version = resource.version;
  }
  out.scope = resource.namespaced ? "Namespaced" : "Cluster";
  out.singular_resource = resource.singular;
  out.verbs = verbs_of(resource);
  out.short_names = strings(resource.short_names);
  out.categories = strings(resource.categories);
  for (const ServedSubresource& subresource : resource.subresources) {
    auto& entry = out.subresources.emplace_back();
    entry.subresource = subresource.name;
    auto& kind = entry.response_kind.ensure();
    const bool own = !in_table(resource) && subresource.group.empty();
    kind.group = own ? resource.group : subresource.group;
    kind.version = own ? resource.version : subresource.version;
    kind.kind = subresource.kind;
    entry.verbs = strings(apimachinery::verb_names(subresource.verbs));
  }
  return out;
}

template <class T>
std::string json_of(const T& value) {
  std::string out;
  api::encode_json(api::type_of<T>(), &value, out);
  return out;
}

std::string aggregated_version(const ServedGroupVersion& version) {
  aggregated::APIVersionDiscovery out;
  out.version = version.version;
  out.freshness = "Current";
  for (const ServedResource& resource : version.resources) out.resources.push_back(aggregated_resource(resource));
  return json_of(out);
}

void append_version(const ServedSet& served, const ToldVersion& version, std::string& out) {
  if (version.further) {
    out += json_of(version.further->discovery);
  } else if (const auto* installed = served.find_runtime(version.own->group, version.own->version)) {
    out += installed->text(aggregated_version);
  } else {
    out += aggregated_version(*version.own);
  }
}

// The items of an APIGroupDiscoveryList.
std::string aggregated_items(const ServedSet& served, const published::FurtherServers::Listed& further, bool core) {
  std::string out;
  for (const ToldGroup& group : told_groups(served, further)) {
    if (group.name.empty() != core) continue;
    aggregated::APIGroupDiscovery head;
    head.metadata.name = group.name;
    if (!out.empty()) out += ',';
    out += json_of(head);
    CHECK(out.ends_with('}'), "an object");
    out.back() = ',';
    out += "\"versions\":[";
    for (std::size_t i = 0; i < group.versions.size(); ++i) {
      if (i > 0) out += ',';
      append_version(served, group.versions[i], out);
    }
    out += "]}";
  }
  return out;
}

// The documents of the core group come without an apiVersion, as they always did.
template <class T>
Bytes unversioned(exchange::Media media, const T& value, std::string_view kind) {
  if (media == exchange::Media::Protobuf) return exchange::encode_answer(media, api::type_of<T>(), &value, {"", "", kind});
  std::string body;
  api::encode_json(api::type_of<T>(), &value, body);
  return exchange::json_answer(media, fmt::format("{{\"kind\":\"{}\",{}", kind, std::string_view(body).substr(1)));
}

template <class T>
Bytes versioned(exchange::Media media, const T& value, std::string_view kind) {
  return exchange::encode_answer(media, api::type_of<T>(), &value, {"", "v1", kind});
}

}  // namespace

bool Discovery::handles(std::string_view path) const {
  if (path == "/api" || path == "/apis" || path.starts_with("/api/")) return path.find('/', 5) == path.npos;
  if (!path.starts_with("/apis/")) return false;
  path.remove_prefix(6);
  const auto slash = path.find('/');
  if (slash != path.npos && path.find('/', slash + 1) != path.npos) return false;
  if (registry_.served()->has_group(path.substr(0, slash))) return true;
  const auto others = further();
  return slash == path.npos && std::ranges::any_of(others->versions, [&](const auto& one) { return one.second->group == path; });
}

std::shared_ptr<const Discovery::Listed> Discovery::further() const {
  static const auto none = std::make_shared<const Listed>();
  return further_ ? further_->listed() : none;
}

rt::Task<void> Discovery::serve(exchange::Exchange& exchange, std::string path) {
  if (exchange.request.method != "GET") {
    co_await exchange::answer_failure(exchange, errors::method_not_allowed());
    co_return;
  }
  const auto served = registry_.served();
  const auto others = further();
  const bool root = path == "/api" || path == "/apis";
  const auto form = exchange::negotiate(exchange.request.headers.get("accept"),
                                        exchange::Offer{.yaml = true, .protobuf = true, .table = false, .partial = false, .discovery = root});
  if (!form) {
    co_await exchange::answer_failure(exchange, form.error());
    co_return;
  }
  if (form->shape != exchange::Shape::Object) {
    exchange.writer.headers().set("vary", "Accept");
    exchange.writer.headers().set("cache-control", "public");
    const Form wanted{path == "/api", form->shape == exchange::Shape::DiscoveryV2};
    co_await published::send(runtime_, exchange, aggregated(wanted));
    co_return;
  }
  const exchange::Media media = form->media;
  Bytes body;
  if (path == "/api") {
    meta::APIVersions versions;
    versions.versions = {"v1"};
    auto& address = versions.server_address_by_client_cidrs.emplace_back();
    address.client_cidr = "0.0.0.0/0";
    address.server_address = server_address_;
    body = unversioned(media, versions, "APIVersions");
  } else if (path == "/apis") {
    meta::APIGroupList groups;
    for (const ToldGroup& group : told_groups(*served, *others))
      if (!group.name.empty()) groups.groups.push_back(plain_group(group));
    body = versioned(media, groups, "APIGroupList");
  } else {
    const bool core = path.starts_with("/api/");
    const std::string_view rest = std::string_view(path).substr(core ? 5 : 6);
    const auto slash = rest.find('/');
    const ServedGroupVersion* version = nullptr;
    if (core || slash != rest.npos) version = served->find_group_version(core ? "" : rest.substr(0, slash), core ? rest : rest.substr(slash + 1));
    if (version != nullptr) {
      const auto list = resource_list(*version);
      body = core ? unversioned(media, list, "APIResourceList") : versioned(media, list, "APIResourceList");
    } else if (!core && slash == rest.npos) {
      body = versioned(media, group_of(*served, *others, rest), "APIGroup");
    } else {
      co_await exchange::answer_failure(exchange, errors::no_such_route());
      co_return;
    }
  }
  co_await exchange::answer(exchange, 200, exchange::content_type(media), std::move(body));
}

std::shared_ptr<const published::Document> Discovery::aggregated(Form form) {
  const auto served = registry_.served();
  const auto others = further();
  ThreadLock lock(mutex_);
  const bool present = !served_.owner_before(served) && !served.owner_before(served_) && further_generation_ == others->generation;
  if (!present) {
    aggregated_.clear();
    served_ = served;
    further_generation_ = others->generation;
  }
  std::shared_ptr<const published::Document>& made = aggregated_[form];
  if (made) return made;
  const std::string_view version = form.v2 ? "v2" : "v2beta1";
  const std::string text =
      fmt::format("{{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/{}\",\"metadata\":{{}},\"items\":[{}]}}\n", version,
                  aggregated_items(*served, *others, form.core));
  auto document = std::make_shared<published::Document>();
  document->etag = apimachinery::etag_of(text);
  document->content_type = fmt::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", version);
  document->stretches.push_back({"", std::make_shared<const published::Packed>(text), nullptr, published::Section::Paths});
  made = std::move(document);
  return made;
}

}  // namespace pintle::apiserver::endpoints
