// ServedSet: what a server serves at a moment: the part of the served table that it was told to serve (--runtime-config), and what was
// installed since. Constant once made, and cheap: the resources stay those of the table and of their definitions.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/discovery/runtime_resources.h"
#include "base/status.h"

namespace pintle::apimachinery {

class ServedSet {
 public:
  // The whole table.
  ServedSet();
  // What is left of it after `config`: "api/all", "api/ga", "api/beta", "api/alpha", "group/version" and
  // "group/version/resource" (the core group is empty: "/v1"), each "true" or "false"; the more particular one wins.
  // BadRequest with one line for a malformed key or value, an unknown group or version, and a version that upstream
  // has and this release does not.
  static Result<ServedSet> configured(const std::map<std::string, std::string>& config);

  // The same with these besides, behind the groups that are there: groups by the alphabet, versions by version_precedes(). Of a group
  // version that the table has too, the table's is served.
  ServedSet with(std::vector<std::shared_ptr<const RuntimeGroupVersion>> added) const;

  ServedSet(ServedSet&&) = default;
  ServedSet& operator=(ServedSet&&) = default;
  ServedSet(const ServedSet&) = delete;
  ServedSet& operator=(const ServedSet&) = delete;

  // In the order of discovery; the first version of a group is its preferred one. Versions without a resource left are
  // not among them.
  std::span<const ServedGroupVersion> group_versions() const { return group_versions_; }
  const ServedGroupVersion* find_group_version(std::string_view group, std::string_view version) const;
  bool serves(std::string_view group, std::string_view version, std::string_view resource) const;
  bool has_group(std::string_view group) const;

 private:
  std::shared_ptr<const std::vector<ServedResource>> resources_;     // group_versions_ point into it
  std::vector<std::shared_ptr<const RuntimeGroupVersion>> runtime_;  // and into these
  std::vector<ServedGroupVersion> group_versions_;
};

}  // namespace pintle::apimachinery
