// The resources that this server serves, as one table: the registry installs them, discovery announces them, OpenAPI
// describes their paths. Custom resources and aggregated servers come on top at run time and are not in this table.
// The table is constant and lives for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "api/type.h"

namespace pintle::apimachinery {

// A set of verbs; the bits are in alphabetical order, which is the order in which discovery writes them.
using Verbs = uint8_t;
namespace verb {
inline constexpr Verbs create = 1 << 0;
inline constexpr Verbs delete_ = 1 << 1;
inline constexpr Verbs deletecollection = 1 << 2;
inline constexpr Verbs get = 1 << 3;
inline constexpr Verbs list = 1 << 4;
inline constexpr Verbs patch = 1 << 5;
inline constexpr Verbs update = 1 << 6;
inline constexpr Verbs watch = 1 << 7;
}  // namespace verb
inline constexpr Verbs all_verbs = 0xff;
inline constexpr Verbs status_verbs = verb::get | verb::patch | verb::update;

// "create" ...; 0 for a name that is no such verb.
Verbs parse_verb(std::string_view name);
// The names in alphabetical order.
std::vector<std::string_view> verb_names(Verbs verbs);

struct ServedSubresource {
  std::string_view name;  // "status"
  std::string_view kind;  // of the body: "Pod", "Scale", "Binding" ...
  Verbs verbs = 0;
  std::string_view group;  // of `kind`; both empty: those of the resource
  std::string_view version;
};

struct ServedResource {
  std::string_view group;  // "" for the core group
  std::string_view version;
  std::string_view name;  // plural: "pods"
  std::string_view singular;
  std::string_view kind;
  bool namespaced = false;
  Verbs verbs = 0;
  std::string_view storage_version_hash;  // "": has none (review kinds)
  std::span<const std::string_view> short_names;
  std::span<const std::string_view> categories;
  std::span<const ServedSubresource> subresources;

  const ServedSubresource* find_subresource(std::string_view subresource) const;
  api::GroupVersionKind gvk() const { return {group, version, kind}; }
  // The kind of the body at `subresource`, where the table may name another group and version.
  api::GroupVersionKind subresource_gvk(const ServedSubresource& subresource) const;
  bool can(Verbs verb) const { return (verbs & verb) != 0; }
};

// In the order of discovery: groups by priority, the core group first, resources by name within a version.
std::span<const ServedResource> served_resources();

// A group version and its resources, a slice of served_resources().
struct ServedGroupVersion {
  std::string_view group;
  std::string_view version;
  std::span<const ServedResource> resources;
};
// In the order of discovery; the first version of a group is its preferred one.
std::span<const ServedGroupVersion> served_group_versions();

// Further ones, which upstream has in servers of their own (metrics.k8s.io): not among the above, and served by whoever is told to.
std::span<const ServedGroupVersion> add_on_group_versions();

// Of both. nullptr if it is not served. O(log n).
const ServedResource* find_served_resource(std::string_view group, std::string_view version, std::string_view resource);
const ServedGroupVersion* find_served_group_version(std::string_view group, std::string_view version);

}  // namespace pintle::apimachinery
