#include "proxy/types/metrics.h"

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
    : sync_seconds(registry, {"kubeproxy_sync_proxy_rules_duration_seconds", "Seconds that a sync of the rules took.", {"ip_family"}}, sync_bounds),
      full_sync_seconds(registry, {"kubeproxy_sync_full_proxy_rules_duration_seconds", "Seconds that a sync of all rules took.", {"ip_family"}},
                        sync_bounds),
      partial_sync_seconds(registry,
                           {"kubeproxy_sync_partial_proxy_rules_duration_seconds", "Seconds that a sync of what had changed took.", {"ip_family"}},
                           sync_bounds),
      network_programming_seconds(
          registry,
          {"kubeproxy_network_programming_duration_seconds", "Seconds from a change of endpoints until the rules follow it.", {"ip_family"}},
          programming_bounds),
      conntrack_seconds(
          registry,
          {"kubeproxy_conntrack_reconciler_sync_duration_seconds", "Seconds that a look through the tracked connections took.", {"ip_family"}},
          sync_bounds),
      conntrack_deleted(registry, {"kubeproxy_conntrack_reconciler_deleted_entries_total", "Tracked connections that were removed.", {"ip_family"}}),
      sync_failures(registry, {"kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Syncs that nftables refused.", {"ip_family"}}),
      cleanup_failures(
          registry,
          {"kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", "Removals of unused chains that nftables refused.", {"ip_family"}}),
      last_sync_timestamp(registry, {"kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When the rules were last in place.", {"ip_family"}}),
      last_queued_timestamp(registry, {"kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "When a sync was last asked for.", {"ip_family"}}),
      no_local_endpoints(registry, {"kubeproxy_sync_proxy_rules_no_local_endpoints_total",
                                    "Services with the traffic policy Local and no endpoint on this node.",
                                    {"ip_family", "traffic_policy"}}),
      endpoint_changes_pending(registry, {"kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Changes of endpoints that wait for a sync.", {}}),
      endpoint_changes(registry, {"kubeproxy_sync_proxy_rules_endpoint_changes_total", "Changes of endpoints seen.", {}}),
      service_changes_pending(registry, {"kubeproxy_sync_proxy_rules_service_changes_pending", "Changes of Services that wait for a sync.", {}}),
      service_changes(registry, {"kubeproxy_sync_proxy_rules_service_changes_total", "Changes of Services seen.", {}}),
      healthz(registry, {"kubeproxy_proxy_healthz_total", "Answers of /healthz, by status.", {"code"}}),
      livez(registry, {"kubeproxy_proxy_livez_total", "Answers of /livez, by status.", {"code"}}) {}

}  // namespace pintle::proxy
