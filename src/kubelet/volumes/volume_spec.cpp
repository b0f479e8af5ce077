#include "kubelet/volumes/volume_spec.h"

#include <algorithm>

#include "base/parse_number.h"
#include "base/split.h"
#include "rules/csi_volume.h"
#include "rules/node_selector.h"
#include "rules/pod_claims.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

namespace {

constexpr std::string_view gid_annotation = "pv.beta.kubernetes.io/gid";
// What came before mountOptions; where it stands, it is what counts.
constexpr std::string_view mount_options_annotation = "volume.beta.kubernetes.io/mount-options";

template <class Uses>
bool any_container(const core::PodSpec& spec, Uses uses) {
  return std::ranges::any_of(spec.init_containers, uses) || std::ranges::any_of(spec.containers, uses) ||
         std::ranges::any_of(spec.ephemeral_containers, uses);
}

bool is_mounted(const core::PodSpec& spec, const std::string& name) {
  const auto named = [&](const core::VolumeMount& mount) { return mount.name == name; };
  return any_container(spec, [&](const auto& container) { return std::ranges::any_of(container.volume_mounts, named); });
}

bool is_mapped(const core::PodSpec& spec, const std::string& name) {
  const auto named = [&](const core::VolumeDevice& device) { return device.name == name; };
  return any_container(spec, [&](const auto& container) { return std::ranges::any_of(container.volume_devices, named); });
}

std::vector<std::string> mount_options(const core::PersistentVolume& persistent) {
  std::vector<std::string> out = persistent.spec.mount_options;
  const auto annotation = persistent.metadata.annotations.find(mount_options_annotation);
  if (annotation != persistent.metadata.annotations.end()) {
    out.clear();
    for (const std::string_view option : split(annotation->second, ',')) out.emplace_back(option);
  }
  std::erase(out, std::string());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

VolumeKind kind_of_persistent(const core::PersistentVolume& persistent) {
  const core::PersistentVolumeSpec& spec = persistent.spec;
  if (spec.host_path) return VolumeKind::HostPath;
  if (spec.local) return VolumeKind::Local;
  if (spec.nfs) return VolumeKind::Nfs;
  if (spec.csi || rules::csi_volume_of(persistent)) return VolumeKind::Csi;
  return VolumeKind::Unsupported;
}

}  // namespace

bool is_of_one_pod(const VolumeSpec& spec) {
  return spec.persistent && spec.persistent->spec.access_modes.size() == 1 && spec.persistent->spec.access_modes[0] == "ReadWriteOncePod";
}

std::optional<uint32_t> volume_gid(const VolumeSpec& spec) {
  if (!spec.persistent) return std::nullopt;
  const std::string* text = spec.persistent->metadata.annotations.get(gid_annotation);
  if (text == nullptr) return std::nullopt;
  return parse_number<uint32_t>(*text);
}

Result<Unit> check_node_affinity(const VolumeSpec& spec, const FlatMap<std::string>& node_labels) {
  if (!spec.persistent || !spec.persistent->spec.node_affinity || !spec.persistent->spec.node_affinity->required) return Unit{};
  const auto& terms = spec.persistent->spec.node_affinity->required->node_selector_terms;
  for (const core::NodeSelectorTerm& term : terms)
    if (rules::NodeSelectorTerm(term).matches(node_labels, "")) return Unit{};
  return error(Reason::Conflict, "no matching NodeSelectorTerms");
}

std::optional<uint32_t> fs_group(const core::Pod& pod) {
  if (!pod.spec.security_context || !pod.spec.security_context->fs_group) return std::nullopt;
  return static_cast<uint32_t>(*pod.spec.security_context->fs_group);
}

std::set<std::string_view> used_volumes(const core::PodSpec& spec) {
  std::set<std::string_view> out;
  const auto add = [&](const auto& containers) {
    for (const auto& container : containers) {
      for (const core::VolumeMount& mount : container.volume_mounts) out.insert(mount.name);
      for (const core::VolumeDevice& device : container.volume_devices) out.insert(device.name);
    }
  };
  add(spec.init_containers);
  add(spec.containers);
  add(spec.ephemeral_containers);
  return out;
}

VolumeSpec resolve(const PodPtr& pod, const core::Volume& entry) {
  VolumeSpec out;
  out.entry = std::shared_ptr<const core::Volume>(pod, &entry);
  out.kind = kind_of(entry);
  out.fs_group = fs_group(*pod);
  out.owned_on_root_mismatch = pod->spec.security_context && pod->spec.security_context->fs_group_change_policy.value_or("") == "OnRootMismatch";
  return out;
}

Unexpected<Status> claim_error(const core::Pod& pod, const core::Volume& entry, Status why) {
  why.message = "error processing PVC " + pod.metadata.namespace_ + "/" + rules::claim_name(pod, entry) + ": " + why.message;
  return Unexpected(std::move(why));
}

Result<std::string> volume_of_claim(const core::Pod& pod, const core::Volume& entry, const core::PersistentVolumeClaim& claim) {
  const auto refuse = [&](std::string message) { return claim_error(pod, entry, Status{Reason::Conflict, 0, std::move(message), {}}); };
  // A claim that is protected stays until no pod uses it: one that runs keeps its volume when this kubelet starts anew.
  const bool is_protected = std::ranges::find(claim.metadata.finalizers, rules::claim_protection_finalizer) != claim.metadata.finalizers.end();
  if (claim.metadata.deletion_timestamp && !is_protected) return refuse("PVC is being deleted");
  if (claim.status.phase != "Bound") return refuse("PVC is not bound");
  if (claim.spec.volume_name.empty()) return refuse("PVC has empty pvc.Spec.VolumeName");
  if (!entry.persistent_volume_claim && !rules::is_claim_of(claim, pod)) {
    return error(Reason::Conflict, "PVC " + claim.metadata.namespace_ + "/" + claim.metadata.name + " was not created for pod " +
                                       pod.metadata.namespace_ + "/" + pod.metadata.name + " (pod is not owner)");
  }
  return claim.spec.volume_name;
}

Result<VolumeSpec> resolve_claim(const PodPtr& pod, const core::Volume& entry, const core::PersistentVolumeClaim& claim,
                                 PersistentVolumePtr persistent) {
  const core::PersistentVolumeSpec& spec = persistent->spec;
  const auto refuse = [&](std::string message) { return claim_error(*pod, entry, Status{Reason::Conflict, 0, std::move(message), {}}); };
  const std::string found = "found PV object " + persistent->metadata.name;
  if (!spec.claim_ref) return refuse(found + " but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim");
  if (spec.claim_ref->uid != claim.metadata.uid)
    return refuse(found + " but its pv.Spec.ClaimRef.UID " + spec.claim_ref->uid + " does not point to claim.UID " + claim.metadata.uid);
  const std::string mode = spec.volume_mode.value_or("Filesystem");
  const auto misused = [&](const char* field) {
    return error(Reason::Invalid, "volume " + entry.name + " has volumeMode " + mode + ", but is specified in " + field);
  };
  if (mode != "Filesystem" && is_mounted(pod->spec, entry.name)) return misused("volumeMounts");
  if (mode != "Block" && is_mapped(pod->spec, entry.name)) return misused("volumeDevices");
  VolumeSpec out = resolve(pod, entry);
  out.kind = kind_of_persistent(*persistent);
  out.block = mode == "Block";
  out.read_only = entry.persistent_volume_claim && entry.persistent_volume_claim->read_only;
  out.mount_options = mount_options(*persistent);
  out.claim = std::make_shared<const core::PersistentVolumeClaim>(claim);
  out.persistent = std::move(persistent);
  return out;
}

}  // namespace pintle::kubelet::volumes
