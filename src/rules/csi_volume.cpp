#include "rules/csi_volume.h"

#include <algorithm>

#include "base/split.h"
#include "component/certificate/keys.h"
#include "rules/migrated_drivers.h"

namespace pintle::rules {

using api::core_v1::PersistentVolume;

namespace {

constexpr std::string_view csi_prefix = "kubernetes.io/csi/";
constexpr char handle_separator = '^';
constexpr std::string_view unspecified = "UNSPECIFIED";

bool may_be_on_several_nodes(const PersistentVolume& volume) {
  const auto& modes = volume.spec.access_modes;
  return modes.empty() || std::ranges::any_of(modes, [](const std::string& mode) { return mode == "ReadWriteMany" || mode == "ReadOnlyMany"; });
}

// "aws://ZONE/vol-1" and "vol-1"
std::string ebs_handle(const std::string& id) {
  if (!id.starts_with("aws://")) return id;
  const std::size_t slash = id.find('/', std::string_view("aws://").size());
  return slash == std::string::npos ? "" : id.substr(id.find_first_not_of('/', slash));
}

// Of a zone, of a region (a disk in several zones), or of no known place.
std::string gce_handle(const PersistentVolume& volume, const std::string& disk) {
  std::string zones;
  for (const std::string_view label : {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"})
    if (const std::string* value = volume.metadata.labels.get(label); value != nullptr && zones.empty()) zones = *value;
  const std::string project = "projects/" + std::string(unspecified);
  const std::size_t several = zones.find("__");
  if (several != std::string::npos) return project + "/regions/" + zones.substr(0, std::min(zones.rfind('-', several), several)) + "/disks/" + disk;
  return project + "/zones/" + (zones.empty() ? std::string(unspecified) : zones) + "/disks/" + disk;
}

CsiVolume migrated(std::string_view plugin, std::string handle) { return {std::string(driver_of(plugin)), std::move(handle), {}, true, true}; }

std::optional<CsiVolume> source_of(const PersistentVolume& volume) {
  const auto& spec = volume.spec;
  if (spec.csi) return CsiVolume{spec.csi->driver, spec.csi->volume_handle};
  if (spec.aws_elastic_block_store) return migrated("kubernetes.io/aws-ebs", ebs_handle(spec.aws_elastic_block_store->volume_id));
  if (spec.gce_persistent_disk) return migrated("kubernetes.io/gce-pd", gce_handle(volume, spec.gce_persistent_disk->pd_name));
  if (spec.azure_disk) return migrated("kubernetes.io/azure-disk", spec.azure_disk->disk_uri);
  if (spec.cinder) return migrated("kubernetes.io/cinder", spec.cinder->volume_id);
  if (spec.vsphere_volume) return migrated("kubernetes.io/vsphere-volume", spec.vsphere_volume->volume_path);
  if (spec.portworx_volume) return migrated("kubernetes.io/portworx-volume", spec.portworx_volume->volume_id);
  return std::nullopt;
}

}  // namespace

std::optional<CsiVolume> csi_volume_of(const PersistentVolume& volume) {
  auto out = source_of(volume);
  if (!out || out->driver.empty() || out->handle.empty()) return std::nullopt;
  out->persistent_volume = volume.metadata.name;
  out->multi_attach = may_be_on_several_nodes(volume);
  return out;
}

std::string unique_prefix(std::string_view driver) { return std::string(csi_prefix) + std::string(driver) + handle_separator; }
std::string unique_name(const CsiVolume& volume) { return unique_prefix(volume.driver) + volume.handle; }

std::optional<CsiVolume> parse_unique_name(std::string_view name) {
  if (!name.starts_with(csi_prefix)) return std::nullopt;
  const auto parts = split(name.substr(csi_prefix.size()), handle_separator);
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) return std::nullopt;
  return CsiVolume{std::string(parts[0]), std::string(parts[1])};
}

std::string attachment_name(const CsiVolume& volume, std::string_view node) {
  return "csi-" + component::hex(component::sha256(volume.handle + volume.driver + std::string(node)));
}

std::string plugin_name(const CsiVolume& volume) { return "kubernetes.io/csi:" + volume.driver; }

}  // namespace pintle::rules
