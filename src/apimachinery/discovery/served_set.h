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
  // The same with an add-on's group behind those of the table, and part of table() from then on. CHECKs that there is one of that name.
  ServedSet with_add_on(std::string_view group) const;

  // The same with these besides, behind the groups of the table: groups by the alphabet, versions by version_precedes(); first of a group that
  // the table has as well. Of a group version that the table has, the table's is served.
  ServedSet with(std::vector<std::shared_ptr<const RuntimeGroupVersion>> added) const;

  ServedSet(ServedSet&&) = default;
  ServedSet& operator=(ServedSet&&) = default;
  ServedSet(const ServedSet&) = delete;
  ServedSet& operator=(const ServedSet&) = delete;

  // In the order of discovery; the first version of a group is its preferred one. Versions without a resource left are
  // not among them.
  std::span<const ServedGroupVersion> group_versions() const { return group_versions_; }
  // Of these, those of the table, and those of resources that were installed since, each in the same order.
  std::span<const ServedGroupVersion> table() const { return table_; }
  std::span<const std::shared_ptr<const RuntimeGroupVersion>> runtime() const { return runtime_; }
  const ServedGroupVersion* find_group_version(std::string_view group, std::string_view version) const;
  // Those of one group; none: it is not served.
  std::span<const ServedGroupVersion> versions_of(std::string_view group) const;
  // nullptr: it is not one of runtime().
  const RuntimeGroupVersion* find_runtime(std::string_view group, std::string_view version) const;
  bool serves(std::string_view group, std::string_view version, std::string_view resource) const;
  bool has_group(std::string_view group) const { return !versions_of(group).empty(); }

 private:
  void arrange();

  std::shared_ptr<const std::vector<ServedResource>> resources_;  // table_ points into it
  std::vector<ServedGroupVersion> table_;
  std::vector<std::shared_ptr<const RuntimeGroupVersion>> runtime_;
  std::vector<ServedGroupVersion> group_versions_;
  std::map<std::string_view, std::size_t> first_of_group_;  // in group_versions_
};

}  // namespace pintle::apimachinery
