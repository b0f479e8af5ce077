#include "kubelet/static_pods/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "api/defaults.h"
#include "apimachinery/validation/field_errors.h"
#include "apimachinery/validation/formats.h"
#include "apimachinery/validation/schema_rules.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "component/certificate/keys.h"
#include "kubelet/types/pod.h"
#include "rules/pod_references.h"

namespace pintle::kubelet::static_pods {

namespace {

using api::core_v1::Container;
using api::core_v1::Pod;
using api::core_v1::PodSpec;

constexpr std::size_t uid_bytes = 16;

Unexpected<Status> invalid(std::string message) { return error(Reason::Invalid, std::move(message)); }

// It is no manifest at all.
Unexpected<Status> unusable(const ManifestSource& source, const std::string& why) {
  return invalid(source.path + ": couldn't parse as pod (" + why + (source.is_url ? ")" : "), please check config file"));
}

std::string member(const codec::Value& object, std::string_view name) {
  const codec::Value* value = object.is_object() ? object.find(name) : nullptr;
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string uid_of(const Pod& pod, const ManifestSource& source) {
  std::string text;
  api::encode_json(api::core_v1::types::Pod, &pod, text);
  text += source.is_url ? "url:" + source.path : "host:" + source.node_name + "file:" + source.path;
  return component::hex(component::sha256(text).substr(0, uid_bytes));
}

// The tag behind the last "/", and no digest.
bool wants_latest(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  const auto slash = image.rfind('/');
  const auto name = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const auto colon = name.find(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest";
}

void set_container_defaults(Container& container, bool host_network) {
  if (container.image_pull_policy.empty()) container.image_pull_policy = wants_latest(container.image) ? "Always" : "IfNotPresent";
  for (const auto& [name, limit] : container.resources.limits)
    if (!container.resources.requests.contains(name)) container.resources.requests[name] = limit;
  for (auto& port : container.ports) {
    if (port.protocol.empty()) port.protocol = "TCP";
    if (host_network && port.host_port == 0) port.host_port = port.container_port;
  }
}

// What depends on other fields; the API server does the same for its pods.
void set_defaults(Pod& pod) {
  api::apply_defaults(api::core_v1::types::Pod, &pod);
  PodSpec& spec = pod.spec;
  for (auto* list : {&spec.init_containers, &spec.containers})
    for (Container& container : *list) set_container_defaults(container, spec.host_network);
  if (!spec.enable_service_links) spec.enable_service_links = true;
  spec.security_context.ensure();
  if (spec.restart_policy.empty()) spec.restart_policy = "Always";
  if (spec.dns_policy.empty()) spec.dns_policy = "ClusterFirst";
  if (!spec.termination_grace_period_seconds) spec.termination_grace_period_seconds = 30;
}

// They name folders and files of the node. A name has been given the node's.
Result<Unit> check_names(const Pod& pod) {
  using apimachinery::check_dns_label;
  using apimachinery::check_dns_subdomain;
  if (!check_dns_subdomain(pod.metadata.name).empty()) return invalid("invalid pod: metadata.name: " + pod.metadata.name);
  if (!check_dns_label(pod.metadata.namespace_).empty()) return invalid("invalid pod: metadata.namespace: " + pod.metadata.namespace_);
  if (!check_dns_subdomain(to_lower(pod.metadata.uid)).empty()) return invalid("invalid pod: metadata.uid: " + pod.metadata.uid);
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const Container& container : *list)
      if (!check_dns_label(container.name).empty()) return invalid("invalid pod: the name of a container: " + container.name);
  for (const auto& volume : pod.spec.volumes)
    if (!check_dns_label(volume.name).empty()) return invalid("invalid pod: the name of a volume: " + volume.name);
  return Unit{};
}

Result<Unit> check(const Pod& pod, const std::string& path) {
  TRY(check_names(pod));
  if (pod.spec.containers.empty()) return invalid("invalid pod: spec.containers: Required value");
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const Container& container : *list)
      if (container.name.empty() || container.image.empty()) return invalid("invalid pod: a container needs a name and an image");
  apimachinery::FieldErrors errors;
  apimachinery::validate_schema(api::core_v1::types::Pod, &pod, errors);
  if (!errors.empty()) return invalid("invalid pod: " + errors.to_status("", "Pod", pod.metadata.name).message);
  if (const auto found = rules::api_reference(pod)) return invalid(path + ": static pods may not reference " + found->kind + ": " + found->field);
  return Unit{};
}

Result<codec::Value> parse_text(std::string_view text, const ManifestSource& source) {
  auto value = codec::parse_yaml(text);
  if (!value) return unusable(source, value.error().message);
  return std::move(*value);
}

Result<Pod> make_pod(const codec::Value& value, const ManifestSource& source) {
  Pod pod;
  const auto decoded = api::decode_json(codec::to_json(value), api::core_v1::types::Pod, &pod);
  if (!decoded) return unusable(source, decoded.error().message);
  if (pod.metadata.name.empty()) return invalid("invalid pod: name is needed for the pod");
  pod.status = {};
  if (pod.metadata.uid.empty()) pod.metadata.uid = uid_of(pod, source);
  pod.metadata.name += "-" + to_lower(source.node_name);
  if (pod.metadata.namespace_.empty()) pod.metadata.namespace_ = "default";
  pod.metadata.resource_version.clear();
  pod.spec.node_name = source.node_name;
  auto& notes = pod.metadata.annotations;
  notes[annotations::config_hash] = pod.metadata.uid;
  notes[annotations::config_source] = source.is_url ? "http" : "file";
  notes[annotations::config_seen] = source.seen;
  if (!source.is_url) {
    auto& toleration = pod.spec.tolerations.emplace_back();
    toleration.operator_ = "Exists";
    toleration.effect = "NoExecute";
  }
  set_defaults(pod);
  pod.status.phase = "Pending";
  TRY(check(pod, source.path));
  return pod;
}

bool is_v1(const codec::Value& value, std::string_view kind) { return member(value, "kind") == kind && member(value, "apiVersion") == "v1"; }

}  // namespace

Result<Pod> parse_static_pod(std::string_view text, const ManifestSource& source) {
  TRY_ASSIGN(const codec::Value value, parse_text(text, source));
  if (!is_v1(value, "Pod")) return unusable(source, "not a v1 Pod");
  return make_pod(value, source);
}

Result<std::vector<Pod>> parse_static_pods(std::string_view text, const ManifestSource& source) {
  TRY_ASSIGN(const codec::Value value, parse_text(text, source));
  std::vector<Pod> out;
  if (is_v1(value, "Pod")) {
    TRY_ASSIGN(Pod pod, make_pod(value, source));
    out.push_back(std::move(pod));
    return out;
  }
  if (!is_v1(value, "PodList")) return unusable(source, "neither a v1 Pod nor a v1 PodList");
  const codec::Value* items = value.find("items");
  if (!items || items->is_null()) return out;
  if (!items->is_array()) return unusable(source, "items is no list");
  if (items->as_array().size() > pods_of_url_max) return unusable(source, fmt::format("more than {} pods", pods_of_url_max));
  std::set<std::string> names;
  std::set<std::string> uids;
  for (const codec::Value& item : items->as_array()) {
    TRY_ASSIGN(Pod pod, make_pod(item, source));
    const bool known = !names.insert(pod_full_name(pod)).second || !uids.insert(pod.metadata.uid).second;
    if (known) return invalid("invalid pods list: " + format_pod(pod) + " stands in it twice");
    out.push_back(std::move(pod));
  }
  return out;
}

}  // namespace pintle::kubelet::static_pods
