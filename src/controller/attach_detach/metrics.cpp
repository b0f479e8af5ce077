#include "controller/attach_detach/metrics.h"

#include "rt/seconds.h"

namespace pintle::controller::attach_detach {

namespace {

constexpr double operation_bounds[] = {.1, .25, .5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600};  // seconds

std::string nth(const std::string& pod, std::size_t i) { return pod + "#" + std::to_string(i); }

}  // namespace

Metrics::Metrics(Families& families)
    : in_use_(families.gauges("storage_count_attachable_volumes_in_use", "Volumes that pods need on a node.", {"node", "volume_plugin"})),
      total_(families.gauges("attachdetach_controller_total_volumes", "Volumes that are to be attached, and that are.", {"plugin_name", "state"})),
      forced_(families.counters("attach_detach_controller_attachdetach_controller_forced_detaches", "Detachments without the node's consent.",
                                {"reason"})),
      operations_(families.histograms("storage_operation_duration_seconds", "Time that a storage operation took.", operation_bounds,
                                      {"volume_plugin", "operation_name", "status", "migrated"})) {}

void Metrics::pod_needs(const std::string& pod, const std::string& node, const std::vector<rules::CsiVolume>& volumes) {
  const auto there = needs_.find(pod);
  const std::size_t before = there != needs_.end() ? there->second : 0;
  for (std::size_t i = 0; i < volumes.size(); ++i) in_use_.put(nth(pod, i), {node, plugin_name(volumes[i])});
  for (std::size_t i = volumes.size(); i < before; ++i) in_use_.erase(nth(pod, i));
  if (!volumes.empty()) {
    needs_[pod] = volumes.size();
  } else if (there != needs_.end()) {
    needs_.erase(there);
  }
}

void Metrics::place(const rules::CsiVolume& volume, const std::string& node, bool wanted, bool known) {
  const std::string key = unique_name(volume) + "@" + node;
  for (const auto& [state, is] : {std::pair("desired_state_of_world", wanted), std::pair("actual_state_of_world", known)}) {
    if (is) {
      total_.put(key + "=" + state, {plugin_name(volume), state});
    } else {
      total_.erase(key + "=" + state);
    }
  }
}

void Metrics::done(const rules::CsiVolume& volume, std::string_view operation, bool worked, rt::Duration took) {
  operations_.with({plugin_name(volume), std::string(operation), worked ? "success" : "fail-unknown", volume.migrated ? "true" : "false"})
      .observe(rt::seconds(took));
}

}  // namespace pintle::controller::attach_detach
