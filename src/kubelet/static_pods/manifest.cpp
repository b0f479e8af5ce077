#include "kubelet/static_pods/manifest.h"

#include <algorithm>

#include "api/codec.h"
#include "api/defaults.h"
#include "apimachinery/validation/field_errors.h"
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

std::string member(const codec::Value& object, std::string_view name) {
  const codec::Value* value = object.is_object() ? object.find(name) : nullptr;
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string uid_of(const Pod& pod, const ManifestSource& source) {
  std::string text;
  api::encode_json(api::core_v1::types::Pod, &pod, text);
  text += "host:" + source.node_name + "file:" + source.path;
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

Result<Unit> check(const Pod& pod, const std::string& path) {
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

}  // namespace

Result<Pod> parse_static_pod(std::string_view text, const ManifestSource& source) {
  auto value = codec::parse_yaml(text);
  if (!value) return invalid(source.path + ": couldn't parse as pod (" + value.error().message + "), please check config file");
  if (member(*value, "kind") != "Pod" || member(*value, "apiVersion") != "v1")
    return invalid(source.path + ": couldn't parse as pod (not a v1 Pod), please check config file");
  Pod pod;
  const auto decoded = api::decode_json(codec::to_json(*value), api::core_v1::types::Pod, &pod);
  if (!decoded) return invalid(source.path + ": couldn't parse as pod (" + decoded.error().message + "), please check config file");
  if (pod.metadata.name.empty()) return invalid("invalid pod: name is needed for the pod");
  pod.status = {};
  if (pod.metadata.uid.empty()) pod.metadata.uid = uid_of(pod, source);
  pod.metadata.name += "-" + to_lower(source.node_name);
  if (pod.metadata.namespace_.empty()) pod.metadata.namespace_ = "default";
  pod.metadata.resource_version.clear();
  pod.spec.node_name = source.node_name;
  auto& notes = pod.metadata.annotations;
  notes[annotations::config_hash] = pod.metadata.uid;
  notes[annotations::config_source] = "file";
  notes[annotations::config_seen] = source.seen;
  auto& toleration = pod.spec.tolerations.emplace_back();
  toleration.operator_ = "Exists";
  toleration.effect = "NoExecute";
  set_defaults(pod);
  pod.status.phase = "Pending";
  TRY(check(pod, source.path));
  return pod;
}

}  // namespace pintle::kubelet::static_pods
