// Managed fields: who owns what of an object, as metadata.managedFields states it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "apimachinery/apply/field_set.h"
#include "base/status.h"

namespace pintle::apimachinery {

inline constexpr std::size_t managed_entries_max = 1000;  // that a client may send; then they are no valid managed fields
inline constexpr std::size_t update_managers_max = 10;    // then the oldest are merged into "ancient-changes"

struct ManagerEntry {
  std::string manager;
  bool applied = false;  // operation Apply; else Update
  std::string api_version;
  std::string subresource;
  std::optional<api::Time> time;
  FieldSet fields;

  // The same owner: applies of one manager are one whatever their version.
  bool same_owner(const ManagerEntry& other) const {
    return manager == other.manager && applied == other.applied && subresource == other.subresource && (applied || api_version == other.api_version);
  }
};

class ManagedFields {
 public:
  // BadRequest if there are more than managed_entries_max, or an entry has no valid operation, apiVersion, fieldsType or fields.
  static Result<ManagedFields> decode(std::span<const api::meta_v1::ManagedFieldsEntry> entries);
  // In upstream's order: applies first, then by time, manager, version, subresource.
  std::vector<api::meta_v1::ManagedFieldsEntry> encode();

  bool empty() const { return entries_.empty(); }
  std::vector<ManagerEntry>& entries() { return entries_; }
  const std::vector<ManagerEntry>& entries() const { return entries_; }
  // nullptr if there is none of that owner.
  ManagerEntry* find(const ManagerEntry& owner);
  ManagerEntry& add(ManagerEntry entry) { return entries_.emplace_back(std::move(entry)); }
  void drop_empty();
  // Merges the oldest updates beyond update_managers_max into one entry for each version.
  void cap_updates();

 private:
  std::vector<ManagerEntry> entries_;
};

// "kubectl" of the User-Agent "kubectl/v1.36.3 (linux/amd64) kubernetes/abc", at most 128 bytes; what `manager` says
// comes first. "unknown" if neither says anything.
std::string manager_name(std::string_view manager, std::string_view user_agent);

}  // namespace pintle::apimachinery
