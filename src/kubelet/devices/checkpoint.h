// kubelet_internal_checkpoint, in upstream's form: either kubelet finds what the other wrote. Its checksum is over the form in which Go
// prints the structures. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "kubelet/devices/allocations.h"

namespace pintle::kubelet::devices {

inline constexpr const char* checkpoint_file = "kubelet_internal_checkpoint";
constexpr std::size_t checkpoint_bytes_max = 64 << 20;  // a larger file is not read: its allocations are not known

struct Checkpoint {
  Allocations allocations;
  std::map<std::string, DeviceIds> registered;  // the healthy devices of each resource
};

std::string encode_checkpoint(const Checkpoint& checkpoint);
// BadRequest: not its form; Conflict: another checksum. An entry whose answer does not decode is left out, as upstream does.
Result<Checkpoint> decode_checkpoint(std::string_view text);

}  // namespace pintle::kubelet::devices
