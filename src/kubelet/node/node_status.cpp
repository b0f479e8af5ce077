#include "kubelet/node/node_status.h"

#include <algorithm>
#include <functional>

#include "api/codec.h"
#include "codec/json_text.h"
#include "component/version.h"
#include "rules/resource_names.h"

namespace pintle::kubelet::node {

namespace {

using api::core_v1::Node;
using api::core_v1::NodeCondition;
using api::core_v1::NodeStatus;

constexpr std::string_view attach_annotation = "volumes.kubernetes.io/controller-managed-attach-detach";
constexpr std::string_view provided_ip_annotation = "alpha.kubernetes.io/provided-node-ip";
constexpr std::string_view external_provider_taint = "node.cloudprovider.kubernetes.io/uninitialized";
constexpr std::size_t image_names_max = 5;

// Labels that are brought up to date on a node that exists (those that the kubelet sets).
constexpr std::string_view default_labels[] = {"kubernetes.io/hostname",
                                               "topology.kubernetes.io/zone",
                                               "topology.kubernetes.io/region",
                                               "failure-domain.beta.kubernetes.io/zone",
                                               "failure-domain.beta.kubernetes.io/region",
                                               "node.kubernetes.io/instance-type",
                                               "beta.kubernetes.io/instance-type",
                                               "kubernetes.io/os",
                                               "kubernetes.io/arch",
                                               "beta.kubernetes.io/os",
                                               "beta.kubernetes.io/arch"};

struct PressureText {
  std::string_view type;
  std::string_view bad_reason, bad_message, bad_event;
  std::string_view good_reason, good_message, good_event;
};
constexpr PressureText memory_text{"MemoryPressure",
                                   "KubeletHasInsufficientMemory",
                                   "kubelet has insufficient memory available",
                                   "NodeHasInsufficientMemory",
                                   "KubeletHasSufficientMemory",
                                   "kubelet has sufficient memory available",
                                   "NodeHasSufficientMemory"};
constexpr PressureText disk_text{"DiskPressure",         "KubeletHasDiskPressure",   "kubelet has disk pressure",
                                 "NodeHasDiskPressure",  "KubeletHasNoDiskPressure", "kubelet has no disk pressure",
                                 "NodeHasNoDiskPressure"};
constexpr PressureText pid_text{"PIDPressure",
                                "KubeletHasInsufficientPID",
                                "kubelet has insufficient PID available",
                                "NodeHasInsufficientPID",
                                "KubeletHasSufficientPID",
                                "kubelet has sufficient PID available",
                                "NodeHasSufficientPID"};

NodeEvent status_event(const Node& node, std::string_view what) {
  return {false, std::string(what), "Node " + node.metadata.name + " status is now: " + std::string(what)};
}

NodeCondition& condition(NodeStatus& status, std::string_view type) {
  const auto it = std::ranges::find(status.conditions, type, &NodeCondition::type);
  if (it != status.conditions.end()) return *it;
  NodeCondition& made = status.conditions.emplace_back();
  made.type = type;
  made.status = "Unknown";
  return made;
}

void set_pressure(Node& node, const PressureText& text, bool under_pressure, api::Time now, std::vector<NodeEvent>& events) {
  NodeCondition& at = condition(node.status, text.type);
  at.last_heartbeat_time = now;
  const std::string_view status = under_pressure ? "True" : "False";
  if (at.status == status) return;
  at.status = status;
  at.reason = under_pressure ? text.bad_reason : text.good_reason;
  at.message = under_pressure ? text.bad_message : text.good_message;
  at.last_transition_time = now;
  events.push_back(status_event(node, under_pressure ? text.bad_event : text.good_event));
}

std::string condition_text(std::string_view type, const RuntimeCondition& c) {
  if (!c.known) return "<nil>";
  return std::string(type) + "=" + (c.status ? "true" : "false") + " reason:" + c.reason + " message:" + c.message;
}

std::vector<std::string> not_ready_because(const Node& node, const NodeObservation& seen) {
  std::vector<std::string> out;
  if (!seen.runtime) {
    out.emplace_back(seen.runtime_silent ? "container runtime is down" : "container runtime status check may not have completed yet");
  } else {
    const RuntimeObservation& runtime = *seen.runtime;
    if (seen.runtime_silent) out.emplace_back("container runtime is down");
    if (!runtime.runtime_ready.status) out.push_back("container runtime not ready: " + condition_text("RuntimeReady", runtime.runtime_ready));
    if (!runtime.network_ready.status) out.push_back("container runtime network not ready: " + condition_text("NetworkReady", runtime.network_ready));
  }
  for (const std::string& error : seen.other_errors) out.push_back(error);
  std::string missing;
  for (std::string_view resource : {"cpu", "memory", "pods", "ephemeral-storage"}) {
    if (node.status.capacity.contains(resource)) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(resource);
  }
  if (!missing.empty()) out.push_back("missing node capacity for resources: " + missing);
  return out;
}

// One error is itself; several stand in brackets, as upstream joins them.
std::string joined(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return errors[0];
  std::string out = "[";
  for (const std::string& error : errors) out += (out.size() > 1 ? ", " : "") + error;
  return out + "]";
}

void set_ready(Node& node, const NodeObservation& seen, api::Time now, std::vector<NodeEvent>& events) {
  const std::vector<std::string> errors = not_ready_because(node, seen);
  const bool was_there = std::ranges::find(node.status.conditions, "Ready", &NodeCondition::type) != node.status.conditions.end();
  NodeCondition& at = condition(node.status, "Ready");
  const std::string_view status = errors.empty() ? "True" : "False";
  const bool turned = at.status != status;
  at.status = status;
  at.reason = errors.empty() ? "KubeletReady" : "KubeletNotReady";
  at.message = errors.empty() ? "kubelet is posting ready status" : joined(errors);
  at.last_heartbeat_time = now;
  if (turned) at.last_transition_time = now;
  if (turned && was_there) events.push_back(status_event(node, errors.empty() ? "NodeReady" : "NodeNotReady"));
}

void set_addresses(Node& node, const NodeIdentity& identity) {
  if (identity.external_cloud_provider) {
    std::string all;
    for (const std::string& ip : identity.ips) all += (all.empty() ? "" : ",") + ip;
    node.metadata.annotations[provided_ip_annotation] = all;
    if (!node.status.addresses.empty()) return;  // the provider's
  } else if (const auto stale = node.metadata.annotations.find(provided_ip_annotation); stale != node.metadata.annotations.end()) {
    node.metadata.annotations.erase(provided_ip_annotation);
  }
  node.status.addresses.clear();
  const auto add = [&](std::string_view type, const std::string& address) {
    auto& made = node.status.addresses.emplace_back();
    made.type = type;
    made.address = address;
  };
  for (const std::string& ip : identity.ips) add("InternalIP", ip);
  add("Hostname", identity.hostname);
}

void erase_where(rules::ResourceList& list, const std::function<bool(const std::string&)>& gone) {
  std::vector<std::string> names;
  for (const auto& entry : list)
    if (gone(entry.first)) names.push_back(entry.first);
  for (const std::string& name : names) list.erase(name);
}

void set_machine(Node& node, const NodeObservation& seen, std::vector<NodeEvent>& events) {
  auto& info = node.status.node_info;
  const os::MachineFacts& machine = seen.machine;
  if (!info.boot_id.empty() && info.boot_id != machine.boot_id)
    events.push_back({true, "Rebooted", "Node " + node.metadata.name + " has been rebooted, boot id: " + machine.boot_id});
  info.machine_id = machine.machine_id;
  info.system_uuid = machine.system_uuid;
  info.boot_id = machine.boot_id;
  info.kernel_version = machine.kernel_version;
  info.os_image = machine.os_image;
  info.operating_system = machine.operating_system;
  info.architecture = machine.architecture;
  info.kubelet_version = component::kubernetes_version;
  info.kube_proxy_version.clear();
  if (machine.swap_bytes > 0) {
    info.swap.ensure().capacity = static_cast<int64_t>(machine.swap_bytes);
  } else {
    info.swap.reset();
  }
  if (seen.runtime) {
    info.container_runtime_version = seen.runtime->name + "://" + shown_runtime_version(seen.runtime->version);
  } else if (info.container_runtime_version.empty()) {
    info.container_runtime_version = "remote://Unknown";
  }
  // Resources that others advertise in capacity (extended ones) stay, and all of them is for pods.
  for (const auto& [name, amount] : seen.capacity) node.status.capacity[name] = amount;
  for (const auto& [name, amount] : seen.allocatable) node.status.allocatable[name] = amount;
  erase_where(node.status.capacity, [&](const std::string& name) { return name.starts_with("hugepages-") && !seen.capacity.contains(name); });
  for (const auto& [name, amount] : node.status.capacity)
    if (!seen.capacity.contains(name)) node.status.allocatable[name] = amount;
  erase_where(node.status.allocatable, [&](const std::string& name) {
    return !node.status.capacity.contains(name) && (name.starts_with("hugepages-") || rules::is_extended_resource(name));
  });
}

void set_declared_features(Node& node, const NodeIdentity& identity) { node.status.declared_features = identity.declared_features; }

void set_runtime(Node& node, const NodeObservation& seen) {
  if (!seen.runtime) return;
  node.status.runtime_handlers = seen.runtime->handlers;
  std::ranges::sort(node.status.runtime_handlers, {}, &api::core_v1::NodeRuntimeHandler::name);
  if (seen.runtime->supplemental_groups_policy) node.status.features.ensure().supplemental_groups_policy = *seen.runtime->supplemental_groups_policy;
}

std::string json_of(const NodeStatus& status) {
  std::string out;
  api::encode_json(api::core_v1::types::NodeStatus, &status, out);
  return out;
}

NodeStatus without_heartbeats(NodeStatus status) {
  for (NodeCondition& c : status.conditions) c.last_heartbeat_time = {};
  return status;
}

// "key":{"a":"b",...} of what differs; removed keys are null. Empty: nothing differs.
std::string map_patch(std::string_view key, const FlatMap<std::string>& before, const FlatMap<std::string>& after) {
  std::string body;
  const auto put = [&](std::string_view name, const std::string* value) {
    if (!body.empty()) body += ',';
    codec::append_json_string(name, body);
    body += ':';
    if (value) {
      codec::append_json_string(*value, body);
    } else {
      body += "null";
    }
  };
  for (const auto& [name, value] : after) {
    const std::string* old = before.get(name);
    if (!old || *old != value) put(name, &value);
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) put(name, nullptr);
  return body.empty() ? "" : "\"" + std::string(key) + "\":{" + body + "}";
}

void insert_behind(std::string& json, std::string_view key, std::string_view text) {
  const auto at = json.find(key);
  if (at != std::string::npos) json.insert(at + key.size(), text);
}

// Keys of resources that are gone, as null members.
std::string removed_keys(const rules::ResourceList& before, const rules::ResourceList& after) {
  std::string out;
  for (const auto& [name, amount] : before) {
    if (after.contains(name)) continue;
    codec::append_json_string(name, out);
    out += ":null,";
  }
  return out;
}

}  // namespace

Node update_node(const Node& before, const NodeIdentity& identity, const NodeObservation& seen, api::Time now, std::vector<NodeEvent>& events) {
  Node node = before;
  node.metadata.labels["kubernetes.io/os"] = seen.machine.operating_system;
  node.metadata.labels["kubernetes.io/arch"] = seen.machine.architecture;
  set_addresses(node, identity);
  set_machine(node, seen, events);
  node.status.daemon_endpoints.kubelet_endpoint.port = identity.kubelet_port;
  node.status.images = status_images(seen.images, identity.status_images_max);
  set_declared_features(node, identity);
  set_runtime(node, seen);
  set_pressure(node, memory_text, seen.pressure.memory, now, events);
  set_pressure(node, disk_text, seen.pressure.disk, now, events);
  set_pressure(node, pid_text, seen.pressure.pid, now, events);
  set_ready(node, seen, now, events);
  if (seen.volumes_in_use) node.status.volumes_in_use = *seen.volumes_in_use;
  return node;
}

Node initial_node(const NodeIdentity& identity, const os::MachineFacts& machine) {
  Node node;
  node.metadata.name = identity.name;
  auto& labels = node.metadata.labels;
  labels["kubernetes.io/hostname"] = identity.hostname;
  labels["kubernetes.io/os"] = machine.operating_system;
  labels["kubernetes.io/arch"] = machine.architecture;
  labels["beta.kubernetes.io/os"] = machine.operating_system;
  labels["beta.kubernetes.io/arch"] = machine.architecture;
  for (const auto& [name, value] : identity.labels) labels[name] = value;
  node.spec.taints = identity.taints;
  if (identity.external_cloud_provider) {
    auto& taint = node.spec.taints.emplace_back();
    taint.key = external_provider_taint;
    taint.value = "true";
    taint.effect = "NoSchedule";
  }
  if (identity.controller_attach_detach) node.metadata.annotations[attach_annotation] = "true";
  node.spec.provider_id = identity.provider_id;
  return node;
}

bool reconcile_node(Node& existing, const Node& initial) {
  bool changed = false;
  const std::string* wanted = initial.metadata.annotations.get(attach_annotation);
  const std::string* there = existing.metadata.annotations.get(attach_annotation);
  if (wanted && (!there || *there != *wanted)) {
    existing.metadata.annotations[attach_annotation] = *wanted;
    changed = true;
  } else if (!wanted && there) {
    existing.metadata.annotations.erase(attach_annotation);
    changed = true;
  }
  for (std::string_view name : default_labels) {
    const std::string* value = initial.metadata.labels.get(name);
    if (!value) continue;
    std::string& at = existing.metadata.labels[name];
    if (at == *value) continue;
    at = *value;
    changed = true;
  }
  return changed;
}

bool status_changed(const NodeStatus& before, const NodeStatus& after) {
  return json_of(without_heartbeats(before)) != json_of(without_heartbeats(after));
}

std::string node_patch(const Node& before, const Node& after) {
  std::string metadata = map_patch("labels", before.metadata.labels, after.metadata.labels);
  const std::string annotations = map_patch("annotations", before.metadata.annotations, after.metadata.annotations);
  if (!metadata.empty() && !annotations.empty()) metadata += ',';
  metadata += annotations;

  // Lists that are replaced as a whole are left out where they are the same.
  NodeStatus changes = after.status;
  const auto same = [](auto part, const NodeStatus& a, const NodeStatus& b) {
    NodeStatus x, y;
    x.*part = a.*part;
    y.*part = b.*part;
    return json_of(x) == json_of(y);
  };
  if (same(&NodeStatus::images, before.status, after.status)) changes.images.clear();
  if (same(&NodeStatus::addresses, before.status, after.status)) changes.addresses.clear();
  if (same(&NodeStatus::runtime_handlers, before.status, after.status)) changes.runtime_handlers.clear();
  if (same(&NodeStatus::volumes_in_use, before.status, after.status)) changes.volumes_in_use.clear();
  changes.volumes_attached.clear();
  changes.config.reset();
  changes.phase.clear();
  std::string status = json_of(changes);
  // Addresses merge by type: a second address of a type would take the place of the first.
  insert_behind(status, "\"addresses\":[", "{\"$patch\":\"replace\"},");
  insert_behind(status, "\"capacity\":{", removed_keys(before.status.capacity, after.status.capacity));
  insert_behind(status, "\"allocatable\":{", removed_keys(before.status.allocatable, after.status.allocatable));
  if (after.status.images.empty() && !before.status.images.empty()) insert_behind(status, "{", "\"images\":null,");
  if (after.status.volumes_in_use.empty() && !before.status.volumes_in_use.empty()) insert_behind(status, "{", "\"volumesInUse\":null,");
  return "{" + (metadata.empty() ? std::string() : "\"metadata\":{" + metadata + "},") + "\"status\":" + status + "}";
}

std::vector<api::core_v1::ContainerImage> status_images(std::vector<api::core_v1::ContainerImage> images, int32_t images_max) {
  std::ranges::stable_sort(images, std::greater<>(), &api::core_v1::ContainerImage::size_bytes);
  if (images_max >= 0 && images.size() > static_cast<std::size_t>(images_max)) images.resize(static_cast<std::size_t>(images_max));
  for (auto& image : images)
    if (image.names.size() > image_names_max) image.names.resize(image_names_max);
  return images;
}

bool is_ready(const Node& node) {
  const auto it = std::ranges::find(node.status.conditions, "Ready", &NodeCondition::type);
  return it != node.status.conditions.end() && it->status == "True";
}

std::string shown_runtime_version(std::string_view told) {
  constexpr std::string_view digits = "0123456789";
  constexpr std::string_view of_suffix = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+-";
  std::string_view rest = told;
  if (rest.starts_with('v')) rest.remove_prefix(1);
  std::string numbers;
  int parts = 0;
  while (true) {
    const std::string_view number = rest.substr(0, rest.find_first_not_of(digits));
    if (number.empty()) return std::string(told);  // upstream refuses it; what it says is more use than nothing
    numbers += (parts++ == 0 ? "" : ".") + std::string(number);
    rest.remove_prefix(number.size());
    if (rest.size() < 2 || rest[0] != '.' || !digits.contains(rest[1])) break;
    rest.remove_prefix(1);
  }
  const bool semantic = parts == 3 && (rest.starts_with('-') || rest.starts_with('+')) && rest.find_first_not_of(of_suffix) == std::string_view::npos;
  return semantic ? numbers + std::string(rest) : numbers;
}

}  // namespace pintle::kubelet::node
