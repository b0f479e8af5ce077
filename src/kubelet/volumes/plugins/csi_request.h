// What a CSI driver is told about a volume of a pod: of the pod's entry or its PersistentVolume, what the CSIDriver says, and what the driver can.
// Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/csi_v1.h"
#include "api/gen/storage_v1.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "csi/driver.h"
#include "kubelet/volumes/volume_spec.h"
#include "kubelet/volumes/volume_usage.h"

namespace pintle::kubelet::volumes::plugins {

using CsiDriverPtr = std::shared_ptr<const api::storage_v1::CSIDriver>;

struct SecretName {
  std::string namespace_name;
  std::string name;
  bool operator==(const SecretName&) const = default;
};

// The volume as its source says.
struct CsiSource {
  std::string driver;
  std::string handle;
  std::string fs_type;
  bool read_only = false;  // of the pod's containers
  bool ephemeral = false;  // it stands in the pod, and lives as long
  FlatMap<std::string> attributes;
  std::optional<SecretName> stage_secret, publish_secret, expand_secret;
};
// nullopt: no driver mounts it.
std::optional<CsiSource> csi_source(const VolumeSpec& spec, std::string_view namespace_name, std::string_view pod_uid);
// "csi-" and the SHA-256 of the pod's UID and the entry's name.
std::string ephemeral_handle(std::string_view pod_uid, std::string_view entry);

// `object` nullptr, of all: the cluster has no CSIDriver of that name.
bool is_attached_first(const CsiDriverPtr& object);
// Error: the driver is not for volumes of this kind, in upstream's words.
Result<Unit> check_lifecycle(const CsiSource& source, const CsiDriverPtr& object);
bool wants_pod_info(const CsiDriverPtr& object);
bool is_republished(const CsiDriverPtr& object);
// What the driver is told of the pod.
FlatMap<std::string> pod_info(const api::core_v1::Pod& pod, bool ephemeral);

// How the pod has it. `group`: that the driver itself is to mount it with.
api::csi_v1::VolumeCapability volume_capability(const VolumeSpec& spec, const CsiSource& source, const csi::NodeCapabilities& can,
                                                std::optional<uint32_t> group);
// Whether the kubelet gives the volume's files to the pod's fsGroup.
bool is_owned_by_kubelet(const VolumeSpec& spec, const CsiSource& source, const CsiDriverPtr& object);

// The size that the PersistentVolume has and its claim does not know of yet, in bytes; nullopt: the node has nothing to grow.
std::optional<api::Quantity> grown_to(const VolumeSpec& spec);
// A merge patch of the claim's status: it has that size now, and nothing is in progress.
std::string grown_patch(const api::core_v1::PersistentVolumeClaim& claim, const api::Quantity& size);

// What a driver says of a volume's use; a number below zero is none.
VolumeSpace space_of(const api::csi_v1::NodeGetVolumeStatsResponse& answer);

// The tokens for a driver, as it reads them: {"AUDIENCE":{"token":...,"expirationTimestamp":...}}.
struct AudienceToken {
  std::string audience;
  std::string token;
  std::string expires;  // RFC 3339
};
std::string tokens_json(const std::vector<AudienceToken>& tokens);

}  // namespace pintle::kubelet::volumes::plugins
