// What Services and their pods say to endpoints: which pods, on which ports, and since when. Pure, but for the watcher.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/informers.h"
#include "controller/pods/pod_store.h"

namespace pintle::controller::services {

bool has_cluster_ip(const api::core_v1::Service& service);
std::vector<pods::PodPtr> pods_of(const api::core_v1::Service& service, pods::PodStore& pods);
// The Services that select the pod. CHECK: watch_service_pods() was called for these.
std::vector<std::shared_ptr<const api::core_v1::Service>> of_pod(const client::Informer<api::core_v1::Service>& services,
                                                                 const api::core_v1::Pod& pod);
// Pods with an address that have not finished; those on their way out only where asked for.
bool belongs_in_endpoints(const api::core_v1::Pod& pod, bool with_terminating);
// The number of a service port in that pod; nullopt: a name that it does not have.
std::optional<int32_t> find_port(const api::core_v1::Pod& pod, const api::core_v1::ServicePort& port);
// The host name that DNS gives the pod under this service; "": none.
std::string endpoint_hostname(const api::core_v1::Service& service, const api::core_v1::Pod& pod);
// Whether a pod's change can change endpoints.
bool endpoints_differ(const api::core_v1::Pod& before, const api::core_v1::Pod& after);

// When what is being written began to change: the annotation endpoints.kubernetes.io/last-change-trigger-time.
class TriggerTimes {
 public:
  // Zero: nothing that this tells of has changed since the last call.
  api::Time next(const std::string& key, const api::core_v1::Service& service, const std::vector<pods::PodPtr>& pods);
  void forget(const std::string& key) { services_.erase(key); }

 private:
  struct State {
    api::Time service;
    std::vector<std::pair<uint64_t, int64_t>> pods;  // hash of the name, when it was last seen to change (seconds); by hash
  };
  std::map<std::string, State> services_;
};
inline constexpr std::string_view trigger_time_annotation = "endpoints.kubernetes.io/last-change-trigger-time";
void set_trigger_time(FlatMap<std::string>& annotations, const api::Time& time);

// Calls `changed` with the key of each service whose endpoints a change of a pod or of a service may touch.
void watch_service_pods(client::Informer<api::core_v1::Service> services, pods::PodStore& pods, std::function<void(std::string key)> changed);

}  // namespace pintle::controller::services
