// The files of configMap, secret, downwardAPI and projected volumes, from the objects they project. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "kubelet/downward/downward.h"

namespace pintle::kubelet::volumes {

struct PayloadFile {
  std::string data;
  uint32_t mode = 0644;
  std::optional<uint32_t> uid;  // who owns it; else root
  bool operator==(const PayloadFile&) const = default;
};
// By path inside the volume.
using Payload = std::map<std::string, PayloadFile>;

// All keys, or those of `items`. NotFound with upstream's message for a key that is not there, unless `optional`.
Result<Payload> config_map_payload(const std::vector<api::core_v1::KeyToPath>& items, const api::core_v1::ConfigMap& object, uint32_t default_mode,
                                   bool optional);
Result<Payload> secret_payload(const std::vector<api::core_v1::KeyToPath>& items, const api::core_v1::Secret& object, uint32_t default_mode,
                               bool optional);
Result<Payload> downward_payload(const std::vector<api::core_v1::DownwardAPIVolumeFile>& items, const api::core_v1::Pod& pod,
                                 const FlatMap<api::Quantity>& node_allocatable, uint32_t default_mode);
// Every path is relative, inside the volume, and not of the names that atomic updates use ("..data").
Result<Unit> check_payload(const Payload& payload);
// The user that all containers of the pod run as, if they say so alike: the owner of its tokens.
std::optional<uint32_t> common_user(const api::core_v1::Pod& pod);

}  // namespace pintle::kubelet::volumes
