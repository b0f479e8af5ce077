#include "apiserver/endpoints/discovery.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/gen/apidiscovery_v2.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/discovery/priority.h"
#include "apimachinery/discovery/served_resources.h"
#include "apimachinery/discovery/version_order.h"
#include "apiserver/exchange/negotiation.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/types/errors.h"

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

// Those of a resource that a definition brought stand in the order in which clients have always seen them.
std::vector<std::string> verbs_of(const ServedResource& resource) {
  std::vector<std::string> names = strings(apimachinery::verb_names(resource.verbs));
  if (apimachinery::find_served_resource(resource.group, resource.version, resource.name) != nullptr) return names;
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

meta::APIGroup group_of(const ServedSet& served, std::string_view name) {
  meta::APIGroup out;
  out.name = name;
  for (const ServedGroupVersion& version : served.group_versions()) {
    if (version.group != name) continue;
    auto& entry = out.versions.emplace_back();
    entry.group_version = group_version_name(version);
    entry.version = version.version;
  }
  if (!out.versions.empty()) out.preferred_version = out.versions.front();
  return out;
}

aggregated::APIResourceDiscovery aggregated_resource(const ServedResource& resource) {
  aggregated::APIResourceDiscovery out;
  out.resource = resource.name;
  out.response_kind.ensure().kind = resource.kind;
  out.scope = resource.namespaced ? "Namespaced" : "Cluster";
  out.singular_resource = resource.singular;
  out.verbs = verbs_of(resource);
  out.short_names = strings(resource.short_names);
  out.categories = strings(resource.categories);
  for (const ServedSubresource& subresource : resource.subresources) {
    auto& entry = out.subresources.emplace_back();
    entry.subresource = subresource.name;
    auto& kind = entry.response_kind.ensure();
    kind.group = subresource.group;
    kind.version = subresource.version;
    kind.kind = subresource.kind;
    entry.verbs = strings(apimachinery::verb_names(subresource.verbs));
  }
  return out;
}

aggregated::APIGroupDiscoveryList aggregated_list(const ServedSet& served, bool core) {
  aggregated::APIGroupDiscoveryList out;
  for (const ServedGroupVersion& version : served.group_versions()) {
    if (version.group.empty() != core) continue;
    if (out.items.empty() || out.items.back().metadata.name != version.group) out.items.emplace_back().metadata.name = version.group;
    auto& entry = out.items.back().versions.emplace_back();
    entry.version = version.version;
    entry.freshness = "Current";
    for (const ServedResource& resource : version.resources) entry.resources.push_back(aggregated_resource(resource));
  }
  return out;
}

using FurtherVersions = std::vector<std::shared_ptr<const published::FurtherVersion>>;
using apimachinery::DiscoveryPriority;

// Group versions in the order of discovery, of this server and of others.
struct Told {
  std::string_view group, version;
  DiscoveryPriority priority;
  const ServedGroupVersion* here = nullptr;            // one of these two
  const published::FurtherVersion* further = nullptr;  // is what serves it
};

std::vector<Told> in_order(const ServedSet& served, const FurtherVersions& further) {
  constexpr DiscoveryPriority first{20001, 0};
  std::vector<Told> out;
  for (const auto& one : further) out.push_back({one->group, one->version, one->priority, nullptr, one.get()});
  const auto elsewhere = [&](const ServedGroupVersion& version) {
    return std::ranges::any_of(further, [&](const auto& one) { return one->group == version.group && one->version == version.version; });
  };
  for (const ServedGroupVersion& version : served.group_versions()) {
    if (elsewhere(version)) continue;
    const bool king = version.group == "apiregistration.k8s.io";
    out.push_back(
        {version.group, version.version, king ? first : apimachinery::discovery_priority(version.group, version.version), &version, nullptr});
  }
  std::map<std::string_view, int32_t> groups;
  for (const Told& one : out) groups[one.group] = std::max(groups[one.group], one.priority.group);
  std::ranges::stable_sort(out, [&](const Told& a, const Told& b) {
    if (a.group != b.group) return groups[a.group] != groups[b.group] ? groups[a.group] > groups[b.group] : a.group < b.group;
    if (a.priority.version != b.priority.version) return a.priority.version > b.priority.version;
    return apimachinery::version_precedes(a.version, b.version);
  });
  return out;
}

meta::APIGroupList merged_groups(const ServedSet& served, const FurtherVersions& further) {
  meta::APIGroupList out;
  for (const Told& one : in_order(served, further)) {
    if (one.group.empty()) continue;
    if (out.groups.empty() || out.groups.back().name != one.group) out.groups.emplace_back().name = one.group;
    meta::APIGroup& group = out.groups.back();
    auto& entry = group.versions.emplace_back();
    entry.group_version = fmt::format("{}/{}", one.group, one.version);
    entry.version = one.version;
    group.preferred_version = group.versions.front();
  }
  return out;
}

void merge_further(aggregated::APIGroupDiscoveryList& list, const ServedSet& served, const FurtherVersions& further) {
  std::map<std::pair<std::string, std::string>, aggregated::APIVersionDiscovery> known;
  for (auto& group : list.items)
    for (auto& version : group.versions) known[{group.metadata.name, version.version}] = std::move(version);
  list.items.clear();
  for (const Told& one : in_order(served, further)) {
    if (one.group.empty()) continue;
    if (list.items.empty() || list.items.back().metadata.name != one.group) list.items.emplace_back().metadata.name = one.group;
    auto& versions = list.items.back().versions;
    versions.push_back(one.further != nullptr ? one.further->discovery : std::move(known[{std::string(one.group), std::string(one.version)}]));
  }
}

// A tag that changes with the content: two 64-bit FNV-1a sums.
std::string entity_tag(std::string_view content) {
  uint64_t a = 0xcbf29ce484222325, b = 0x84222325cbf29ce4;
  for (const char c : content) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    b = (b ^ static_cast<unsigned char>(c)) * 0x1000000016f;
  }
  return fmt::format("\"{:016X}{:016X}\"", a, b);
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
  const std::string_view group = path.substr(0, slash);
  const auto others = further();
  const bool known = registry_.served()->has_group(group) || std::ranges::any_of(others, [&](const auto& one) { return one->group == group; });
  return known && (slash == path.npos || path.find('/', slash + 1) == path.npos);
}

FurtherVersions Discovery::further() const {
  FurtherVersions out;
  if (further_ == nullptr) return out;
  const auto listed = further_->listed();
  for (const auto& [name, version] : listed->versions)
    if (!version->group.empty()) out.push_back(version);
  return out;
}

rt::Task<void> Discovery::serve(exchange::Exchange& exchange, std::string path) {
  if (exchange.request.method != "GET") {
    co_await exchange::answer_failure(exchange, errors::method_not_allowed());
    co_return;
  }
  const auto served = registry_.served();
  const bool root = path == "/api" || path == "/apis";
  const auto form = exchange::negotiate(exchange.request.headers.get("accept"),
                                        exchange::Offer{.yaml = true, .protobuf = true, .table = false, .partial = false, .discovery = root});
  if (!form) {
    co_await exchange::answer_failure(exchange, form.error());
    co_return;
  }
  if (form->shape != exchange::Shape::Object) {
    co_await serve_aggregated(exchange, *served, path == "/api", form->shape == exchange::Shape::DiscoveryV2);
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
    const FurtherVersions others = further();
    meta::APIGroupList groups;
    if (!others.empty()) groups = merged_groups(*served, others);
    if (others.empty())
      for (const ServedGroupVersion& version : served->group_versions())
        if (!version.group.empty() && (groups.groups.empty() || groups.groups.back().name != version.group))
          groups.groups.push_back(group_of(*served, version.group));
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
      meta::APIGroup group = group_of(*served, rest);
      if (const FurtherVersions others = further(); !others.empty())
        for (meta::APIGroup& one : merged_groups(*served, others).groups)
          if (one.name == rest) group = std::move(one);
      body = versioned(media, group, "APIGroup");
    } else {
      co_await exchange::answer_failure(exchange, errors::no_such_route());
      co_return;
    }
  }
  co_await exchange::answer(exchange, 200, exchange::content_type(media), std::move(body));
}

rt::Task<void> Discovery::serve_aggregated(exchange::Exchange& exchange, const apimachinery::ServedSet& served, bool core, bool v2) {
  auto list = aggregated_list(served, core);
  if (const FurtherVersions others = further(); !core && !others.empty()) merge_further(list, served, others);
  const api::GroupVersionKind kind{"apidiscovery.k8s.io", v2 ? "v2" : "v2beta1", "APIGroupDiscoveryList"};
  std::string json;
  api::encode_json(api::type_of<aggregated::APIGroupDiscoveryList>(), &list, json, &kind);
  const std::string tag = entity_tag(json);
  net::Headers& headers = exchange.writer.headers();
  headers.set("etag", tag);
  headers.set("vary", "Accept");
  headers.set("cache-control", "public");
  if (exchange.request.headers.get("if-none-match") == tag) {
    exchange.status = 304;
    (void)co_await exchange.writer.start(304);
    co_return;
  }
  const std::string type = fmt::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", kind.version);
  json += '\n';
  co_await exchange::answer(exchange, 200, type, Bytes(std::move(json)));
}

}  // namespace pintle::apiserver::endpoints
