// What scheduling keeps of pods, computed once, shared and never changed. PlacedPod is all that it reads of a pod that is on a node; pods of one
// template share most of it (pod_table.h). PodInfo is a pod that wants a node, with the whole object.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

class PodTable;

// What selectors tell pods apart by.
struct PodLabels {
  std::string namespace_name;
  FlatMap<std::string> labels;
};
using PodLabelsPtr = std::shared_ptr<const PodLabels>;

// One term of (anti-)affinity between pods.
struct AffinityTerm {
  apimachinery::LabelSelector selector;
  apimachinery::LabelSelector namespace_selector;
  std::vector<std::string> namespaces;  // those named; the pod's own where the term says nothing
  std::string topology_key;
  int32_t weight = 0;  // of preferred terms

  // Whether pods of the namespace may be meant. `namespace_labels` may be nullptr: unknown.
  bool covers(std::string_view namespace_name, const FlatMap<std::string>* namespace_labels) const;
};

// What a pod takes of a node, and whom it wants to be with.
struct PodDemands {
  Resource requests;
  int64_t non_zero_milli_cpu = 0;
  int64_t non_zero_memory = 0;
  std::vector<HostPort> host_ports;
  std::vector<AffinityTerm> required_affinity;
  std::vector<AffinityTerm> required_anti_affinity;
  std::vector<AffinityTerm> preferred_affinity;
  std::vector<AffinityTerm> preferred_anti_affinity;
  std::vector<api::core_v1::Volume> disks;  // of the kinds that may not be used twice on a node
  std::string problem;                      // a selector that does not parse: the pod cannot be scheduled

  bool has_affinity() const {
    return !required_affinity.empty() || !required_anti_affinity.empty() || !preferred_affinity.empty() || !preferred_anti_affinity.empty();
  }
};
using PodDemandsPtr = std::shared_ptr<const PodDemands>;

// A volume of a pod that is a claim: named, or made for the pod.
struct ClaimUse {
  std::string name;
  bool ephemeral = false;
  bool operator==(const ClaimUse&) const = default;
};
std::vector<ClaimUse> claims_of(const Pod& pod);
// A volume of PodDemands::disks.
bool is_disk(const api::core_v1::Volume& volume);

struct PlacedPod {
  // `before`: the same pod, on its node, at an earlier time; nullptr: none.
  PlacedPod(const Pod& pod, PodTable& table, const PlacedPod* before = nullptr);

  std::string name;
  PodLabelsPtr identity;
  PodDemandsPtr demands;
  std::vector<ClaimUse> claims;
  int64_t start_seconds = std::numeric_limits<int64_t>::max();  // of its start; pods that have not started count as later than all
  int32_t start_nanos = 0;
  int32_t priority = 0;
  bool going = false;      // it has a deletion timestamp
  bool preempted = false;  // and has it for another pod's sake

  const std::string& uid() const { return uid_; }
  const std::string& namespace_name() const { return identity->namespace_name; }
  const FlatMap<std::string>& labels() const { return identity->labels; }
  const Resource& requests() const { return demands->requests; }
  // Whether scheduling could tell them apart, were they the same pod at two times.
  bool is_like(const PlacedPod& other) const;

 private:
  std::string uid_;
};
using PlacedPodPtr = std::shared_ptr<const PlacedPod>;

struct PodInfo : PlacedPod {
  PodInfo(PodPtr whole, PodTable& table);

  PodPtr pod;
  // All that scheduling reads of a pod but its name: pods of one shape fit the same nodes, if they are nominated to none. Only of pods
  // without a node.
  std::string shape;
  std::size_t shape_hash = 0;
  // Of that, what is read of it beside one node alone: its requests, ports, tolerations, priority, what it asks of a node's labels and features. Pods
  // of many workloads are alike in it.
  std::string needs;
  std::size_t needs_hash = 0;
};
using PodInfoPtr = std::shared_ptr<const PodInfo>;

PodInfoPtr make_pod_info(PodPtr pod, PodTable& table);
// One that shares nothing with others.
PodInfoPtr make_pod_info(PodPtr pod);

// "namespace/name", as logs and messages say it.
std::string pod_key(const Pod& pod);
std::string pod_key(const PlacedPod& pod);

}  // namespace pintle::scheduler
