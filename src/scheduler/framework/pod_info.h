// PodInfo: a pod with what scheduling asks of it again and again, computed once. Shared and never changed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "scheduler/framework/host_ports.h"
#include "scheduler/framework/resource.h"

namespace pintle::scheduler {

using api::core_v1::Node;
using api::core_v1::Pod;
using PodPtr = std::shared_ptr<const Pod>;
using NodePtr = std::shared_ptr<const Node>;

// One term of (anti-)affinity between pods.
struct AffinityTerm {
  apimachinery::LabelSelector selector;
  apimachinery::LabelSelector namespace_selector;
  std::vector<std::string> namespaces;  // those named; the pod's own where the term says nothing
  std::string topology_key;
  int32_t weight = 0;  // of preferred terms

  // `namespace_labels` may be nullptr: unknown.
  bool matches(const Pod& pod, const FlatMap<std::string>* namespace_labels) const;
};

struct PodInfo {
  PodPtr pod;
  Resource requests;
  int64_t non_zero_milli_cpu = 0;
  int64_t non_zero_memory = 0;
  std::vector<HostPort> host_ports;
  std::vector<AffinityTerm> required_affinity;
  std::vector<AffinityTerm> required_anti_affinity;
  std::vector<AffinityTerm> preferred_affinity;
  std::vector<AffinityTerm> preferred_anti_affinity;
  int32_t priority = 0;
  std::string problem;  // a selector that does not parse: the pod cannot be scheduled
  // All that scheduling reads of a pod but its name: pods of one shape fit the same nodes, if they are nominated to none. Only of pods
  // without a node.
  std::string shape;
  std::size_t shape_hash = 0;

  const std::string& uid() const { return pod->metadata.uid; }
  bool has_affinity() const {
    return !required_affinity.empty() || !required_anti_affinity.empty() || !preferred_affinity.empty() || !preferred_anti_affinity.empty();
  }
};
using PodInfoPtr = std::shared_ptr<const PodInfo>;

PodInfoPtr make_pod_info(PodPtr pod);

// "namespace/name", as logs and messages say it.
std::string pod_key(const Pod& pod);

}  // namespace pintle::scheduler
