#include "scheduler/framework/pod_info.h"

#include <algorithm>
#include <functional>

#include "api/codec.h"
#include "rules/conditions.h"
#include "rules/declared_features.h"
#include "rules/pod_claims.h"
#include "scheduler/framework/pod_table.h"

namespace pintle::scheduler {

using api::core_v1::PodAffinityTerm;

bool AffinityTerm::covers(std::string_view namespace_name, const FlatMap<std::string>* namespace_labels) const {
  if (std::ranges::find(namespaces, namespace_name) != namespaces.end()) return true;
  static const FlatMap<std::string> none;
  return !namespace_selector.matches_nothing() && namespace_selector.matches(namespace_labels ? *namespace_labels : none);
}

std::vector<ClaimUse> claims_of(const Pod& pod) {
  std::vector<ClaimUse> out;
  for (const auto& volume : pod.spec.volumes)
    if (std::string name = rules::claim_name(pod, volume); !name.empty()) out.push_back({std::move(name), !volume.persistent_volume_claim});
  return out;
}

bool is_disk(const api::core_v1::Volume& volume) {
  return volume.gce_persistent_disk || volume.aws_elastic_block_store || volume.rbd || volume.iscsi;
}

namespace {

Result<AffinityTerm> parse_term(const Pod& pod, const PodAffinityTerm& term, int32_t weight) {
  AffinityTerm out;
  TRY_ASSIGN(out.selector, apimachinery::to_label_selector(term.label_selector.get()));
  TRY_ASSIGN(out.namespace_selector, apimachinery::to_label_selector(term.namespace_selector.get()));
  out.namespaces = term.namespaces;
  if (term.namespaces.empty() && !term.namespace_selector) out.namespaces.push_back(pod.metadata.namespace_);
  out.topology_key = term.topology_key;
  out.weight = weight;
  return out;
}

struct TermReader {
  const Pod& pod;
  std::string& problem;

  void required(const std::vector<PodAffinityTerm>& terms, std::vector<AffinityTerm>& out) {
    for (const PodAffinityTerm& term : terms) read(term, 0, out);
  }
  void preferred(const std::vector<api::core_v1::WeightedPodAffinityTerm>& terms, std::vector<AffinityTerm>& out) {
    for (const auto& term : terms) read(term.pod_affinity_term, term.weight, out);
  }
  void read(const PodAffinityTerm& term, int32_t weight, std::vector<AffinityTerm>& out) {
    auto parsed = parse_term(pod, term, weight);
    if (parsed)
      out.push_back(std::move(*parsed));
    else
      problem = parsed.error().message;
  }
};

void read_terms(const Pod& pod, PodDemands& out) {
  if (!pod.spec.affinity) return;
  TermReader reader{pod, out.problem};
  if (const auto* affinity = pod.spec.affinity->pod_affinity.get()) {
    reader.required(affinity->required_during_scheduling_ignored_during_execution, out.required_affinity);
    reader.preferred(affinity->preferred_during_scheduling_ignored_during_execution, out.preferred_affinity);
  }
  if (const auto* anti = pod.spec.affinity->pod_anti_affinity.get()) {
    reader.required(anti->required_during_scheduling_ignored_during_execution, out.required_anti_affinity);
    reader.preferred(anti->preferred_during_scheduling_ignored_during_execution, out.preferred_anti_affinity);
  }
}

// Each part with its length, so that two pods are told apart whatever their texts say.
void append_part(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}
void append_number(std::string& out, int64_t number) { (out += std::to_string(number)) += ';'; }
template <class T>
void append_encoded(std::string& out, const T& value) {
  std::string encoded;
  api::encode_proto(api::type_of<T>(), &value, encoded);
  append_part(out, encoded);
}
void append_labels(std::string& out, const Pod& pod) {
  append_part(out, pod.metadata.namespace_);
  for (const auto& [key, value] : pod.metadata.labels) {
    append_part(out, key);
    append_part(out, value);
  }
  out += ';';
}
void append_requests(std::string& out, const Resource& requests) {
  for (const int64_t amount : {requests.milli_cpu, requests.memory, requests.ephemeral_storage}) append_number(out, amount);
  for (const auto& [name, amount] : requests.scalars) {
    append_part(out, name);
    append_number(out, amount);
  }
  out += ';';
}

std::string shape_of(const Pod& pod, const Resource& requests) {
  std::string out;
  append_labels(out, pod);
  for (const auto& owner : pod.metadata.owner_references) append_encoded(out, owner);
  out += ';';
  append_encoded(out, pod.spec);
  // The claims of generic ephemeral volumes have the pod's name in theirs.
  if (std::ranges::any_of(pod.spec.volumes, [](const auto& volume) { return bool(volume.ephemeral); })) append_part(out, pod.metadata.name);
  for (const auto& claim : pod.status.resource_claim_statuses) append_encoded(out, claim);
  out += ';';
  for (const auto& claim : pod.status.node_allocatable_resource_claim_statuses) append_encoded(out, claim);
  out += ';';
  // Where a resize is under way, the status has a say in them.
  append_requests(out, requests);
  return out;
}

void append_amounts(std::string& out, const PodDemands& demands) {
  append_requests(out, demands.requests);
  append_number(out, demands.non_zero_milli_cpu);
  append_number(out, demands.non_zero_memory);
  for (const HostPort& port : demands.host_ports) {
    append_part(out, port.ip);
    append_part(out, port.protocol);
    append_number(out, port.port);
  }
  out += ';';
}

std::string needs_of(const Pod& pod, const PodDemands& demands) {
  std::string out;
  append_number(out, pod.spec.priority.value_or(0));
  append_amounts(out, demands);
  for (const auto& toleration : pod.spec.tolerations) append_encoded(out, toleration);
  out += ';';
  for (const auto& [key, value] : pod.spec.node_selector) {
    append_part(out, key);
    append_part(out, value);
  }
  out += ';';
  if (pod.spec.affinity && pod.spec.affinity->node_affinity) append_encoded(out, *pod.spec.affinity->node_affinity);
  out += ';';
  for (const auto& feature : rules::features_for_scheduling(pod.spec)) append_part(out, feature);
  out += ';';
  return out;
}

// `out` has what the key is made of but terms and disks.
std::string demands_key(const Pod& pod, const PodDemands& out) {
  std::string key;
  append_amounts(key, out);
  if (const auto* affinity = pod.spec.affinity.get(); affinity != nullptr && (affinity->pod_affinity || affinity->pod_anti_affinity)) {
    append_part(key, pod.metadata.namespace_);  // what terms mean that name none
    if (affinity->pod_affinity) append_encoded(key, *affinity->pod_affinity);
    key += ';';
    if (affinity->pod_anti_affinity) append_encoded(key, *affinity->pod_anti_affinity);
  }
  key += ';';
  for (const auto& volume : pod.spec.volumes)
    if (is_disk(volume)) append_encoded(key, volume);
  return key;
}

}  // namespace

PodLabelsPtr PodTable::labels_of(const Pod& pod, const PlacedPod* before) {
  if (before != nullptr && before->namespace_name() == pod.metadata.namespace_ && before->labels() == pod.metadata.labels) return before->identity;
  std::string key;
  append_labels(key, pod);
  return labels_.get(std::move(key), [&] { return PodLabels{pod.metadata.namespace_, pod.metadata.labels}; });
}

PodDemandsPtr PodTable::demands_of(const Pod& pod, const PlacedPod* before) {
  PodDemands out;
  RequestedResource requested = requested_by(pod);
  if (before != nullptr && before->requests() == requested.requests && before->demands->non_zero_milli_cpu == requested.non_zero_milli_cpu &&
      before->demands->non_zero_memory == requested.non_zero_memory)
    return before->demands;
  out.requests = std::move(requested.requests);
  out.non_zero_milli_cpu = requested.non_zero_milli_cpu;
  out.non_zero_memory = requested.non_zero_memory;
  out.host_ports = host_ports_of(pod);
  return demands_.get(demands_key(pod, out), [&] {
    read_terms(pod, out);
    for (const auto& volume : pod.spec.volumes)
      if (is_disk(volume)) out.disks.push_back(volume);
    return std::move(out);
  });
}

PlacedPod::PlacedPod(const Pod& pod, PodTable& table, const PlacedPod* before)
    : name(pod.metadata.name),
      identity(table.labels_of(pod, before)),
      demands(table.demands_of(pod, before)),
      claims(claims_of(pod)),
      priority(pod.spec.priority.value_or(0)),
      going(pod.metadata.deletion_timestamp.has_value()),
      uid_(pod.metadata.uid) {
  if (const auto& start = pod.status.start_time; start && !start->zero()) {
    start_seconds = start->seconds;
    start_nanos = start->nanos;
  }
  if (!going) return;
  const auto* condition = rules::find_condition(pod.status.conditions, "DisruptionTarget");
  preempted = condition != nullptr && condition->status == "True" && condition->reason == "PreemptionByScheduler";
}

bool PlacedPod::is_like(const PlacedPod& other) const {
  return identity == other.identity && demands == other.demands && start_seconds == other.start_seconds && start_nanos == other.start_nanos &&
         priority == other.priority && going == other.going && preempted == other.preempted && claims == other.claims;
}

PodInfo::PodInfo(PodPtr whole, PodTable& table) : PlacedPod(*whole, table), pod(std::move(whole)) {
  if (!pod->spec.node_name.empty()) return;
  shape = shape_of(*pod, requests());
  shape_hash = std::hash<std::string>()(shape);
  needs = needs_of(*pod, *demands);
  needs_hash = std::hash<std::string>()(needs);
}

PodInfoPtr make_pod_info(PodPtr pod, PodTable& table) { return std::make_shared<const PodInfo>(std::move(pod), table); }

PodInfoPtr make_pod_info(PodPtr pod) {
  PodTable table;
  return make_pod_info(std::move(pod), table);
}

std::string pod_key(const Pod& pod) { return pod.metadata.namespace_ + "/" + pod.metadata.name; }
std::string pod_key(const PlacedPod& pod) { return pod.namespace_name() + "/" + pod.name; }

}  // namespace pintle::scheduler
