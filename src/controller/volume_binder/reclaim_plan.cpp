// Volumes at their end, and those that the manager makes itself.
#include <algorithm>

#include "controller/framework/host_directories.h"
#include "controller/volume_binder/plan.h"

namespace pintle::controller::volume_binder {

using api::core_v1::Pod;
using api::storage_v1::StorageClass;

namespace {

constexpr std::string_view external_finalizer = "external-provisioner.volume.kubernetes.io/finalizer";
constexpr int64_t bytes_per_gibibyte = int64_t{1} << 30;

// Kinds of volumes that upstream's manager knows, and cannot delete.
bool is_known_in_tree(const PersistentVolume& volume) {
  const auto& spec = volume.spec;
  return spec.nfs || spec.iscsi || spec.fc || spec.local || spec.flex_volume;
}

bool said(const std::string* annotation) { return annotation != nullptr && !annotation->empty(); }

bool contains(const std::vector<std::string>& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

ReclaimPlan fail(std::string_view reason, std::string message) { return {ReclaimPlan::Action::Fail, reason, std::move(message)}; }

ReclaimPlan plan_removal(const PersistentVolume& volume) {
  constexpr std::string_view reason = "VolumeFailedDelete";
  const auto& annotations = volume.metadata.annotations;
  if (const std::string* provisioner = annotations.get(provisioned_by_annotation); said(provisioner)) {
    if (!provisioner->starts_with("kubernetes.io/")) return {};  // it watches for the phase Released
    if (*provisioner != host_path_plugin) return fail(reason, "no volume plugin matched name: " + *provisioner);
  }
  if (annotations.contains(migrated_to_annotation) || volume.spec.csi) return {};
  if (!volume.spec.host_path)
    return fail(reason, "error getting deleter volume plugin for volume \"" + volume.metadata.name +
                            "\": " + (is_known_in_tree(volume) ? "no deletable volume plugin matched" : "no volume plugin matched"));
  // Upstream also takes paths that have "/tmp/" farther on.
  if (!is_below_tmp(volume.spec.host_path->path))
    return fail(reason, "host_path deleter only supports /tmp/.+ but received provided " + volume.spec.host_path->path);
  return {ReclaimPlan::Action::Remove, reason};
}

}  // namespace

ReclaimPlan plan_reclaim(const PersistentVolume& volume) {
  if (said(volume.metadata.annotations.get(migrated_to_annotation))) return {};
  const std::string_view policy = volume.spec.persistent_volume_reclaim_policy;
  if (policy == "Delete") return plan_removal(volume);
  if (policy != "Recycle") return {};
  constexpr std::string_view reason = "VolumeFailedRecycle";
  if (volume.spec.host_path || volume.spec.nfs) return {ReclaimPlan::Action::Recycle, reason};
  return fail(reason, "No recycler plugin found for the volume!");
}

bool is_superfluous(const PersistentVolume& volume) {
  return volume.metadata.annotations.contains(provisioned_by_annotation) && volume.spec.persistent_volume_reclaim_policy == "Delete";
}

PersistentVolume unbound(const PersistentVolume& volume) {
  PersistentVolume out = volume;
  if (out.metadata.annotations.contains(bound_by_controller_annotation)) {
    out.spec.claim_ref.reset();
    out.metadata.annotations.erase(bound_by_controller_annotation);
  } else if (out.spec.claim_ref) {
    out.spec.claim_ref->uid.clear();
  }
  return out;
}

bool mark_deletion_finalizers(PersistentVolume& volume) {
  const std::string* provisioner = volume.metadata.annotations.get(provisioned_by_annotation);
  if (provisioner == nullptr) return false;
  auto& finalizers = volume.metadata.finalizers;
  const std::vector<std::string> before = finalizers;
  if (driver_of(*provisioner) != *provisioner) {
    std::erase(finalizers, in_tree_finalizer);
  } else if (provisioner->starts_with("kubernetes.io/")) {
    const bool goes = volume.spec.persistent_volume_reclaim_policy == "Delete";
    if (goes && !contains(finalizers, in_tree_finalizer)) finalizers.emplace_back(in_tree_finalizer);
    if (!goes) std::erase(finalizers, in_tree_finalizer);
    std::erase(finalizers, external_finalizer);
  }
  return finalizers != before;
}

Pod recycler_pod(const PersistentVolume& volume, const RecyclerOptions& options) {
  Pod pod;
  if (options.pod_template) {
    pod = *options.pod_template;
  } else {
    pod.spec.restart_policy = "Never";
    pod.spec.volumes.emplace_back().name = "vol";
    auto& container = pod.spec.containers.emplace_back();
    container.name = "pv-recycler";
    container.image = "registry.k8s.io/build-image/debian-base:bookworm-v1.0.6";
    container.command = {"/bin/sh"};
    container.args = {"-c", R"sh(test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1)sh"};
    auto& mount = container.volume_mounts.emplace_back();
    mount.name = "vol";
    mount.mount_path = "/scrub";
  }
  pod.metadata.generate_name.clear();
  pod.metadata.name = "recycler-for-" + volume.metadata.name;
  if (pod.metadata.namespace_.empty()) pod.metadata.namespace_ = "default";
  const api::Quantity* size = volume.spec.capacity.get("storage");
  const int64_t gibibytes = size ? size->value() / bytes_per_gibibyte : 0;
  int64_t seconds = 0;
  if (__builtin_mul_overflow(gibibytes, options.timeout_increment_seconds, &seconds)) seconds = INT32_MAX;
  pod.spec.active_deadline_seconds = std::max(options.minimum_timeout_seconds, std::min<int64_t>(seconds, INT32_MAX));
  auto& scrubbed = pod.spec.volumes.front();
  const std::string name = scrubbed.name;
  scrubbed = {};
  scrubbed.name = name;
  if (volume.spec.host_path) {
    scrubbed.host_path.emplace().path = volume.spec.host_path->path;
  } else if (volume.spec.nfs) {
    auto& nfs = scrubbed.nfs.emplace();
    nfs.server = volume.spec.nfs->server;
    nfs.path = volume.spec.nfs->path;
  }
  return pod;
}

ProvisionPlan plan_provision(std::string_view provisioner) {
  using enum ProvisionPlan::Maker;
  if (!provisioner.starts_with("kubernetes.io/") || driver_of(provisioner) != provisioner) return {External};
  if (provisioner == host_path_plugin) return {HostDirectories};
  for (const std::string_view known : {"kubernetes.io/nfs", "kubernetes.io/iscsi", "kubernetes.io/fc", "kubernetes.io/csi"})
    if (provisioner == known) return {Nobody, "no provisionable volume plugin matched"};
  return {Nobody, "no volume plugin matched name: " + std::string(provisioner)};
}

std::string provision_fault(const PersistentVolumeClaim& claim, const StorageClass& its, bool enabled) {
  if (claim.spec.data_source)
    return "plugin \"kubernetes.io/host-path\" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource";
  if (!its.mount_options.empty()) {
    std::string options;
    for (const std::string& option : its.mount_options) options += (options.empty() ? "" : " ") + option;
    return "Mount options are not supported by the provisioner but StorageClass \"" + its.metadata.name + "\" has mount options [" + options + "]";
  }
  if (!enabled) return "Failed to create provisioner: provisioning in volume plugin \"kubernetes.io/host-path\" is disabled";
  if (claim.spec.volume_mode.value_or("Filesystem") == "Block")
    return "Failed to provision volume with StorageClass \"" + its.metadata.name +
           "\": kubernetes.io/host-path does not support block volume provisioning";
  return "";
}

PersistentVolume host_volume(const PersistentVolumeClaim& claim, const StorageClass& its, std::string path) {
  PersistentVolume out;
  out.metadata.name = "pvc-" + claim.metadata.uid;
  out.metadata.annotations["kubernetes.io/createdby"] = "hostpath-dynamic-provisioner";
  out.metadata.annotations[bound_by_controller_annotation] = "yes";
  out.metadata.annotations[provisioned_by_annotation] = host_path_plugin;
  out.spec.persistent_volume_reclaim_policy = its.reclaim_policy.value_or("Delete");
  if (out.spec.persistent_volume_reclaim_policy == "Delete") out.metadata.finalizers.emplace_back(in_tree_finalizer);
  out.spec.access_modes = claim.spec.access_modes;
  const api::Quantity* size = claim.spec.resources.requests.get("storage");
  out.spec.capacity["storage"] = size ? *size : api::Quantity();
  out.spec.host_path.emplace().path = std::move(path);
  out.spec.storage_class_name = class_of(claim);
  auto& ref = out.spec.claim_ref.emplace();
  ref.kind = "PersistentVolumeClaim";
  ref.api_version = "v1";
  ref.namespace_ = claim.metadata.namespace_;
  ref.name = claim.metadata.name;
  ref.uid = claim.metadata.uid;
  ref.resource_version = claim.metadata.resource_version;
  return out;
}

}  // namespace pintle::controller::volume_binder
