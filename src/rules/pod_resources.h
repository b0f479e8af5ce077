// What a pod asks for and may use as a whole, and its class of service. One walk over its containers for the API server, quotas, the
// scheduler and the kubelet: plain containers and sidecars together, or the largest init container with the sidecars that started
// before it, whichever is more; resources of the pod itself in their place; overhead on top. Pure. Time linear in what the pod states.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"

namespace pintle::rules {

using ResourceList = FlatMap<api::Quantity>;

struct PodResourceOptions {
  bool overhead = true;   // what the RuntimeClass adds; it raises a limit, and makes none
  bool pod_level = true;  // spec.resources, of cpu, memory and huge pages
  // Containers and sidecars count as the most of what is asked, allocated and in use; while a resize is infeasible, as the most of
  // the latter two. Limits know no allocation. nullptr: as the spec asks.
  const api::core_v1::PodStatus* status = nullptr;
  bool pod_level_status = false;  // so with the resources of the pod itself (feature InPlacePodLevelResourcesVerticalScaling)
  // Of requests: what a container counts with that states none under the name. nullptr: nothing.
  const ResourceList* if_missing = nullptr;
};
ResourceList pod_requests(const api::core_v1::PodSpec& spec, const PodResourceOptions& options = {});
ResourceList pod_limits(const api::core_v1::PodSpec& spec, const PodResourceOptions& options = {});
// pod_requests in integers: cpu in thousandths, all else in units; each amount that is stated is rounded up, sums saturate.
FlatMap<int64_t> pod_request_amounts(const api::core_v1::PodSpec& spec, const PodResourceOptions& options = {});

// Whether the pod itself states requests that count.
bool has_pod_level_requests(const api::core_v1::PodSpec& spec);
// An init container with restartPolicy Always: it runs on beside the plain ones.
bool is_sidecar(const api::core_v1::Container& init_container);

// "Guaranteed", "Burstable" or "BestEffort": status.qosClass, which never changes, else by the spec.
std::string_view qos_class(const api::core_v1::Pod& pod);
// By cpu and memory alone: BestEffort where none is stated, Guaranteed where each container has limits of both and the requests are
// as large; spec.resources, if only empty, stands for all containers.
std::string_view qos_class_of_spec(const api::core_v1::PodSpec& spec);

}  // namespace pintle::rules
