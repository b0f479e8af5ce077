#include "apimachinery/discovery/runtime_resources.h"

#include <algorithm>
#include <utility>

namespace pintle::apimachinery {
namespace {

using Described = std::vector<std::shared_ptr<const RuntimeResource>>;

Described by_name(Described resources) {
  std::ranges::sort(resources, {}, [](const auto& one) -> const std::string& { return one->name; });
  return resources;
}

}  // namespace

RuntimeGroupVersion::RuntimeGroupVersion(std::string group, std::string version, Described resources)
    : group_(std::move(group)), version_(std::move(version)), described_(by_name(std::move(resources))) {
  resources_.reserve(described_.size());
  for (const auto& resource : described_) {
    const RuntimeResource& one = *resource;
    ServedResource& made = resources_.emplace_back();
    made.group = group_;
    made.version = version_;
    made.name = one.name;
    made.singular = one.singular;
    made.kind = one.kind;
    made.namespaced = one.namespaced;
    made.verbs = one.verbs;
    made.storage_version_hash = one.storage_version_hash;
    made.short_names = keep(one.short_names);
    made.categories = keep(one.categories);
    std::vector<ServedSubresource>& below = subresources_.emplace_back();
    for (const RuntimeSubresource& sub : one.subresources) below.push_back({sub.name, sub.kind, sub.verbs, sub.group, sub.version});
    made.subresources = below;
  }
  served_ = {group_, version_, resources_};
}

std::span<const std::string_view> RuntimeGroupVersion::keep(const std::vector<std::string>& texts) {
  return lists_.emplace_back(texts.begin(), texts.end());
}

const std::string& RuntimeGroupVersion::text(const std::function<std::string(const ServedGroupVersion&)>& make) const {
  std::call_once(written_, [&] { text_ = make(served_); });
  return text_;
}

}  // namespace pintle::apimachinery
