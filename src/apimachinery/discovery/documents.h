// The discovery documents, made from a catalog: what is served at a moment, built-in or not. They are typed, so that
// every media type comes from the usual encoders.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apidiscovery_v2.h"
#include "api/gen/meta_v1.h"

namespace pintle::apimachinery {

struct CatalogSubresource {
  std::string name;
  std::string group;  // of the kind; both empty: those of the resource
  std::string version;
  std::string kind;
  std::vector<std::string> verbs;
};
struct CatalogResource {
  std::string name;
  std::string singular;
  std::string kind;
  bool namespaced = false;
  std::vector<std::string> verbs;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::string storage_version_hash;
  std::vector<CatalogSubresource> subresources;
};
struct CatalogVersion {
  std::string version;
  std::vector<CatalogResource> resources;
  bool stale = false;  // an aggregated server that does not answer
};
struct CatalogGroup {
  std::string name;                      // "" for the core group
  std::vector<CatalogVersion> versions;  // the preferred one first
};
using Catalog = std::vector<CatalogGroup>;

// The served table (served_resources.h) as a catalog: the core group first.
Catalog built_in_catalog();

// GET /api; `server_address` is host:port as clients outside see it.
api::meta_v1::APIVersions api_versions(const Catalog& catalog, std::string_view server_address);
// GET /apis, /apis/<group>, /api/v1 and /apis/<group>/<version>; nullopt: not served.
api::meta_v1::APIGroupList api_group_list(const Catalog& catalog);
std::optional<api::meta_v1::APIGroup> api_group(const Catalog& catalog, std::string_view group);
std::optional<api::meta_v1::APIResourceList> api_resource_list(const Catalog& catalog, std::string_view group, std::string_view version);
// The aggregated form of /api (`core`) and /apis.
api::apidiscovery_v2::APIGroupDiscoveryList aggregated_discovery(const Catalog& catalog, bool core);

// A quoted ETag for a document's bytes.
std::string etag_of(std::string_view bytes);
// 32 hexadecimal digits that differ where the bytes do; not for secrets.
std::string content_hash(std::string_view bytes);

}  // namespace pintle::apimachinery
