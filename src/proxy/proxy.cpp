#include "proxy/proxy.h"

#include <linux/netlink.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "component/log.h"
#include "net/server.h"
#include "os/netlink/monitor.h"
#include "os/netlink/netlink.h"
#include "proxy/conntrack_settings.h"
#include "proxy/family_sync.h"
#include "proxy/health/health_server.h"
#include "proxy/health/service_health.h"
#include "proxy/nftables/base_rules.h"
#include "proxy/types/changes.h"
#include "proxy/types/metrics.h"
#include "rt/sync.h"

namespace pintle::proxy {
namespace {

namespace log = component::log;

// Kernels before 6.2 refuse to delete a chain right after the last reference to it has gone.
constexpr rt::Duration stale_chain_delay = std::chrono::seconds(1);
constexpr rt::Duration drain_grace = std::chrono::seconds(1);
constexpr std::size_t health_connections_max = 1024;
constexpr Family families[] = {Family::IPv4, Family::IPv6};

// "0.0.0.0:10256", "[::]:10256".
Result<rt::Endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535 || !parse_address(host))
    return error(Reason::Invalid, "\"" + text + "\" is no address and port");
  return rt::Endpoint{host, static_cast<uint16_t>(std::stoi(port))};
}

Result<std::vector<Address>> interface_addresses() {
  TRY_ASSIGN(auto netlink, os::netlink::Netlink::open());
  TRY_ASSIGN(const auto found, netlink.addresses());
  std::vector<Address> out;
  for (const auto& entry : found)
    if (const auto address = parse_address(entry.prefix.substr(0, entry.prefix.find('/')))) out.push_back(*address);
  return out;
}

}  // namespace

struct Proxy::State {
  explicit State(ProxySetup s)
      : setup(std::move(s)),
        metrics(registry),
        health(std::chrono::nanoseconds(2 * setup.config.nftables.sync_period.nanos)),
        health_handler(setup.runtime.clock(), health, metrics),
        metrics_handler(registry),
        service_health(setup.runtime, [this] { return health.healthy(setup.runtime.clock().wall_now()); }) {}

  rt::Task<Result<Unit>> open_ports();
  rt::Task<Result<Unit>> open_port(std::string address, net::Handler& handler, std::string what);
  rt::Task<Result<Unit>> probe_families();
  rt::Task<nftables::RulesConfig> rules_config(Family family);
  rt::Task<void> sync_loop();
  rt::Task<void> keep_pace();
  rt::Task<bool> sync_once();
  rt::Task<void> sync_service_health();
  void mark_queued();
  rt::Task<Result<Unit>> wait_for_work();
  rt::Task<void> watch_kernel();

  ProxySetup setup;
  component::metrics::Registry registry;
  Metrics metrics;
  health::ProxyHealth health;
  health::HealthHandler health_handler;
  health::MetricsHandler metrics_handler;
  health::ServiceHealth service_health;
  std::vector<std::unique_ptr<net::Server>> servers;
  std::unique_ptr<client::Informers> own_informers;
  std::optional<Sources> sources;
  std::shared_ptr<Changes> changes = std::make_shared<Changes>();
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::vector<std::unique_ptr<FamilySync>> syncs;
  bool table_deleted = false;  // by whomever: to be looked into by the sync loop
  std::map<ServiceName, nftables::HealthCheck> health_checks;
  std::vector<std::string> health_addresses;
  rt::TimePoint last_sync{};
  bool synced_once = false;
  rt::Event synced;
  rt::TaskGroup tasks;
};

Proxy::Proxy(ProxySetup setup) : state_(std::make_unique<State>(std::move(setup))) {}
Proxy::~Proxy() = default;

const component::metrics::Registry& Proxy::metrics() const { return state_->registry; }

rt::Task<Result<Unit>> Proxy::start() {
  State& s = *state_;
  CO_TRY(nftables::validate(s.setup.config));
  if (!s.setup.nft) s.setup.nft = os::make_nft();
  CO_TRY(co_await s.probe_families());
  if (s.setup.set_conntrack_limits) co_await s.setup.runtime.run_blocking([&s] { apply_conntrack(s.setup.config.conntrack); });
  CO_TRY(co_await s.open_ports());
  const bool shared = s.setup.informers != nullptr;
  if (!shared) s.own_informers = std::make_unique<client::Informers>(s.setup.client);
  client::Informers& informers = shared ? *s.setup.informers : *s.own_informers;
  s.sources = make_sources(informers, s.setup.node_name, shared);
  watch(*s.sources, s.setup.node_name, s.changes, [&s, alive = std::weak_ptr<bool>(s.alive)] {
    if (alive.lock()) s.mark_queued();
  });
  informers.start();
  s.tasks.spawn(s.sync_loop());
  s.tasks.spawn(s.watch_kernel());
  co_return Unit{};
}

rt::Task<Result<Unit>> Proxy::wait_synced(rt::Context ctx) { co_return co_await state_->synced.wait(std::move(ctx)); }

rt::Task<void> Proxy::stop() {
  State& s = *state_;
  s.alive.reset();
  co_await s.tasks.close();
  co_await s.service_health.stop();
  for (auto& server : s.servers) co_await server->drain(drain_grace);
  s.servers.clear();
  if (s.own_informers) co_await s.own_informers->stop();
}

// A kernel without nftables for one family runs the other alone.
rt::Task<Result<Unit>> Proxy::State::probe_families() {
  Status last;
  for (const Family family : families) {
    Result<std::string> listing;
    co_await setup.runtime.run_blocking([&] { listing = setup.nft->list_table(std::string(nftables::table_of(family))); });
    if (!listing) {
      log::warning("This kernel does not proxy the IP family", {{"ipFamily", std::string(family_name(family))}, {"err", listing.error().message}});
      last = std::move(listing).error();
      continue;
    }
    nftables::RulesConfig empty;
    empty.family = family;
    syncs.push_back(std::make_unique<FamilySync>(setup.runtime, *setup.nft, metrics, std::move(empty)));
  }
  if (syncs.empty()) co_return Unexpected(std::move(last));
  co_return Unit{};
}

rt::Task<Result<Unit>> Proxy::State::open_port(std::string address, net::Handler& handler, std::string what) {
  if (address.empty()) co_return Unit{};
  net::ServerOptions options;
  CO_TRY_ASSIGN(options.listen, parse_endpoint(address));
  options.limits.connections_max = health_connections_max;
  auto server = net::make_server(setup.runtime, handler, std::move(options));
  auto started = co_await server->start();
  if (started) {
    servers.push_back(std::move(server));
    co_return Unit{};
  }
  co_await server->drain(rt::Duration::zero());
  if (setup.config.bind_address_hard_fail) co_return started;
  log::error("Cannot open the " + what + " port", started.error(), {{"address", address}});
  co_return Unit{};
}

rt::Task<Result<Unit>> Proxy::State::open_ports() {
  CO_TRY(co_await open_port(setup.config.healthz_bind_address, health_handler, "healthz"));
  co_return co_await open_port(setup.config.metrics_bind_address, metrics_handler, "metrics");
}

void Proxy::State::mark_queued() {
  const rt::WallTime now = setup.runtime.clock().wall_now();
  metrics.service_changes_pending.with({}).set(static_cast<double>(changes->service_changes));
  metrics.endpoint_changes_pending.with({}).set(static_cast<double>(changes->endpoint_changes));
  if (!synced_once) return;
  for (const auto& sync : syncs) {
    health.queued(sync->family(), now);
    metrics.last_queued_timestamp.with({std::string(family_name(sync->family()))}).set(std::chrono::duration<double>(now.time_since_epoch()).count());
  }
}

rt::Task<nftables::RulesConfig> Proxy::State::rules_config(Family family) {
  std::vector<Prefix> ranges;
  for (const auto& entry : sources->service_cidrs.list())
    for (const std::string& text : entry->spec.cidrs)
      if (const auto range = parse_prefix(text)) ranges.push_back(*range);
  const auto node = sources->nodes.get(setup.node_name);
  Result<std::vector<Address>> local = std::vector<Address>();
  if (!setup.config.node_port_addresses.empty()) co_await setup.runtime.run_blocking([&] { local = interface_addresses(); });
  if (!local) log::error("Cannot list the node's addresses", local.error());
  const std::vector<Address> addresses = local.value_or(std::vector<Address>());
  nftables::NodeFacts facts;
  facts.node_name = setup.node_name;
  facts.node = node.get();
  facts.service_cidrs = ranges;
  facts.local_addresses = addresses;
  co_return nftables::make_rules_config(family, setup.config, facts);
}

// `nft flush ruleset`, or a firewall that thinks it is alone on the machine, takes the rules away: they come back at once.
rt::Task<void> Proxy::State::watch_kernel() {
  auto monitor = os::netlink::Monitor::open(NETLINK_NETFILTER, os::netlink::nftables_group);
  if (!monitor) {
    if (monitor.error().reason != Reason::NotAcceptable) log::error("Cannot watch the kernel's tables", monitor.error());
    co_return;
  }
  const os::netlink::Monitor::Relevant relevant = [this](uint16_t type, std::string_view payload) {
    for (const auto& sync : syncs)
      if (os::netlink::is_table_deletion(type, payload, nftables::table_of(sync->family()))) return true;
    return false;
  };
  while (true) {
    auto seen = co_await (*monitor)->wait(tasks.context(), relevant);
    if (!seen) co_return;
    table_deleted = true;
    changes->pending.set();
  }
}

rt::Task<Result<Unit>> Proxy::State::wait_for_work() {
  bool stale = false;
  for (const auto& sync : syncs) stale |= sync->has_stale_chains();
  if (!stale) co_return co_await changes->pending.wait(tasks.context());
  const rt::Context soon = tasks.context().with_timeout(stale_chain_delay);
  auto waited = co_await changes->pending.wait(soon);
  if (tasks.context().done()) co_return Unexpected(tasks.context().status());
  if (waited) co_return Unit{};
  for (const auto& sync : syncs) co_await sync->delete_stale_chains();
  co_return Unit{};
}

// Not more often than minSyncPeriod: many changes together cost one transaction.
rt::Task<void> Proxy::State::keep_pace() {
  const rt::TimePoint next = last_sync + std::chrono::nanoseconds(setup.config.nftables.min_sync_period.nanos);
  if (synced_once && next > setup.runtime.clock().now()) (void)co_await rt::sleep_until(tasks.context(), next);
}

rt::Task<void> Proxy::State::sync_loop() {
  const rt::Context ctx = tasks.context();
  const rt::WallTime now = setup.runtime.clock().wall_now();
  for (const auto& sync : syncs) health.updated(sync->family(), now);
  auto ready = co_await sources->services.wait_synced(ctx);
  if (ready) ready = co_await sources->slices.wait_synced(ctx);
  if (ready) ready = co_await sources->nodes.wait_synced(ctx);
  if (ready) ready = co_await sources->service_cidrs.wait_synced(ctx);
  if (!ready) co_return;
  changes->config = true;
  changes->pending.set();
  rt::Duration retry = std::chrono::seconds(1);
  while (!ctx.done()) {
    auto work = co_await wait_for_work();
    if (!work) co_return;
    if (!changes->pending.is_set()) continue;
    co_await keep_pace();
    if (ctx.done()) co_return;
    const bool done = co_await sync_once();
    if (done) {
      retry = std::chrono::seconds(1);
      continue;
    }
    log::info(0, "The rules are not in place, tried again later", {{"retryingTime", api::format_duration({retry.count()})}});
    (void)co_await rt::sleep_for(ctx, retry);
    retry = std::min<rt::Duration>(2 * retry, std::chrono::nanoseconds(setup.config.nftables.sync_period.nanos));
    changes->pending.set();
  }
}

rt::Task<bool> Proxy::State::sync_once() {
  changes->pending.reset();
  const std::set<ServiceName> services = std::exchange(changes->services, {});
  const std::vector<api::Time> triggers = std::exchange(changes->triggers, {});
  metrics.service_changes.with({}).add(std::exchange(changes->service_changes, 0));
  metrics.endpoint_changes.with({}).add(std::exchange(changes->endpoint_changes, 0));
  metrics.service_changes_pending.with({}).set(0);
  metrics.endpoint_changes_pending.with({}).set(0);
  const bool config_changed = std::exchange(changes->config, false);
  if (config_changed) {
    const auto node = sources->nodes.get(setup.node_name);
    health.set_node_eligible(node && nftables::is_node_eligible(*node));
  }
  last_sync = setup.runtime.clock().now();
  bool all_done = true;
  const bool check_tables = std::exchange(table_deleted, false);
  for (const auto& sync : syncs) {
    if (check_tables) {
      const bool gone = co_await sync->check_table();
      if (gone) log::warning("The table was deleted by somebody else: writing it again", {{"ipFamily", std::string(family_name(sync->family()))}});
    }
    if (config_changed) {
      nftables::RulesConfig config = co_await rules_config(sync->family());
      sync->set_config(std::move(config));
    }
    auto done = co_await sync->sync(*sources, services);
    const rt::WallTime now = setup.runtime.clock().wall_now();
    if (!done) {
      all_done = false;
      log::error("nftables did not take the rules", done.error(), {{"ipFamily", std::string(family_name(sync->family()))}});
      continue;
    }
    health.updated(sync->family(), now);
    for (const api::Time& trigger : triggers) {
      const double since = std::chrono::duration<double>(now.time_since_epoch()).count() - static_cast<double>(trigger.seconds);
      metrics.network_programming_seconds.with({std::string(family_name(sync->family()))}).observe(std::max(since, 0.0));
    }
  }
  co_await sync_service_health();
  if (all_done && !synced_once) {
    synced_once = true;
    synced.set();
  }
  co_return all_done;
}

// A service's health check port counts the pods of whichever family the service has, once.
rt::Task<void> Proxy::State::sync_service_health() {
  std::map<ServiceName, nftables::HealthCheck> checks;
  std::vector<std::string> addresses;
  for (const auto& sync : syncs) {
    for (const auto& [name, check] : sync->table().health_checks()) {
      auto& known = checks[name];
      known.port = check.port;
      known.local_endpoints = std::max(known.local_endpoints, check.local_endpoints);
    }
    const nftables::RulesConfig& config = sync->table().config();
    if (config.node_ports_everywhere && sync->family() == Family::IPv4) addresses.push_back("0.0.0.0");
    for (const Address& address : config.node_port_ips) addresses.push_back(address.to_string());
  }
  if (checks == health_checks && addresses == health_addresses) co_return;
  health_checks = checks;
  health_addresses = addresses;
  auto failures = co_await service_health.sync(std::move(checks), std::move(addresses));
  for (const auto& failure : failures) {
    log::error("The health check of a Service does not listen", failure.status,
               {{"service", failure.service.namespace_name + "/" + failure.service.name}, {"port", std::to_string(failure.port)}});
    health_checks.erase(failure.service);  // tried again at the next sync
  }
}

rt::Task<Result<Unit>> clean_up(rt::Runtime& runtime) {
  const std::unique_ptr<os::Nft> nft = os::make_nft();
  Result<Unit> done = Unit{};
  co_await runtime.run_blocking([&] {
    for (const std::string_view table : {"ip kube-proxy", "ip6 kube-proxy"})
      if (auto one = nft->run("add table " + std::string(table) + "\ndelete table " + std::string(table) + "\n"); !one) done = one;
  });
  co_return done;
}

}  // namespace pintle::proxy
