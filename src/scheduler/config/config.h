// The scheduler's configuration: upstream's defaults, or a KubeSchedulerConfiguration file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "base/status.h"
#include "rt/clock.h"
#include "scheduler/framework/profile.h"

namespace pintle::scheduler::config {

struct SchedulerConfig {
  std::vector<ProfileSpec> profiles;  // at least one
  std::vector<api::kubeschedulerconfig_v1::Extender> extenders;
  int32_t percentage_of_nodes_to_score = 0;  // of profiles without their own; 0: adaptive
  rt::Duration pod_initial_backoff = std::chrono::seconds(1);
  rt::Duration pod_max_backoff = std::chrono::seconds(10);
  rt::Duration pod_max_in_unschedulable = std::chrono::minutes(5);

  // What only the stand-alone command uses.
  bool leader_elect = true;
  std::string lease_name = "kube-scheduler";
  std::string lease_namespace = "kube-system";
  rt::Duration lease_duration = std::chrono::seconds(15);
  rt::Duration renew_deadline = std::chrono::seconds(10);
  rt::Duration retry_period = std::chrono::seconds(2);
  std::string kubeconfig;
  double client_qps = 50;
  double client_burst = 100;
  std::string effective_json;               // the whole, with its defaults, as /configz shows it
  std::vector<std::string> without_effect;  // fields of the file that this release knows and does not act on, and that differ from their defaults
};

// One profile, "default-scheduler", with every default plugin.
SchedulerConfig default_config();
// Paths of the fields by their JSON names that nothing here acts on.
std::span<const std::string_view> fields_without_effect();
// Reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) from YAML or JSON, strictly. BadRequest names the
// field at fault.
Result<SchedulerConfig> parse_config(std::string_view text);

}  // namespace pintle::scheduler::config
