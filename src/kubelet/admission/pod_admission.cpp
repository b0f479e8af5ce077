#include "kubelet/admission/pod_admission.h"

#include <algorithm>

#include "kubelet/admission/preemption.h"
#include "kubelet/admission/sysctls.h"
#include "kubelet/types/pod.h"
#include "rules/declared_features.h"
#include "rules/node_selector.h"
#include "rules/resource_claims.h"
#include "rules/resource_names.h"
#include "rules/tolerations.h"

namespace pintle::kubelet::admission {

namespace {

using api::core_v1::Node;
using api::core_v1::Pod;

PodAdmission refuse(std::string reason, std::string message) { return {false, std::move(reason), std::move(message), {}}; }

// A predicate that failed: a shortage, or anything else with its name.
struct Failure {
  std::string name;
  std::string message;
  std::optional<Shortage> shortage;
};
Failure failed(std::string name, std::string_view what) { return {name, "Predicate " + name + " failed: " + std::string(what), std::nullopt}; }

PodAdmission under_pressure(const PodAdmissionInputs& in) {
  const Pressure& pressure = in.pressure;
  if ((!pressure.memory && !pressure.disk && !pressure.pid) || is_critical_pod(in.pod)) return {};
  if (pressure.memory && !pressure.disk && !pressure.pid) {
    if (rules::qos_class(in.pod) != "BestEffort") return {};
    api::core_v1::Taint taint;
    taint.key = "node.kubernetes.io/memory-pressure";
    taint.effect = "NoSchedule";
    if (rules::is_tolerated(in.pod.spec.tolerations, taint, in.toleration_comparisons)) return {};
  }
  std::string conditions;
  const auto add = [&](bool on, const char* name) { conditions += on ? (conditions.empty() ? "" : " ") + std::string(name) : ""; };
  add(pressure.memory, "MemoryPressure");
  add(pressure.disk, "DiskPressure");
  add(pressure.pid, "PIDPressure");
  return refuse("Evicted", "The node had condition: [" + conditions + "]. ");
}

PodAdmission wrong_system(const Pod& pod, const Node& node) {
  const std::string* wanted = pod.metadata.labels.get("kubernetes.io/os");
  if (wanted && *wanted != "linux")
    return refuse("PodOSSelectorNodeLabelDoesNotMatch", "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label");
  if (pod.spec.os && pod.spec.os->name != "linux") return refuse("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
  const bool strict = pod.spec.security_context && pod.spec.security_context->supplemental_groups_policy.value_or("") == "Strict";
  if (strict && !(node.status.features && node.status.features->supplemental_groups_policy.value_or(false)))
    return refuse("SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node");
  return {};
}

int64_t amount_of(const rules::ResourceList& list, std::string_view resource) {
  return resource == "cpu" ? resources::resource_milli_value(list, resource) : resources::resource_value(list, resource);
}

void check_resource(const PodAdmissionInputs& in, const std::string& resource, int64_t requested, std::vector<Failure>& out) {
  if (requested == 0) return;
  int64_t used = 0;
  for (const Pod* other : in.others) used += request_amount(*other, resource);
  const int64_t capacity = amount_of(in.node->status.allocatable, resource);
  if (requested <= capacity - used) return;
  const auto number = [](int64_t value) { return std::to_string(value); };
  out.push_back({"OutOf" + resource,
                 "Node didn't have enough resource: " + resource + ", requested: " + number(requested) + ", used: " + number(used) +
                     ", capacity: " + number(capacity),
                 Shortage{resource, requested - (capacity - used)}});
}

// Without what comes to containers by the pod's claim for extended resources: no count of the node's stands for that.
rules::ResourceList requests_of_node(const Pod& pod) {
  if (!pod.status.extended_resource_claim_status) return rules::pod_requests(pod.spec);
  auto spec = pod.spec;
  for (auto* list : {&spec.init_containers, &spec.containers}) {
    for (auto& container : *list) {
      const auto all = std::exchange(container.resources.requests, {});
      for (const auto& [name, amount] : all)
        if (!rules::comes_by_claim(pod, container.name, name)) container.resources.requests[name] = amount;
    }
  }
  return rules::pod_requests(spec);
}

void check_resources(const PodAdmissionInputs& in, std::vector<Failure>& out) {
  check_resource(in, "pods", 1, out);
  const rules::ResourceList requests = requests_of_node(in.pod);
  for (const char* first : {"cpu", "memory", "ephemeral-storage"}) check_resource(in, first, amount_of(requests, first), out);
  for (const auto& [name, amount] : requests) {
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage" || in.handed_out.contains(name)) continue;
    // Resources of the cluster that no node knows are not the kubelet's to count.
    if (rules::is_extended_resource(name) && !in.node->status.allocatable.contains(name)) continue;
    check_resource(in, name, amount.value(), out);
  }
}

bool is_any_address(const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; }

template <class Visit>
void each_host_port(const Pod& pod, Visit visit) {
  for (const auto& container : pod.spec.containers)
    for (const auto& port : container.ports)
      if (port.host_port > 0) visit(port);
  for (const auto& container : pod.spec.init_containers)
    if (rules::is_sidecar(container))
      for (const auto& port : container.ports)
        if (port.host_port > 0) visit(port);
}

bool ports_are_taken(const PodAdmissionInputs& in) {
  bool taken = false;
  each_host_port(in.pod, [&](const auto& wanted) {
    for (const Pod* other : in.others) {
      each_host_port(*other, [&](const auto& used) {
        const auto protocol = [](const std::string& text) { return text.empty() ? std::string("TCP") : text; };
        if (used.host_port != wanted.host_port || protocol(used.protocol) != protocol(wanted.protocol)) return;
        taken = taken || used.host_ip == wanted.host_ip || is_any_address(used.host_ip) || is_any_address(wanted.host_ip);
      });
    }
  });
  return taken;
}

std::vector<Failure> failures(const PodAdmissionInputs& in) {
  std::vector<Failure> out;
  const Node& node = *in.node;
  check_resources(in, out);
  if (!rules::RequiredNodeAffinity(in.pod.spec).matches(node))
    out.push_back(failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"));
  if (!in.pod.spec.node_name.empty() && in.pod.spec.node_name != node.metadata.name)
    out.push_back(failed("NodeName", "node(s) didn't match the requested node name"));
  if (ports_are_taken(in)) out.push_back(failed("NodePorts", "node(s) didn't have free ports for the requested pod ports"));
  if (!is_static_pod(in.pod)) {
    const auto* taint =
        rules::untolerated_taint(node.spec.taints, in.pod.spec.tolerations, rules::TaintEffects::NoExecute, in.toleration_comparisons);
    if (taint) out.push_back(failed("TaintToleration", "node(s) had taints that the pod didn't tolerate"));
  }
  return out;
}

// Shortages are no reason to refuse a critical pod: others end for it.
PodAdmission make_room(const PodAdmissionInputs& in, const std::vector<Failure>& found) {
  std::vector<Shortage> shortages;
  for (const Failure& failure : found) {
    if (!failure.shortage) return refuse(failure.name, failure.message);
    shortages.push_back(*failure.shortage);
  }
  PodAdmission out;
  out.preempt = pods_to_preempt(in.pod, in.others, shortages);
  if (!out.preempt.empty()) return out;
  std::string list;
  for (const Shortage& shortage : shortages) list += "(res: " + shortage.resource + ", q: " + std::to_string(shortage.amount) + "), ";
  return refuse("UnexpectedAdmissionError",
                "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: "
                "no set of running pods found to reclaim resources: [" +
                    list + "]");
}

bool wants_profile(const Pod& pod) {
  const auto wants = [](const auto& context) { return context && context->app_armor_profile && context->app_armor_profile->type != "Unconfined"; };
  const auto of_container = [&](const auto& container) { return wants(container.security_context); };
  return wants(pod.spec.security_context) || std::ranges::any_of(pod.spec.init_containers, of_container) ||
         std::ranges::any_of(pod.spec.containers, of_container) || std::ranges::any_of(pod.spec.ephemeral_containers, of_container);
}

PodAdmission unenforceable(const PodAdmissionInputs& in) {
  if (in.app_armor || !wants_profile(in.pod)) return {};
  return refuse("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host");
}

PodAdmission lacks_features(const PodAdmissionInputs& in) {
  if (!in.declared_features) return {};
  std::string missing;
  for (const std::string_view feature : rules::features_for_scheduling(in.pod.spec)) {
    if (std::ranges::find(*in.declared_features, feature) != in.declared_features->end()) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(feature);
  }
  if (missing.empty()) return {};
  return refuse("PodFeatureUnsupported", "Pod requires node features that are not available: " + missing);
}

}  // namespace

PodAdmission admit_pod(const PodAdmissionInputs& in) {
  if (PodAdmission refused = under_pressure(in); !refused.admitted) return refused;
  if (const auto allowed = check_sysctls(in.pod, in.allowed_unsafe_sysctls); !allowed) return refuse("SysctlForbidden", allowed.error().message);
  if (!in.node) return refuse("InvalidNodeInfo", "Kubelet cannot get node info.");
  if (PodAdmission refused = wrong_system(in.pod, *in.node); !refused.admitted) return refused;
  const std::vector<Failure> found = failures(in);
  PodAdmission out;
  if (!found.empty()) out = is_critical_pod(in.pod) ? make_room(in, found) : refuse(found[0].name, found[0].message);
  if (!out.admitted) return out;
  if (in.shutting_down) return refuse("NodeShutdown", "Pod was rejected as the node is shutting down.");
  if (PodAdmission refused = unenforceable(in); !refused.admitted) return refused;
  if (PodAdmission refused = lacks_features(in); !refused.admitted) return refused;
  return out;
}

}  // namespace pintle::kubelet::admission
