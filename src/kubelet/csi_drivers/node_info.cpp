#include "kubelet/csi_drivers/node_info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "apimachinery/validation/formats.h"
#include "base/parse_number.h"
#include "base/strings.h"
#include "codec/json.h"

namespace pintle::kubelet::csi_drivers {

namespace {

using api::core_v1::Node;
using api::storage_v1::CSINode;
using api::storage_v1::CSINodeDriver;

// What upstream's kubelet has given over to drivers: all that it ever did itself.
constexpr std::string_view migrated_plugins =
    "kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,kubernetes.io/cinder,kubernetes.io/gce-pd,"
    "kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume";
constexpr std::size_t version_parts_max = 8;

// "v1.2.3-rc1" -> 1, 2, 3; nullopt: no version, or one part alone.
std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  Version out;
  while (out.size() < version_parts_max) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto part = parse_number<uint32_t>(text.substr(0, end));
    if (!part) break;
    out.push_back(*part);
    text.remove_prefix(end);
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return out.size() >= 2 ? std::optional(std::move(out)) : std::nullopt;
}

codec::Value node_ids(const Node& node) {
  const auto text = node.metadata.annotations.find(node_ids_annotation);
  if (text == node.metadata.annotations.end()) return codec::Value::Object{};
  auto value = codec::parse_json(text->second);
  // The annotation is the kubelet's own: what is no map of ids is written anew.
  return value && value->is_object() ? std::move(*value) : codec::Value(codec::Value::Object{});
}

// Of exactly this Node: one that was made anew under its name is not the one that was read.
std::string patch_of(const Node& node, codec::Value metadata) {
  metadata["uid"] = node.metadata.uid;
  codec::Value patch;
  patch["metadata"] = std::move(metadata);
  return codec::to_json(patch);
}

std::optional<int32_t> count_of(const CSINodeDriver& driver) { return driver.allocatable ? driver.allocatable->count : std::nullopt; }

// Upstream's: a negative limit is none, one that is too large is the largest.
std::optional<int32_t> count_of(const DriverOnNode& driver) {
  if (driver.volumes_max <= 0) return std::nullopt;
  return static_cast<int32_t>(std::min<int64_t>(driver.volumes_max, std::numeric_limits<int32_t>::max()));
}

}  // namespace

Result<DriverOnNode> driver_on_node(std::string name, api::csi_v1::NodeGetInfoResponse info) {
  if (info.node_id.empty()) return error(Reason::Invalid, "error adding CSI driver node info: driverNodeID must not be empty");
  if (info.node_id.size() > node_id_bytes_max)
    return error(Reason::Invalid, "error adding CSI driver node info: the node id has more than 256 bytes");
  if (info.accessible_topology && info.accessible_topology->segments.size() > topology_keys_max)
    return error(Reason::Invalid, "error adding CSI driver node info: the topology has more than 64 keys");
  DriverOnNode out;
  out.name = std::move(name);
  out.node_id = std::move(info.node_id);
  out.volumes_max = info.max_volumes_per_node;
  if (info.accessible_topology) out.topology = std::move(info.accessible_topology->segments);
  return out;
}

Result<Version> highest_version(const std::vector<std::string>& offered) {
  std::optional<Version> highest;
  for (const std::string& text : offered) {
    auto version = parse_version(text);
    if (version && version->front() <= 1 && (!highest || *highest < *version)) highest = std::move(version);
  }
  if (highest && highest->front() == 1) return std::move(*highest);
  if (offered.empty()) return error(Reason::Invalid, "Plugin returned an empty list for supported versions");
  return error(Reason::Invalid, fmt::format("None of the versions specified [\"{}\"] are supported: one must be v1.x", fmt::join(offered, ",")));
}

Result<Unit> check_driver_name(std::string_view name) {
  if (name.size() > driver_name_bytes_max) return error(Reason::Invalid, "the name of the driver has more than 63 characters");
  if (const auto faults = apimachinery::check_dns_subdomain(to_lower(name)); !faults.empty())
    return error(Reason::Invalid, "the name of the driver \"" + std::string(name) + "\": " + faults.front());
  return Unit{};
}

CSINode new_csi_node(const std::string& node_name, const std::string& node_uid) {
  CSINode out;
  out.metadata.name = node_name;
  auto& owner = out.metadata.owner_references.emplace_back();
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = node_name;
  owner.uid = node_uid;
  set_migrated(out);
  return out;
}

bool is_of_node(const CSINode& csi_node, std::string_view node_name, std::string_view node_uid) {
  return std::ranges::any_of(csi_node.metadata.owner_references,
                             [&](const auto& owner) { return owner.kind == "Node" && owner.name == node_name && owner.uid == node_uid; });
}

bool set_migrated(CSINode& csi_node) {
  std::string& text = csi_node.metadata.annotations[std::string(migrated_annotation)];
  if (text == migrated_plugins) return false;
  text = migrated_plugins;
  return true;
}

bool install(CSINode& csi_node, const DriverOnNode& driver) {
  auto& drivers = csi_node.spec.drivers;
  const auto known = std::ranges::find(drivers, driver.name, &CSINodeDriver::name);
  CSINodeDriver wanted;
  wanted.name = driver.name;
  wanted.node_id = driver.node_id;
  for (const auto& [key, value] : driver.topology) wanted.topology_keys.push_back(key);  // sorted, as the map is
  if (const auto count = count_of(driver)) wanted.allocatable.ensure().count = count;
  if (known != drivers.end()) {
    std::vector<std::string> keys = known->topology_keys;
    std::ranges::sort(keys);
    if (known->node_id == wanted.node_id && keys == wanted.topology_keys && count_of(*known) == count_of(wanted)) return false;
    drivers.erase(known);
  }
  drivers.push_back(std::move(wanted));
  return true;
}

bool uninstall(CSINode& csi_node, std::string_view name) {
  return std::erase_if(csi_node.spec.drivers, [&](const CSINodeDriver& driver) { return driver.name == name; }) > 0;
}

Result<std::string> install_patch(const Node& node, const DriverOnNode& driver) {
  codec::Value metadata;
  codec::Value ids = node_ids(node);
  if (ids.string_at(driver.name) != driver.node_id) {
    ids[driver.name] = driver.node_id;
    metadata["annotations"][node_ids_annotation] = codec::to_json(ids);
  }
  for (const auto& [key, value] : driver.topology) {
    const auto label = node.metadata.labels.find(key);
    if (label == node.metadata.labels.end()) {
      metadata["labels"][key] = value;
    } else if (label->second != value) {
      return error(Reason::Invalid, "detected topology value collision: driver reported \"" + key + "\":\"" + value + "\" but existing label is \"" +
                                        key + "\":\"" + label->second + "\"");
    }
  }
  return metadata.is_null() ? std::string() : patch_of(node, std::move(metadata));
}

std::string uninstall_patch(const Node& node, std::string_view name) {
  codec::Value ids = node_ids(node);
  if (!ids.find(name)) return "";
  ids.as_object().erase(name);
  codec::Value metadata;
  metadata["annotations"][node_ids_annotation] = ids.as_object().empty() ? codec::Value() : codec::Value(codec::to_json(ids));
  return patch_of(node, std::move(metadata));
}

}  // namespace pintle::kubelet::csi_drivers
