#include "kubelet/volumes/plugins/csi_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "codec/json.h"
#include "codec/json_text.h"
#include "component/certificate/keys.h"
#include "csi/access_mode.h"
#include "rules/csi_volume.h"

namespace pintle::kubelet::volumes::plugins {

namespace core = api::core_v1;

namespace {

constexpr std::string_view info_prefix = "csi.storage.k8s.io/";
constexpr const char* storage = "storage";
// Conditions and statuses of a claim that a change of its size has while it goes on.
constexpr std::string_view growing_conditions[] = {"Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"};

std::optional<SecretName> secret_of(const Box<core::SecretReference>& reference) {
  if (!reference) return std::nullopt;
  return SecretName{reference->namespace_, reference->name};
}

CsiSource persistent_source(const core::CSIPersistentVolumeSource& csi) {
  CsiSource out;
  out.driver = csi.driver;
  out.handle = csi.volume_handle;
  out.fs_type = csi.fs_type;
  out.attributes = csi.volume_attributes;
  out.stage_secret = secret_of(csi.node_stage_secret_ref);
  out.publish_secret = secret_of(csi.node_publish_secret_ref);
  out.expand_secret = secret_of(csi.node_expand_secret_ref);
  return out;
}

// Of a plugin whose work a driver has taken over, in the words that the driver knows.
std::optional<CsiSource> taken_over_source(const core::PersistentVolume& persistent) {
  const auto volume = rules::csi_volume_of(persistent);
  if (!volume) return std::nullopt;
  CsiSource out;
  out.driver = volume->driver;
  out.handle = volume->handle;
  const core::PersistentVolumeSpec& spec = persistent.spec;
  const auto partition = [&](int32_t number) {
    if (number > 0) out.attributes["partition"] = std::to_string(number);
  };
  if (spec.aws_elastic_block_store) {
    out.fs_type = spec.aws_elastic_block_store->fs_type;
    partition(spec.aws_elastic_block_store->partition);
  }
  if (spec.gce_persistent_disk) {
    out.fs_type = spec.gce_persistent_disk->fs_type;
    partition(spec.gce_persistent_disk->partition);
  }
  if (spec.azure_disk) {
    out.fs_type = spec.azure_disk->fs_type.value_or("");
    if (spec.azure_disk->caching_mode) out.attributes["cachingMode"] = *spec.azure_disk->caching_mode;
    if (spec.azure_disk->kind) out.attributes["kind"] = *spec.azure_disk->kind;
  }
  if (spec.cinder) out.fs_type = spec.cinder->fs_type;
  if (spec.vsphere_volume) out.fs_type = spec.vsphere_volume->fs_type;
  if (spec.portworx_volume) out.fs_type = spec.portworx_volume->fs_type;
  return out;
}

CsiSource inline_source(const core::Volume& entry, std::string_view namespace_name, std::string_view pod_uid) {
  const core::CSIVolumeSource& csi = *entry.csi;
  CsiSource out;
  out.driver = csi.driver;
  out.handle = ephemeral_handle(pod_uid, entry.name);
  out.fs_type = csi.fs_type.value_or("");
  out.read_only = csi.read_only.value_or(false);
  out.ephemeral = true;
  out.attributes = csi.volume_attributes;
  if (csi.node_publish_secret_ref) out.publish_secret = SecretName{std::string(namespace_name), csi.node_publish_secret_ref->name};
  return out;
}

int32_t access_mode(const VolumeSpec& spec, const csi::NodeCapabilities& can) {
  const bool says = spec.persistent && !spec.persistent->spec.access_modes.empty();
  return csi::access_mode(says ? std::string_view(spec.persistent->spec.access_modes[0]) : "ReadWriteOnce", can.single_node_multi_writer);
}

std::vector<std::string> lifecycle_modes(const CsiDriverPtr& object) {
  if (object->spec.volume_lifecycle_modes.empty()) return {"Persistent"};
  return object->spec.volume_lifecycle_modes;
}

}  // namespace

std::string ephemeral_handle(std::string_view pod_uid, std::string_view entry) {
  return "csi-" + component::hex(component::sha256(std::string(pod_uid) + std::string(entry)));
}

std::optional<CsiSource> csi_source(const VolumeSpec& spec, std::string_view namespace_name, std::string_view pod_uid) {
  if (!spec.persistent) {
    if (!spec.entry->csi) return std::nullopt;
    return inline_source(*spec.entry, namespace_name, pod_uid);
  }
  const auto& csi = spec.persistent->spec.csi;
  std::optional<CsiSource> out = csi ? persistent_source(*csi) : taken_over_source(*spec.persistent);
  if (out) out->read_only = spec.read_only;  // what the source says is for the attacher
  return out;
}

bool is_attached_first(const CsiDriverPtr& object) { return !object || object->spec.attach_required.value_or(true); }
bool wants_pod_info(const CsiDriverPtr& object) { return object && object->spec.pod_info_on_mount.value_or(false); }
bool is_republished(const CsiDriverPtr& object) { return object && object->spec.requires_republish.value_or(false); }

Result<Unit> check_lifecycle(const CsiSource& source, const CsiDriverPtr& object) {
  const std::string mode = source.ephemeral ? "Ephemeral" : "Persistent";
  const auto refuse = [&](const std::string& why) {
    return error(Reason::Invalid, "volume mode " + codec::go_quote(mode) + " not supported by driver " + source.driver + " (" + why + ")");
  };
  if (!object) {
    if (source.ephemeral) return refuse("no CSIDriver object");
    return Unit{};
  }
  const auto modes = lifecycle_modes(object);
  if (std::ranges::find(modes, mode) != modes.end()) return Unit{};
  std::vector<std::string> quoted;
  for (const std::string& known : modes) quoted.push_back(codec::go_quote(known));
  return refuse(fmt::format("only supports [{}]", fmt::join(quoted, " ")));
}

FlatMap<std::string> pod_info(const core::Pod& pod, bool ephemeral) {
  FlatMap<std::string> out;
  const auto put = [&](std::string_view key, std::string value) { out[std::string(info_prefix) + std::string(key)] = std::move(value); };
  put("pod.name", pod.metadata.name);
  put("pod.namespace", pod.metadata.namespace_);
  put("pod.uid", pod.metadata.uid);
  put("serviceAccount.name", pod.spec.service_account_name);
  put("ephemeral", ephemeral ? "true" : "false");
  return out;
}

api::csi_v1::VolumeCapability volume_capability(const VolumeSpec& spec, const CsiSource& source, const csi::NodeCapabilities& can,
                                                std::optional<uint32_t> group) {
  api::csi_v1::VolumeCapability out;
  out.access_mode.ensure().mode = access_mode(spec, can);
  if (spec.block) {
    out.block.ensure();
    return out;
  }
  auto& mount = out.mount.ensure();
  mount.fs_type = source.fs_type;
  mount.mount_flags = spec.mount_options;
  if (group && can.volume_mount_group) mount.volume_mount_group = std::to_string(*group);
  return out;
}

bool is_owned_by_kubelet(const VolumeSpec& spec, const CsiSource& source, const CsiDriverPtr& object) {
  if (!spec.fs_group || source.read_only || spec.block) return false;
  const std::string policy = object ? object->spec.fs_group_policy.value_or("") : "";
  if (policy == "None") return false;
  if (policy == "File") return true;
  if (source.fs_type.empty()) return false;
  if (!spec.persistent) return true;
  return std::ranges::find(spec.persistent->spec.access_modes, "ReadWriteOnce") != spec.persistent->spec.access_modes.end();
}

std::optional<api::Quantity> grown_to(const VolumeSpec& spec) {
  if (!spec.persistent || !spec.claim || spec.read_only) return std::nullopt;
  const api::Quantity* size = spec.persistent->spec.capacity.get(storage);
  const api::Quantity* known = spec.claim->status.capacity.get(storage);
  if (size == nullptr || known == nullptr || size->compare(*known) <= 0) return std::nullopt;
  return *size;
}

std::string grown_patch(const core::PersistentVolumeClaim& claim, const api::Quantity& size) {
  codec::Value body;
  codec::Value& status = body["status"];
  status["capacity"][storage] = size.text();
  codec::Value::Array conditions;
  for (const core::PersistentVolumeClaimCondition& condition : claim.status.conditions) {
    if (std::ranges::find(growing_conditions, condition.type) != std::ranges::end(growing_conditions)) continue;
    codec::Value kept;
    kept["type"] = condition.type;
    kept["status"] = condition.status;
    if (!condition.reason.empty()) kept["reason"] = condition.reason;
    if (!condition.message.empty()) kept["message"] = condition.message;
    if (!condition.last_probe_time.zero()) kept["lastProbeTime"] = api::format_time(condition.last_probe_time);
    if (!condition.last_transition_time.zero()) kept["lastTransitionTime"] = api::format_time(condition.last_transition_time);
    conditions.push_back(std::move(kept));
  }
  if (conditions.empty())
    status["conditions"] = nullptr;
  else
    status["conditions"] = std::move(conditions);
  if (claim.status.allocated_resource_statuses.get(storage) != nullptr) status["allocatedResourceStatuses"][storage] = nullptr;
  // Of what it is now: another size that was asked for meanwhile is not taken for done.
  body["metadata"]["resourceVersion"] = claim.metadata.resource_version;
  return codec::to_json(body);
}

VolumeSpace space_of(const api::csi_v1::NodeGetVolumeStatsResponse& answer) {
  using Unit = api::csi_v1::VolumeUsageUnit;
  const auto number = [](int64_t value) { return value < 0 ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(value)); };
  VolumeSpace out;
  for (const auto& usage : answer.usage) {
    if (usage.unit == Unit::Bytes) {
      out.capacity_bytes = number(usage.total);
      out.available_bytes = number(usage.available);
      out.used_bytes = number(usage.used);
    } else if (usage.unit == Unit::Inodes) {
      out.inodes = number(usage.total);
      out.inodes_free = number(usage.available);
      out.inodes_used = number(usage.used);
    }
  }
  return out;
}

std::string tokens_json(const std::vector<AudienceToken>& tokens) {
  codec::Value out{codec::Value::Object()};
  for (const AudienceToken& token : tokens) {
    codec::Value& one = out[token.audience];
    one["token"] = token.token;
    one["expirationTimestamp"] = token.expires;
  }
  return codec::to_json(out);
}

}  // namespace pintle::kubelet::volumes::plugins
