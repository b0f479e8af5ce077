#include "apimachinery/discovery/served_set.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "apimachinery/discovery/version_order.h"
#include "base/check.h"

namespace pintle::apimachinery {

namespace {

// Versions that upstream knows and that are not in the served table. `resources`: it has some of its own, which this
// release lacks; the others are the shells of versions that are served no more.
struct OtherVersion {
  std::string_view group;
  std::string_view version;
  bool resources = false;
};
constexpr OtherVersion other_versions[] = {
    {"admissionregistration.k8s.io", "v1alpha1", true},
    {"admissionregistration.k8s.io", "v1beta1", true},
    {"apps", "v1beta1"},
    {"apps", "v1beta2"},
    {"authentication.k8s.io", "v1alpha1"},
    {"authentication.k8s.io", "v1beta1"},
    {"authorization.k8s.io", "v1beta1"},
    {"batch", "v1beta1"},
    {"certificates.k8s.io", "v1alpha1", true},
    {"certificates.k8s.io", "v1beta1", true},
    {"coordination.k8s.io", "v1alpha2", true},
    {"coordination.k8s.io", "v1beta1", true},
    {"discovery.k8s.io", "v1beta1"},
    {"events.k8s.io", "v1beta1"},
    {"extensions", "v1beta1"},
    {"flowcontrol.apiserver.k8s.io", "v1beta1"},
    {"flowcontrol.apiserver.k8s.io", "v1beta2"},
    {"flowcontrol.apiserver.k8s.io", "v1beta3"},
    {"imagepolicy.k8s.io", "v1alpha1"},
    {"internal.apiserver.k8s.io", "v1alpha1", true},
    {"networking.k8s.io", "v1beta1", true},
    {"node.k8s.io", "v1alpha1"},
    {"node.k8s.io", "v1beta1"},
    {"policy", "v1beta1"},
    {"rbac.authorization.k8s.io", "v1alpha1"},
    {"rbac.authorization.k8s.io", "v1beta1"},
    {"resource.k8s.io", "v1alpha3", true},
    {"resource.k8s.io", "v1beta1", true},
    {"resource.k8s.io", "v1beta2", true},
    {"scheduling.k8s.io", "v1alpha2", true},
    {"scheduling.k8s.io", "v1beta1"},
    {"storage.k8s.io", "v1alpha1", true},
    {"storage.k8s.io", "v1beta1", true},
    {"storagemigration.k8s.io", "v1beta1", true},
};

const OtherVersion* find_other(std::string_view group, std::string_view version) {
  const auto it = std::ranges::find_if(other_versions, [&](const OtherVersion& o) { return o.group == group && o.version == version; });
  return it == std::end(other_versions) ? nullptr : &*it;
}

bool known_group(std::string_view group) {
  return std::ranges::any_of(served_group_versions(), [&](const ServedGroupVersion& v) { return v.group == group; }) ||
         std::ranges::any_of(other_versions, [&](const OtherVersion& o) { return o.group == group; });
}

enum class Stage { GA, Beta, Alpha };
Stage stage_of(std::string_view version) {
  if (version.find("alpha") != version.npos) return Stage::Alpha;
  return version.find("beta") != version.npos ? Stage::Beta : Stage::GA;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t slash; (slash = text.find('/')) != text.npos; text.remove_prefix(slash + 1)) parts.push_back(text.substr(0, slash));
  parts.push_back(text);
  return parts;
}

// What the configuration says, taken apart.
struct Wishes {
  std::optional<bool> all, ga, beta, alpha;
  std::map<std::pair<std::string_view, std::string_view>, bool> versions;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, bool> resources;

  bool wants(const ServedResource& resource) const {
    if (const auto it = resources.find({resource.group, resource.version, resource.name}); it != resources.end()) return it->second;
    if (const auto it = versions.find({resource.group, resource.version}); it != versions.end()) return it->second;
    const Stage stage = stage_of(resource.version);
    const auto& of_stage = stage == Stage::GA ? ga : stage == Stage::Beta ? beta : alpha;
    return of_stage.value_or(all.value_or(true));
  }
};

Result<bool> read_bool(std::string_view key, std::string_view value) {
  for (const std::string_view yes : {"", "1", "t", "T", "true", "TRUE", "True"})
    if (value == yes) return true;
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (value == no) return false;
  return bad_request(fmt::format("invalid value of {}: {}, it must be true or false", key, value));
}

std::optional<bool>* stage_key(Wishes& wishes, std::string_view key) {
  if (key == "api/all") return &wishes.all;
  if (key == "api/ga") return &wishes.ga;
  if (key == "api/beta") return &wishes.beta;
  if (key == "api/alpha") return &wishes.alpha;
  return nullptr;
}

// One "group/version[/resource]".
Result<Unit> add_version(Wishes& wishes, std::string_view key, std::string_view value) {
  const auto parts = split(key);
  if ((parts.size() != 2 && parts.size() != 3) || parts[1].empty()) return bad_request(fmt::format("runtime-config invalid key {}", key));
  const std::string_view group = parts[0], version = parts[1];
  if (!known_group(group)) return bad_request(fmt::format("unknown api groups {}", group));
  const OtherVersion* other = find_other(group, version);
  if (other == nullptr && find_served_group_version(group, version) == nullptr)
    return bad_request(fmt::format("group version {}/{} that has not been registered", group, version));
  TRY_ASSIGN(const bool enabled, read_bool(key, value));
  if (other != nullptr && other->resources && enabled)
    return bad_request(fmt::format("--runtime-config: {}/{} is not served by this release", group, version));
  if (parts.size() == 2) {
    wishes.versions[{group, version}] = enabled;
    return Unit{};
  }
  if (std::ranges::any_of(parts[2], [](char c) { return c >= 'A' && c <= 'Z'; }))
    return bad_request(fmt::format("invalid key {}: group/version/resource and resource is always lowercase plural, not \"{}\"", key, parts[2]));
  wishes.resources[{group, version, parts[2]}] = enabled;
  return Unit{};
}

Result<Wishes> read_wishes(const std::map<std::string, std::string>& config) {
  Wishes wishes;
  if (config.size() == 1 && config.contains("api/all") && config.at("api/all") == "false") return bad_request("invalid key with only api/all=false");
  for (const auto& [key, value] : config) {
    if (std::optional<bool>* stage = stage_key(wishes, key)) {
      if (value != "true" && value != "false") return bad_request(fmt::format("invalid value {}={}", key, value));
      *stage = value == "true";
    } else {
      TRY(add_version(wishes, key, value));
    }
  }
  return wishes;
}

std::vector<ServedGroupVersion> group(std::span<const ServedResource> all) {
  std::vector<ServedGroupVersion> out;
  for (std::size_t begin = 0, i = 1; i <= all.size() && begin < all.size(); ++i) {
    if (i < all.size() && all[i].group == all[begin].group && all[i].version == all[begin].version) continue;
    out.push_back({all[begin].group, all[begin].version, all.subspan(begin, i - begin)});
    begin = i;
  }
  return out;
}

}  // namespace

ServedSet::ServedSet() : table_(served_group_versions().begin(), served_group_versions().end()) { arrange(); }

Result<ServedSet> ServedSet::configured(const std::map<std::string, std::string>& config) {
  ServedSet set;
  if (config.empty()) return set;
  TRY_ASSIGN(const Wishes wishes, read_wishes(config));
  std::vector<ServedResource> wanted;
  for (const ServedResource& resource : served_resources())
    if (wishes.wants(resource)) wanted.push_back(resource);
  set.resources_ = std::make_shared<const std::vector<ServedResource>>(std::move(wanted));
  set.table_ = group(*set.resources_);
  set.arrange();
  return set;
}

ServedSet ServedSet::with_add_on(std::string_view group) const {
  ServedSet out = with({});
  for (const ServedGroupVersion& one : add_on_group_versions())
    if (one.group == group) out.table_.push_back(one);
  CHECK(out.table_.size() > table_.size(), "there is no such add-on");
  out.arrange();
  return out;
}

ServedSet ServedSet::with(std::vector<std::shared_ptr<const RuntimeGroupVersion>> added) const {
  ServedSet out;
  out.resources_ = resources_;
  out.table_ = table_;
  out.runtime_ = runtime_;
  const auto in_table = [&](const ServedGroupVersion& one) {
    return std::ranges::any_of(table_, [&](const ServedGroupVersion& other) { return other.group == one.group && other.version == one.version; });
  };
  for (auto& one : added)
    if (!in_table(one->served())) out.runtime_.push_back(std::move(one));
  std::ranges::sort(out.runtime_, [](const auto& a, const auto& b) {
    const ServedGroupVersion &left = a->served(), &right = b->served();
    return left.group != right.group ? left.group < right.group : version_precedes(left.version, right.version);
  });
  out.arrange();
  return out;
}

// Of a group that the table has too, what was installed comes first: so say the priorities.
void ServedSet::arrange() {
  group_versions_.clear();
  group_versions_.reserve(table_.size() + runtime_.size());
  std::set<std::string_view> groups_of_table;
  for (const ServedGroupVersion& one : table_) {
    if (groups_of_table.insert(one.group).second && !runtime_.empty()) {
      const auto of_group = std::ranges::equal_range(runtime_, one.group, {}, [](const auto& other) { return other->served().group; });
      for (const auto& installed : of_group) group_versions_.push_back(installed->served());
    }
    group_versions_.push_back(one);
  }
  for (const auto& one : runtime_)
    if (!groups_of_table.contains(one->served().group)) group_versions_.push_back(one->served());
  first_of_group_.clear();
  for (std::size_t i = 0; i < group_versions_.size(); ++i) first_of_group_.emplace(group_versions_[i].group, i);
}

std::span<const ServedGroupVersion> ServedSet::versions_of(std::string_view group) const {
  const auto it = first_of_group_.find(group);
  if (it == first_of_group_.end()) return {};
  std::size_t end = it->second;
  while (end < group_versions_.size() && group_versions_[end].group == group) ++end;
  return std::span(group_versions_).subspan(it->second, end - it->second);
}

const ServedGroupVersion* ServedSet::find_group_version(std::string_view group, std::string_view version) const {
  const std::span<const ServedGroupVersion> versions = versions_of(group);
  const auto it = std::ranges::find(versions, version, &ServedGroupVersion::version);
  return it == versions.end() ? nullptr : &*it;
}

const RuntimeGroupVersion* ServedSet::find_runtime(std::string_view group, std::string_view version) const {
  for (const auto& one : std::ranges::equal_range(runtime_, group, {}, [](const auto& other) { return other->served().group; }))
    if (one->served().version == version) return one.get();
  return nullptr;
}

bool ServedSet::serves(std::string_view group, std::string_view version, std::string_view resource) const {
  const ServedGroupVersion* found = find_group_version(group, version);
  return found != nullptr && std::ranges::any_of(found->resources, [&](const ServedResource& r) { return r.name == resource; });
}

}  // namespace pintle::apimachinery
