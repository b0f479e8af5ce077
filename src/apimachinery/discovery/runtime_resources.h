// RuntimeGroupVersion: resources that a server serves since it runs, of a definition rather than of the table of served resources, in the form of
// that table and with the texts that it views.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery {

struct RuntimeSubresource {
  std::string name, kind;
  Verbs verbs = 0;
  std::string group, version;  // of `kind`; both empty: those of the resource
};

struct RuntimeResource {
  std::string name, singular, kind;
  bool namespaced = false;
  Verbs verbs = all_verbs;
  std::string storage_version_hash;
  std::vector<std::string> short_names, categories;
  std::vector<RuntimeSubresource> subresources;
};

// Constant once made. What served() gives lives as long as this.
class RuntimeGroupVersion {
 public:
  // `resources` in any order.
  RuntimeGroupVersion(std::string group, std::string version, std::vector<RuntimeResource> resources);
  RuntimeGroupVersion(const RuntimeGroupVersion&) = delete;
  RuntimeGroupVersion& operator=(const RuntimeGroupVersion&) = delete;

  const ServedGroupVersion& served() const { return served_; }

 private:
  std::span<const std::string_view> keep(const std::vector<std::string>& texts);

  const std::string group_, version_;
  const std::vector<RuntimeResource> described_;
  std::deque<std::vector<std::string_view>> lists_;
  std::deque<std::vector<ServedSubresource>> subresources_;
  std::vector<ServedResource> resources_;
  ServedGroupVersion served_;
};

}  // namespace pintle::apimachinery
