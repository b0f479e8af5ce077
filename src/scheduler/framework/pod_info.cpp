#include "scheduler/framework/pod_info.h"

#include <algorithm>
#include <functional>

#include "api/codec.h"

namespace pintle::scheduler {

using api::core_v1::PodAffinityTerm;

bool AffinityTerm::matches(const Pod& pod, const FlatMap<std::string>* namespace_labels) const {
  const bool named = std::ranges::find(namespaces, pod.metadata.namespace_) != namespaces.end();
  if (!named) {
    static const FlatMap<std::string> none;
    if (namespace_selector.matches_nothing() || !namespace_selector.matches(namespace_labels ? *namespace_labels : none)) return false;
  }
  return selector.matches(pod.metadata.labels);
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

// Each part with its length, so that two pods are told apart whatever their texts say.
void append_part(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}
template <class T>
void append_encoded(std::string& out, const T& value) {
  std::string encoded;
  api::encode_proto(api::type_of<T>(), &value, encoded);
  append_part(out, encoded);
}

std::string shape_of(const Pod& pod, const Resource& requests) {
  std::string out;
  append_part(out, pod.metadata.namespace_);
  for (const auto& [key, value] : pod.metadata.labels) {
    append_part(out, key);
    append_part(out, value);
  }
  out += ';';
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
  for (const int64_t amount : {requests.milli_cpu, requests.memory, requests.ephemeral_storage}) append_part(out, std::to_string(amount));
  for (const auto& [name, amount] : requests.scalars) {
    append_part(out, name);
    append_part(out, std::to_string(amount));
  }
  return out;
}

}  // namespace

PodInfoPtr make_pod_info(PodPtr pod) {
  auto info = std::make_shared<PodInfo>();
  RequestedResource requested = requested_by(*pod);
  info->requests = std::move(requested.requests);
  info->non_zero_milli_cpu = requested.non_zero_milli_cpu;
  info->non_zero_memory = requested.non_zero_memory;
  info->host_ports = host_ports_of(*pod);
  info->priority = pod->spec.priority.value_or(0);
  if (pod->spec.affinity) {
    TermReader reader{*pod, info->problem};
    if (const auto* affinity = pod->spec.affinity->pod_affinity.get()) {
      reader.required(affinity->required_during_scheduling_ignored_during_execution, info->required_affinity);
      reader.preferred(affinity->preferred_during_scheduling_ignored_during_execution, info->preferred_affinity);
    }
    if (const auto* anti = pod->spec.affinity->pod_anti_affinity.get()) {
      reader.required(anti->required_during_scheduling_ignored_during_execution, info->required_anti_affinity);
      reader.preferred(anti->preferred_during_scheduling_ignored_during_execution, info->preferred_anti_affinity);
    }
  }
  if (pod->spec.node_name.empty()) {
    info->shape = shape_of(*pod, info->requests);
    info->shape_hash = std::hash<std::string>()(info->shape);
  }
  info->pod = std::move(pod);
  return info;
}

std::string pod_key(const Pod& pod) { return pod.metadata.namespace_ + "/" + pod.metadata.name; }

}  // namespace pintle::scheduler
