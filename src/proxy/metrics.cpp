#include "proxy/metrics.h"

#include <array>

namespace pintle::proxy {
namespace {

// 1 ms, doubled 14 times.
constexpr auto sync_bounds = [] {
  std::array<double, 15> out{};
  double bound = 0.001;
  for (double& b : out) b = bound, bound *= 2;
  return out;
}();

// Quarters of a second, seconds to one minute, fives to two minutes, then halves of a minute to five.
constexpr auto programming_bounds = [] {
  std::array<double, 2 + 59 + 12 + 7> out{};
  std::size_t i = 0;
  for (int n = 1; n <= 2; ++n) out[i++] = 0.25 * n;
  for (int n = 1; n <= 59; ++n) out[i++] = n;
  for (int n = 0; n < 12; ++n) out[i++] = 60 + 5 * n;
  for (int n = 0; n < 7; ++n) out[i++] = 120 + 30 * n;
  return out;
}();

}  // namespace

Metrics::Metrics(component::metrics::Registry& registry)
    : sync_seconds(registry, {"kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", {"ip_family"}}, sync_bounds),
      full_sync_seconds(registry,
                        {"kubeproxy_sync_full_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds for full resyncs", {"ip_family"}},
                        sync_bounds),
      partial_sync_seconds(
          registry, {"kubeproxy_sync_partial_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds for partial resyncs", {"ip_family"}},
          sync_bounds),
      network_programming_seconds(
          registry, {"kubeproxy_network_programming_duration_seconds", "In Cluster Network Programming Latency in seconds", {"ip_family"}},
          programming_bounds),
      conntrack_seconds(registry,
                        {"kubeproxy_conntrack_reconciler_sync_duration_seconds", "ReconcileConntrackFlowsLatency latency in seconds", {"ip_family"}},
                        sync_bounds),
      conntrack_deleted(
          registry,
          {"kubeproxy_conntrack_reconciler_deleted_entries_total", "Cumulative conntrack flows deleted by conntrack reconciler", {"ip_family"}}),
      sync_failures(registry, {"kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures", {"ip_family"}}),
      cleanup_failures(registry,
                       {"kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", "Cumulative proxy nftables cleanup failures", {"ip_family"}}),
      last_sync_timestamp(registry,
                          {"kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time proxy rules were successfully synced", {"ip_family"}}),
      last_queued_timestamp(
          registry, {"kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "The last time a sync of proxy rules was queued", {"ip_family"}}),
      no_local_endpoints(registry, {"kubeproxy_sync_proxy_rules_no_local_endpoints_total",
                                    "Number of services with a Local traffic policy and no endpoints",
                                    {"ip_family", "traffic_policy"}}),
      endpoint_changes_pending(registry, {"kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Pending proxy rules Endpoint changes", {}}),
      endpoint_changes(registry, {"kubeproxy_sync_proxy_rules_endpoint_changes_total", "Cumulative proxy rules Endpoint changes", {}}),
      service_changes_pending(registry, {"kubeproxy_sync_proxy_rules_service_changes_pending", "Pending proxy rules Service changes", {}}),
      service_changes(registry, {"kubeproxy_sync_proxy_rules_service_changes_total", "Cumulative proxy rules Service changes", {}}),
      healthz(registry, {"kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status", {"code"}}),
      livez(registry, {"kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status", {"code"}}) {}

}  // namespace pintle::proxy
