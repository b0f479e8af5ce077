#include "proxy/family_sync.h"

#include <netinet/in.h>

#include "component/log.h"
#include "os/conntrack.h"
#include "proxy/conntrack.h"
#include "proxy/nftables/base_rules.h"
#include "rt/seconds.h"

namespace pintle::proxy {
namespace {

namespace log = component::log;

// Of a table that is built as a whole.
constexpr std::size_t chains_per_transaction_max = 500;

using rt::seconds;

}  // namespace

FamilySync::FamilySync(rt::Runtime& runtime, os::Nft& nft, Metrics& metrics, nftables::RulesConfig config)
    : runtime_(runtime), nft_(nft), metrics_(metrics), label_{std::string(family_name(config.family))}, table_(std::move(config)) {}

void FamilySync::set_config(nftables::RulesConfig config) {
  if (config == table_.config()) return;
  table_.set_config(std::move(config));
  everything_ = true;
}

// A table that another proxy left is brought into shape at first. If that fails it is replaced as a whole.
rt::Task<Result<Unit>> FamilySync::begin_again() {
  everything_ = true;
  if (failures_ > 0) {
    table_.replace();
    co_return Unit{};
  }
  Result<std::string> listing;
  co_await runtime_.run_blocking([&] { listing = nft_.list_table(std::string(nftables::table_of(family()))); });
  if (!listing) co_return Unexpected(std::move(listing).error());
  table_.rebuild(nftables::parse_table(*listing));
  co_return Unit{};
}

void FamilySync::plan(const Sources& sources, const std::set<ServiceName>& changed) {
  const auto put = [&](const ServiceName& name) {
    const std::string key = client::object_key(name.namespace_name, name.name);
    const auto service = sources.services.get(key);
    const auto slices =
        service ? sources.slices.by_index(slices_by_service, key) : std::vector<client::Informer<api::discovery_v1::EndpointSlice>::Ptr>();
    std::vector<const api::discovery_v1::EndpointSlice*> pointers;
    for (const auto& slice : slices) pointers.push_back(slice.get());
    table_.update(name, service.get(), pointers);
  };
  if (!everything_) {
    for (const ServiceName& name : changed) put(name);
    return;
  }
  std::set<ServiceName> all = changed;
  for (const auto& [name, ports] : table_.services()) all.insert(name);
  for (const auto& service : sources.services.list()) all.insert({service->metadata.namespace_, service->metadata.name});
  for (const ServiceName& name : all) put(name);
  everything_ = false;
}

rt::Task<Result<Unit>> FamilySync::run(std::string commands) {
  Result<Unit> done;
  co_await runtime_.run_blocking([&] { done = nft_.run(commands); });
  co_return done;
}

rt::Task<Result<Unit>> FamilySync::sync(const Sources& sources, const std::set<ServiceName>& changed) {
  const rt::TimePoint start = runtime_.clock().now();
  const bool full = broken_;
  Result<Unit> done = Unit{};
  if (broken_) done = co_await begin_again();
  if (done) {
    broken_ = false;
    plan(sources, changed);
    for (std::string& commands : table_.ruleset().take_transactions(chains_per_transaction_max)) {
      done = co_await run(std::move(commands));
      if (!done) break;
    }
  }
  const double took = seconds(runtime_.clock().now() - start);
  metrics_.sync_seconds.with(label_).observe(took);
  (full ? metrics_.full_sync_seconds : metrics_.partial_sync_seconds).with(label_).observe(took);
  if (!done) {
    broken_ = true;
    ++failures_;
    metrics_.sync_failures.with(label_).add();
    co_return done;
  }
  failures_ = 0;
  metrics_.last_sync_timestamp.with(label_).set(seconds(runtime_.clock().wall_now().time_since_epoch()));
  metrics_.no_local_endpoints.with({label_[0], "internal"}).set(static_cast<double>(table_.ruleset().no_local_internal()));
  metrics_.no_local_endpoints.with({label_[0], "external"}).set(static_cast<double>(table_.ruleset().no_local_external()));
  log::info(2, "The rules are in place", {{"ipFamily", label_[0]}, {"elapsed", std::to_string(took)}});
  co_await forget_stale_flows();
  co_return Unit{};
}

rt::Task<void> FamilySync::forget_stale_flows() {
  const auto frontends = table_.take_udp_changes();
  if (frontends.empty()) co_return;
  const rt::TimePoint start = runtime_.clock().now();
  const Family family = this->family();
  Result<std::size_t> deleted = 0;
  co_await runtime_.run_blocking([&] {
    auto flows = os::list_conntrack(family == Family::IPv6, IPPROTO_UDP);
    if (!flows) {
      deleted = Unexpected(std::move(flows).error());
      return;
    }
    const auto stale = stale_flows(family, std::move(*flows), frontends);
    deleted = os::delete_conntrack(family == Family::IPv6, stale);
  });
  if (!deleted) log::error("Failed to clear stale conntrack entries", deleted.error(), {{"ipFamily", label_[0]}});
  if (deleted) metrics_.conntrack_deleted.with(label_).add(*deleted);
  metrics_.conntrack_seconds.with(label_).observe(seconds(runtime_.clock().now() - start));
}

rt::Task<bool> FamilySync::check_table() {
  if (broken_) co_return true;
  Result<std::string> listing;
  co_await runtime_.run_blocking([&] { listing = nft_.list_table(std::string(nftables::table_of(family()))); });
  broken_ = !listing || listing->empty();
  co_return broken_;
}

rt::Task<void> FamilySync::delete_stale_chains() {
  std::string commands = table_.ruleset().take_stale_chains();
  if (commands.empty()) co_return;
  auto done = co_await run(std::move(commands));
  if (done) co_return;
  metrics_.cleanup_failures.with(label_).add();
  log::error("Chains that nothing uses stay until the next sync", done.error(), {{"ipFamily", label_[0]}});
  broken_ = true;
}

}  // namespace pintle::proxy
