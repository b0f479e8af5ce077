#include "scheduler/framework/pod_info.h"

#include <algorithm>

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
  info->pod = std::move(pod);
  return info;
}

std::string pod_key(const Pod& pod) { return pod.metadata.namespace_ + "/" + pod.metadata.name; }

}  // namespace pintle::scheduler
