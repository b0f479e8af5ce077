#include "apimachinery/discovery/documents.h"

#include <algorithm>

#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery {
namespace {

namespace meta = api::meta_v1;
namespace v2 = api::apidiscovery_v2;

std::vector<std::string> strings_of(std::span<const std::string_view> views) { return {views.begin(), views.end()}; }

CatalogResource catalog_entry(const ServedResource& served) {
  CatalogResource resource;
  resource.name = served.name;
  resource.singular = served.singular;
  resource.kind = served.kind;
  resource.namespaced = served.namespaced;
  resource.verbs = strings_of(verb_names(served.verbs));
  resource.short_names = strings_of(served.short_names);
  resource.categories = strings_of(served.categories);
  resource.storage_version_hash = served.storage_version_hash;
  for (const ServedSubresource& part : served.subresources)
    resource.subresources.push_back(
        {std::string(part.name), std::string(part.group), std::string(part.version), std::string(part.kind), strings_of(verb_names(part.verbs))});
  return resource;
}

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

meta::APIGroup group_document(const CatalogGroup& group) {
  meta::APIGroup document;
  document.name = group.name;
  for (const CatalogVersion& version : group.versions) document.versions.push_back({group_version(group.name, version.version), version.version});
  if (!document.versions.empty()) document.preferred_version = document.versions.front();
  return document;
}

meta::GroupVersionKind kind_document(std::string_view group, std::string_view version, std::string_view kind) {
  meta::GroupVersionKind document;
  document.group = group;
  document.version = version;
  document.kind = kind;
  return document;
}

v2::APIResourceDiscovery resource_document(const CatalogResource& resource) {
  v2::APIResourceDiscovery document;
  document.resource = resource.name;
  document.response_kind.emplace() = kind_document("", "", resource.kind);
  document.scope = resource.namespaced ? v2::ResourceScope::Namespaced : v2::ResourceScope::Cluster;
  document.singular_resource = resource.singular;
  document.verbs = resource.verbs;
  document.short_names = resource.short_names;
  document.categories = resource.categories;
  for (const CatalogSubresource& part : resource.subresources) {
    v2::APISubresourceDiscovery& out = document.subresources.emplace_back();
    out.subresource = part.name;
    out.response_kind.emplace() = kind_document(part.group, part.version, part.kind);
    out.verbs = part.verbs;
  }
  return document;
}

const CatalogGroup* find_group(const Catalog& catalog, std::string_view name) {
  const auto it = std::ranges::find(catalog, name, &CatalogGroup::name);
  return it == catalog.end() ? nullptr : &*it;
}

}  // namespace

Catalog built_in_catalog() {
  Catalog catalog;
  for (const ServedGroupVersion& served : served_group_versions()) {
    auto group = std::ranges::find(catalog, served.group, &CatalogGroup::name);
    if (group == catalog.end()) {
      catalog.push_back({std::string(served.group), {}});
      group = catalog.end() - 1;
    }
    CatalogVersion& version = group->versions.emplace_back();
    version.version = served.version;
    for (const ServedResource& resource : served.resources) version.resources.push_back(catalog_entry(resource));
  }
  return catalog;
}

meta::APIVersions api_versions(const Catalog& catalog, std::string_view server_address) {
  meta::APIVersions document;
  if (const CatalogGroup* core = find_group(catalog, ""))
    for (const CatalogVersion& version : core->versions) document.versions.push_back(version.version);
  meta::ServerAddressByClientCIDR& address = document.server_address_by_client_cidrs.emplace_back();
  address.client_cidr = "0.0.0.0/0";
  address.server_address = server_address;
  return document;
}

meta::APIGroupList api_group_list(const Catalog& catalog) {
  meta::APIGroupList document;
  for (const CatalogGroup& group : catalog)
    if (!group.name.empty()) document.groups.push_back(group_document(group));
  return document;
}

std::optional<meta::APIGroup> api_group(const Catalog& catalog, std::string_view group) {
  const CatalogGroup* found = group.empty() ? nullptr : find_group(catalog, group);
  if (found == nullptr) return std::nullopt;
  return group_document(*found);
}

std::optional<meta::APIResourceList> api_resource_list(const Catalog& catalog, std::string_view group, std::string_view version) {
  const CatalogGroup* found = find_group(catalog, group);
  if (found == nullptr) return std::nullopt;
  const auto served = std::ranges::find(found->versions, version, &CatalogVersion::version);
  if (served == found->versions.end()) return std::nullopt;
  meta::APIResourceList document;
  document.group_version = group_version(group, version);
  for (const CatalogResource& resource : served->resources) {
    meta::APIResource& out = document.resources.emplace_back();
    out.name = resource.name;
    out.singular_name = resource.singular;
    out.namespaced = resource.namespaced;
    out.kind = resource.kind;
    out.verbs = resource.verbs;
    out.short_names = resource.short_names;
    out.categories = resource.categories;
    out.storage_version_hash = resource.storage_version_hash;
    for (const CatalogSubresource& part : resource.subresources) {
      meta::APIResource& sub = document.resources.emplace_back();
      sub.name = resource.name + "/" + part.name;
      sub.namespaced = resource.namespaced;
      sub.group = part.group;
      sub.version = part.version;
      sub.kind = part.kind;
      sub.verbs = part.verbs;
    }
  }
  return document;
}

v2::APIGroupDiscoveryList aggregated_discovery(const Catalog& catalog, bool core) {
  v2::APIGroupDiscoveryList document;
  for (const CatalogGroup& group : catalog) {
    if (group.name.empty() != core) continue;
    v2::APIGroupDiscovery& out = document.items.emplace_back();
    out.metadata.name = group.name;
    for (const CatalogVersion& version : group.versions) {
      v2::APIVersionDiscovery& entry = out.versions.emplace_back();
      entry.version = version.version;
      entry.freshness = version.stale ? v2::DiscoveryFreshness::Stale : v2::DiscoveryFreshness::Current;
      for (const CatalogResource& resource : version.resources) entry.resources.push_back(resource_document(resource));
    }
  }
  return document;
}

std::string content_hash(std::string_view bytes) {
  // Two FNV-1a sums that start and multiply differently.
  uint64_t a = 0xcbf29ce484222325, b = 0x9ae16a3b2f90404f;
  for (const char c : bytes) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    b = (b + static_cast<unsigned char>(c)) * 0xff51afd7ed558ccd;
    b ^= b >> 32;
  }
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const uint64_t sum : {a, b})
    for (int shift = 60; shift >= 0; shift -= 4) out += hex[sum >> shift & 15];
  return out;
}

std::string etag_of(std::string_view bytes) { return "\"" + content_hash(bytes) + "\""; }

}  // namespace pintle::apimachinery
