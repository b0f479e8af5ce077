// What a request asks for, checked: the parameters of its class, its capabilities, its size. Pure. Errors are gRPC's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/gen/csi_v1.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "csi_local/records.h"

namespace pintle::csi_local {

inline constexpr const char* driver_name = "local.csi.pintle.dev";
inline constexpr const char* topology_key = "topology.local.csi.pintle.dev/node";

constexpr int64_t size_step_bytes = 1 << 20;          // sizes are rounded up to whole ones
constexpr int64_t size_bytes_min = 16 << 20;          // below it a file system has hardly room for itself
constexpr int64_t size_bytes_default = 1 << 30;       // of a request that asks for none
constexpr int64_t size_bytes_max = int64_t{1} << 44;  // of ext4 with blocks of 4 KiB
constexpr std::size_t name_bytes_max = 128;           // as the specification bounds it
constexpr std::size_t path_bytes_max = 4096;
constexpr std::size_t mount_flags_bytes_max = 4096;  // as the specification bounds them

// The parameters of a StorageClass: `path`, `backing`, `minSize`, `maxSize`. Those of sidecars (csi.storage.k8s.io/...) are passed by.
struct VolumeClass {
  std::string pool;
  int64_t size_bytes_min = csi_local::size_bytes_min;
  int64_t size_bytes_max = csi_local::size_bytes_max;
};
// InvalidArgument names the parameter that is unknown, ill formed, or asks for what is not there. `pools` is not empty.
Result<VolumeClass> parse_class(const FlatMap<std::string>& parameters, std::span<const Pool> pools);

// What a volume is used as.
struct Access {
  bool block = false;
  std::string fs_type;  // "" for block
  bool single_writer = false;
  bool read_only = false;
  std::vector<std::string> mount_flags;
};
// InvalidArgument: what is not offered.
Result<Access> parse_access(const api::csi_v1::VolumeCapability& capability);
// Of all that a volume is to be capable of: not a disk and a file system at once.
Result<Access> parse_accesses(std::span<const api::csi_v1::VolumeCapability> capabilities);

// The size of a volume that holds at least `least_bytes` (of its source, or what it has now). OutOfRange, InvalidArgument.
Result<int64_t> choose_size(const api::csi_v1::CapacityRange* range, const VolumeClass& bounds, int64_t least_bytes);
// Whether a volume that is there is what a range asks for.
bool is_within(int64_t size_bytes, const api::csi_v1::CapacityRange* range);

// ResourceExhausted: it is asked for elsewhere only.
Result<Unit> check_topology(const api::csi_v1::TopologyRequirement* wanted, std::string_view node);
bool is_here(const api::csi_v1::Topology& topology, std::string_view node);

// InvalidArgument: empty, not absolute, too long, or with a "..".
Result<Unit> check_path(std::string_view what, std::string_view path);
Result<Unit> check_name(std::string_view what, std::string_view name);

}  // namespace pintle::csi_local
