#include "kubelet/status/generate.h"

#include "kubelet/resources/pod_resources.h"
#include "kubelet/status/conditions.h"
#include "kubelet/status/container_status.h"
#include "kubelet/status/pod_level_resources.h"
#include "rules/pod_state.h"

namespace pintle::kubelet::status {

using namespace api::core_v1;

namespace {

void fill_addresses(const StatusInputs& inputs, PodStatus& status) {
  for (const auto& ip : inputs.node_ips) status.host_ips.push_back({ip});
  if (!inputs.node_ips.empty()) status.host_ip = inputs.node_ips.front();
  const SandboxState* sandbox = inputs.state.sandbox();
  if (inputs.pod.spec.host_network) {
    if (sandbox || !inputs.previous.pod_ips.empty()) {
      for (const auto& ip : inputs.node_ips) status.pod_ips.push_back({ip});
    }
  } else if (sandbox && sandbox->ready) {
    for (const auto& ip : sandbox->ips) status.pod_ips.push_back({ip});
  } else if (inputs.terminating || inputs.terminated || sandbox) {
    status.pod_ips = inputs.previous.pod_ips;  // whoever looks after the end still learns it
  }
  if (!status.pod_ips.empty()) status.pod_ip = status.pod_ips.front().ip;
}

}  // namespace

PodStatus generate_status(const StatusInputs& inputs) {
  PodStatus status;
  status.observed_generation = inputs.pod.metadata.generation;
  status.start_time = inputs.previous.start_time ? inputs.previous.start_time : std::optional<api::Time>(to_time(inputs.now));
  status.qos_class = rules::qos_class(inputs.pod);
  status.nominated_node_name = inputs.pod.status.nominated_node_name;
  status.resource_claim_statuses = inputs.pod.status.resource_claim_statuses;
  status.extended_resource_claim_status = inputs.pod.status.extended_resource_claim_status;
  status.node_allocatable_resource_claim_statuses = inputs.pod.status.node_allocatable_resource_claim_statuses;
  status.init_container_statuses = container_statuses(inputs, StatusKind::Init);
  status.container_statuses = container_statuses(inputs, StatusKind::Main);
  status.ephemeral_container_statuses = container_statuses(inputs, StatusKind::Ephemeral);
  fill_addresses(inputs, status);
  status.phase = rules::is_terminal_phase(inputs.previous.phase) ? inputs.previous.phase : pod_phase(inputs.pod, status, inputs.terminated);
  if (!inputs.failed_reason.empty()) {
    status.phase = "Failed";
    status.reason = inputs.failed_reason;
    status.message = inputs.failed_message;
  } else {
    status.reason = inputs.previous.reason;
    status.message = inputs.previous.message;
  }
  status.resources = pod_level_resources(inputs.pod, inputs.previous.phase, inputs.cgroup ? &*inputs.cgroup : nullptr);
  status.allocated_resources = rules::pod_requests(inputs.pod.spec);
  status.conditions = pod_conditions(inputs, status);
  return status;
}

}  // namespace pintle::kubelet::status
