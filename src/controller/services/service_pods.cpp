#include "controller/services/service_pods.h"

#include <algorithm>

#include "api/codec.h"
#include "controller/objects/time.h"
#include "rules/pod_resources.h"
#include "rules/pod_state.h"
#include "rules/service_selector.h"

namespace pintle::controller::services {

using api::core_v1::Pod;
using api::core_v1::Service;
using api::core_v1::ServicePort;

bool has_cluster_ip(const Service& service) { return !service.spec.cluster_ip.empty() && service.spec.cluster_ip != "None"; }

std::vector<pods::PodPtr> pods_of(const Service& service, pods::PodStore& pods) {
  return pods.selected(service.metadata.namespace_, rules::selector_of(service));
}

std::vector<std::shared_ptr<const Service>> of_pod(const client::Informer<Service>& services, const Pod& pod) {
  auto out = client::perhaps_selecting(services, pod.metadata.namespace_, pod.metadata.labels);
  std::erase_if(out, [&](const auto& service) { return !rules::selects(*service, pod.metadata.labels); });
  return out;
}

bool belongs_in_endpoints(const Pod& pod, bool with_terminating) {
  if (rules::is_terminal(pod) || (pod.status.pod_ip.empty() && pod.status.pod_ips.empty())) return false;
  return with_terminating || !pods::is_deleted(pod.metadata);
}

namespace {

std::optional<int32_t> named_port(const std::vector<api::core_v1::ContainerPort>& ports, const ServicePort& port) {
  for (const auto& candidate : ports)
    if (candidate.name == port.target_port.string_value && candidate.protocol == port.protocol) return candidate.container_port;
  return std::nullopt;
}

}  // namespace

std::optional<int32_t> find_port(const Pod& pod, const ServicePort& port) {
  if (!port.target_port.is_string) return port.target_port.int_value;
  for (const auto& container : pod.spec.containers)
    if (const auto found = named_port(container.ports, port)) return found;
  for (const auto& container : pod.spec.init_containers)  // sidecars serve too
    if (rules::is_sidecar(container))
      if (const auto found = named_port(container.ports, port)) return found;
  return std::nullopt;
}

std::string endpoint_hostname(const Service& service, const Pod& pod) {
  return pod.spec.subdomain == service.metadata.name && service.metadata.namespace_ == pod.metadata.namespace_ ? pod.spec.hostname : std::string();
}

bool endpoints_differ(const Pod& before, const Pod& after) {
  if (pods::is_deleted(before.metadata) != pods::is_deleted(after.metadata) || before.metadata.labels != after.metadata.labels) return true;
  if (rules::is_ready(before) != rules::is_ready(after) || rules::is_terminal(before) != rules::is_terminal(after) ||
      before.metadata.uid != after.metadata.uid)
    return true;
  if (before.spec.node_name != after.spec.node_name || before.spec.hostname != after.spec.hostname || before.spec.subdomain != after.spec.subdomain)
    return true;
  return !std::ranges::equal(before.status.pod_ips, after.status.pod_ips, {}, &api::core_v1::PodIP::ip, &api::core_v1::PodIP::ip);
}

api::Time TriggerTimes::next(const std::string& key, const Service& service, const std::vector<pods::PodPtr>& pods) {
  const auto [it, is_new] = services_.try_emplace(key);
  State& state = it->second;
  api::Time earliest;
  const auto note = [&](const api::Time& time, const api::Time& last) {
    if (!time.zero() && objects::before(last, time) && (earliest.zero() || objects::before(time, earliest))) earliest = time;
  };
  std::vector<std::pair<uint64_t, int64_t>> seen;
  seen.reserve(pods.size());
  for (const pods::PodPtr& pod : pods) {
    const auto* ready = rules::ready_condition(*pod);
    if (ready == nullptr || ready->last_transition_time.zero()) continue;
    const uint64_t name = std::hash<std::string>()(pod->metadata.name);
    const auto known = std::ranges::lower_bound(state.pods, name, {}, &std::pair<uint64_t, int64_t>::first);
    api::Time last;
    if (known != state.pods.end() && known->first == name) last.seconds = known->second;
    note(ready->last_transition_time, last);
    seen.emplace_back(name, ready->last_transition_time.seconds);
  }
  std::ranges::sort(seen);
  note(service.metadata.creation_timestamp, state.service);
  state.service = service.metadata.creation_timestamp;
  state.pods = std::move(seen);
  return is_new ? service.metadata.creation_timestamp : earliest;
}

void set_trigger_time(FlatMap<std::string>& annotations, const api::Time& time) {
  if (time.zero()) {
    annotations.erase(trigger_time_annotation);
  } else {
    annotations[trigger_time_annotation] = api::format_time(time);
  }
}

void watch_service_pods(client::Informer<Service> services, pods::PodStore& pods, std::function<void(std::string)> changed) {
  services.on_any([changed](const Service& service) { changed(client::object_key(service.metadata.namespace_, service.metadata.name)); });
  client::index_selectors<Service>(services, rules::selector_of);
  const auto tell = [services, changed](const Pod& pod) {
    for (const auto& service : of_pod(services, pod)) changed(client::object_key(service->metadata.namespace_, service->metadata.name));
  };
  client::Informer<Pod>::Handler handler;
  handler.on_add = [tell](const pods::PodPtr& pod, bool) { tell(*pod); };
  handler.on_update = [tell](const pods::PodPtr& before, const pods::PodPtr& after) {
    if (!endpoints_differ(*before, *after)) return;
    tell(*after);
    if (before->metadata.labels != after->metadata.labels) tell(*before);
  };
  handler.on_delete = [tell](const pods::PodPtr& pod) { tell(*pod); };
  pods.informer().add_handler(std::move(handler));
}

}  // namespace pintle::controller::services
