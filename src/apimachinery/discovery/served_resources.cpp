#include "apimachinery/discovery/served_resources.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "apimachinery/discovery/served_table.h"

namespace pintle::apimachinery {
namespace {

constexpr std::array<std::string_view, 8> verb_table = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};

struct Table {
  std::vector<ServedResource> resources;
  std::vector<ServedGroupVersion> group_versions;
  std::vector<const ServedResource*> by_name;  // sorted by (group, version, name)
};

auto key_of(const ServedResource& resource) { return std::tuple(resource.group, resource.version, resource.name); }

std::span<const std::string_view> filled(const std::array<std::string_view, names_max>& names) {
  const auto end = std::ranges::find(names, std::string_view());
  return {names.begin(), static_cast<std::size_t>(end - names.begin())};
}

Table build(std::span<const ServedRow> rows) {
  Table table;
  table.resources.reserve(rows.size());
  for (const ServedRow& row : rows) {
    table.resources.push_back({row.group, row.version, row.name, row.singular, row.kind, row.namespaced, static_cast<Verbs>(row.verbs),
                               row.storage_version_hash, filled(row.short_names), filled(row.categories), row.subresources});
  }
  const std::span<const ServedResource> all = table.resources;
  for (std::size_t begin = 0, i = 1; i <= all.size(); ++i) {
    if (i < all.size() && all[i].group == all[begin].group && all[i].version == all[begin].version) continue;
    table.group_versions.push_back({all[begin].group, all[begin].version, all.subspan(begin, i - begin)});
    begin = i;
  }
  for (const ServedResource& resource : all) table.by_name.push_back(&resource);
  std::ranges::sort(table.by_name, {}, [](const ServedResource* r) { return key_of(*r); });
  return table;
}

const Table& table() {
  static const Table instance = build(served_rows());
  return instance;
}
const Table& add_ons() {
  static const Table instance = build(add_on_rows());
  return instance;
}

const ServedResource* find_in(const Table& table, std::string_view group, std::string_view version, std::string_view resource) {
  const auto& sorted = table.by_name;
  const auto key = std::tuple(group, version, resource);
  const auto it = std::ranges::lower_bound(sorted, key, {}, [](const ServedResource* r) { return key_of(*r); });
  return it != sorted.end() && key_of(**it) == key ? *it : nullptr;
}

}  // namespace

Verbs parse_verb(std::string_view name) {
  const auto it = std::ranges::find(verb_table, name);
  return it == verb_table.end() ? 0 : static_cast<Verbs>(1u << (it - verb_table.begin()));
}

std::vector<std::string_view> verb_names(Verbs verbs) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < verb_table.size(); ++i)
    if (verbs & (1u << i)) names.push_back(verb_table[i]);
  return names;
}

const ServedSubresource* ServedResource::find_subresource(std::string_view subresource) const {
  const auto it = std::ranges::find(subresources, subresource, &ServedSubresource::name);
  return it == subresources.end() ? nullptr : &*it;
}

api::GroupVersionKind ServedResource::subresource_gvk(const ServedSubresource& subresource) const {
  if (subresource.version.empty()) return {group, version, subresource.kind};
  return {subresource.group, subresource.version, subresource.kind};
}

std::span<const ServedResource> served_resources() { return table().resources; }
std::span<const ServedGroupVersion> served_group_versions() { return table().group_versions; }

std::span<const ServedGroupVersion> add_on_group_versions() { return add_ons().group_versions; }

const ServedResource* find_served_resource(std::string_view group, std::string_view version, std::string_view resource) {
  if (const ServedResource* found = find_in(table(), group, version, resource)) return found;
  return find_in(add_ons(), group, version, resource);
}

const ServedGroupVersion* find_served_group_version(std::string_view group, std::string_view version) {
  for (const auto& all : {served_group_versions(), add_on_group_versions()})
    for (const ServedGroupVersion& served : all)
      if (served.group == group && served.version == version) return &served;
  return nullptr;
}

}  // namespace pintle::apimachinery
