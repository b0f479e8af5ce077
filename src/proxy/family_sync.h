// One IP family's half of the sync: takes what changed through the pure table into the kernel, and starts over from the
// kernel's own state when that fails. Used by one task.
#pragma once

#include <set>

#include "os/nft.h"
#include "proxy/nftables/table.h"
#include "proxy/types/changes.h"
#include "proxy/types/metrics.h"
#include "rt/runtime.h"

namespace pintle::proxy {

class FamilySync {
 public:
  FamilySync(rt::Runtime& runtime, os::Nft& nft, Metrics& metrics, nftables::RulesConfig config);

  // After set_config() everything is planned again; nothing that stays the same is written.
  void set_config(nftables::RulesConfig config);
  // Brings `changed` services (all, where that is needed) into the kernel, in one transaction.
  rt::Task<Result<Unit>> sync(const Sources& sources, const std::set<ServiceName>& changed);
  bool has_stale_chains() { return !broken_ && table_.ruleset().has_stale_chains(); }
  rt::Task<void> delete_stale_chains();
  // Somebody has deleted a table: if it was this one, the next sync() makes it again. True then.
  rt::Task<bool> check_table();

  Family family() const { return table_.config().family; }
  const nftables::Table& table() const { return table_; }

 private:
  rt::Task<Result<Unit>> begin_again();
  void plan(const Sources& sources, const std::set<ServiceName>& changed);
  rt::Task<Result<Unit>> run(std::string commands);
  rt::Task<void> forget_stale_flows();

  rt::Runtime& runtime_;
  os::Nft& nft_;
  Metrics& metrics_;
  const std::vector<std::string> label_;
  nftables::Table table_;
  bool broken_ = true;      // what the kernel has is not known
  bool everything_ = true;  // every service has to be planned again
  int failures_ = 0;
};

}  // namespace pintle::proxy
