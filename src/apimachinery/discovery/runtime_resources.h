// RuntimeGroupVersion: resources that a server serves since it runs, of a definition rather than of the table of served resources, in the form of
// that table and with the texts that it views.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
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

// What else is told of a resource, by those who publish it: they know its type.
class PublishedResource {
 public:
  virtual ~PublishedResource() = default;
};

struct RuntimeResource {
  std::string name, singular, kind;
  bool namespaced = false;
  Verbs verbs = all_verbs;
  std::string storage_version_hash;
  std::vector<std::string> short_names, categories;
  std::vector<RuntimeSubresource> subresources;
  std::shared_ptr<const PublishedResource> published;  // nullptr: OpenAPI does not tell of it
};

// Constant once made. What served() gives lives as long as this.
class RuntimeGroupVersion {
 public:
  // `resources` in any order.
  RuntimeGroupVersion(std::string group, std::string version, std::vector<std::shared_ptr<const RuntimeResource>> resources);
  RuntimeGroupVersion(const RuntimeGroupVersion&) = delete;
  RuntimeGroupVersion& operator=(const RuntimeGroupVersion&) = delete;

  const ServedGroupVersion& served() const { return served_; }
  // In the order of served(): by name.
  const std::vector<std::shared_ptr<const RuntimeResource>>& described() const { return described_; }
  // What discovery writes of it, made at the first call and kept.
  const std::string& text(const std::function<std::string(const ServedGroupVersion&)>& make) const;

 private:
  std::span<const std::string_view> keep(const std::vector<std::string>& texts);

  const std::string group_, version_;
  const std::vector<std::shared_ptr<const RuntimeResource>> described_;
  std::deque<std::vector<std::string_view>> lists_;
  std::deque<std::vector<ServedSubresource>> subresources_;
  std::vector<ServedResource> resources_;
  ServedGroupVersion served_;
  mutable std::once_flag written_;
  mutable std::string text_;
};

}  // namespace pintle::apimachinery
