#include "csi_local/requests.h"

#include <algorithm>

#include "api/values.h"
#include "base/split.h"
#include "net/grpc/code.h"

namespace pintle::csi_local {

namespace {

using net::grpc::Code;

constexpr std::string_view sidecar_prefix = "csi.storage.k8s.io/";
constexpr std::size_t shown_bytes_max = 64;

Unexpected<Status> refuse(Code code, std::string text) { return Unexpected<Status>(net::grpc::to_status(code, text)); }

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, shown_bytes_max)) out += c >= ' ' && c < 127 ? c : '?';
  return '"' + out + '"';
}

Result<int64_t> parse_size(std::string_view key, std::string_view text) {
  const auto quantity = api::Quantity::parse(text);
  if (!quantity || quantity->value() <= 0 || quantity->value() > size_bytes_max)
    return refuse(Code::InvalidArgument, "parameter " + std::string(key) + ": " + shown(text) + " is no size of a volume");
  return quantity->value();
}

Result<Unit> check_backing(std::string_view text) {
  if (text == "auto" || text == "image") return Unit{};
  if (text == "quota" || text == "directory")
    return refuse(Code::InvalidArgument, "parameter backing: " + shown(text) + " is not offered in this release; \"image\" and \"auto\" are");
  return refuse(Code::InvalidArgument, "parameter backing: " + shown(text) + " is not known");
}

int64_t rounded_up(int64_t bytes) { return (bytes + size_step_bytes - 1) / size_step_bytes * size_step_bytes; }

}  // namespace

Result<VolumeClass> parse_class(const FlatMap<std::string>& parameters, std::span<const Pool> pools) {
  VolumeClass out;
  out.pool = pools.front().name;
  for (const auto& [key, value] : parameters) {
    if (key == "path") {
      if (std::ranges::find(pools, value, &Pool::name) == pools.end())
        return refuse(Code::InvalidArgument, "parameter path: this node has no path " + shown(value));
      out.pool = value;
    } else if (key == "backing") {
      TRY(check_backing(value));
    } else if (key == "minSize") {
      TRY_ASSIGN(const int64_t bytes, parse_size(key, value));
      out.size_bytes_min = std::max(bytes, size_bytes_min);
    } else if (key == "maxSize") {
      TRY_ASSIGN(out.size_bytes_max, parse_size(key, value));
    } else if (!key.starts_with(sidecar_prefix)) {
      return refuse(Code::InvalidArgument, "parameter " + shown(key) + " is not known");
    }
  }
  if (out.size_bytes_min > out.size_bytes_max) return refuse(Code::InvalidArgument, "parameter minSize is more than maxSize");
  return out;
}

Result<Access> parse_access(const api::csi_v1::VolumeCapability& capability) {
  Access out;
  const bool mount = static_cast<bool>(capability.mount);
  out.block = static_cast<bool>(capability.block);
  if (mount == out.block) return refuse(Code::InvalidArgument, "a volume capability is of one access type: block or mount");
  if (mount) {
    out.fs_type = capability.mount->fs_type.empty() ? "ext4" : capability.mount->fs_type;
    if (out.fs_type != "ext4") return refuse(Code::InvalidArgument, "file system " + shown(out.fs_type) + " is not offered; \"ext4\" is");
    if (!capability.mount->volume_mount_group.empty()) return refuse(Code::InvalidArgument, "volume_mount_group is not offered");
    out.mount_flags = capability.mount->mount_flags;
    std::size_t bytes = 0;
    for (const std::string& flag : out.mount_flags) bytes += flag.size() + 1;
    if (bytes > mount_flags_bytes_max)
      return refuse(Code::InvalidArgument, "mount_flags are longer than " + std::to_string(mount_flags_bytes_max) + " bytes");
  }
  using Mode = api::csi_v1::VolumeCapabilityAccessModeMode;
  const int32_t mode = capability.access_mode ? capability.access_mode->mode : Mode::Unknown;
  switch (mode) {
    case Mode::SingleNodeWriter:
    case Mode::SingleNodeMultiWriter: break;
    case Mode::SingleNodeReaderOnly: out.read_only = true; break;
    case Mode::SingleNodeSingleWriter: out.single_writer = true; break;
    case Mode::Unknown: return refuse(Code::InvalidArgument, "a volume capability has an access mode");
    default: return refuse(Code::InvalidArgument, "a volume of a node is not accessible from others: access mode " + std::to_string(mode));
  }
  return out;
}

Result<Access> parse_accesses(std::span<const api::csi_v1::VolumeCapability> capabilities) {
  if (capabilities.empty()) return refuse(Code::InvalidArgument, "volume capabilities are required");
  TRY_ASSIGN(Access out, parse_access(capabilities.front()));
  for (const auto& capability : capabilities.subspan(1)) {
    TRY_ASSIGN(const Access other, parse_access(capability));
    if (other.block != out.block) return refuse(Code::InvalidArgument, "a volume is a disk or a file system, not both");
  }
  return out;
}

Result<int64_t> choose_size(const api::csi_v1::CapacityRange* range, const VolumeClass& bounds, int64_t least_bytes) {
  const int64_t required = range ? range->required_bytes : 0, limit = range ? range->limit_bytes : 0;
  if (required < 0 || limit < 0) return refuse(Code::InvalidArgument, "a capacity range is not below 0");
  if (limit > 0 && limit < required) return refuse(Code::InvalidArgument, "the capacity range's limit is below what it requires");
  if (required > 0 && required < least_bytes)
    return refuse(Code::OutOfRange, std::to_string(required) + " bytes are less than the " + std::to_string(least_bytes) + " that are there");
  const int64_t most = std::min(bounds.size_bytes_max, limit > 0 ? limit : size_bytes_max);
  if (required > most || required > size_bytes_max)
    return refuse(Code::OutOfRange, std::to_string(required) + " bytes are more than a volume of this class may have: " + std::to_string(most));
  int64_t size = std::max({required, least_bytes, bounds.size_bytes_min});
  if (required == 0 && least_bytes == 0)
    size = std::max(bounds.size_bytes_min, std::min(size_bytes_default, most / size_step_bytes * size_step_bytes));
  size = rounded_up(size);
  if (size > most)
    return refuse(Code::OutOfRange,
                  "a volume of this class has at least " + std::to_string(size) + " bytes, and at most " + std::to_string(most) + " are allowed");
  return size;
}

bool is_within(int64_t size_bytes, const api::csi_v1::CapacityRange* range) {
  return !range || (size_bytes >= range->required_bytes && (range->limit_bytes == 0 || size_bytes <= range->limit_bytes));
}

bool is_here(const api::csi_v1::Topology& topology, std::string_view node) {
  const std::string* segment = topology.segments.get(topology_key);
  return segment && *segment == node;
}

Result<Unit> check_topology(const api::csi_v1::TopologyRequirement* wanted, std::string_view node) {
  if (!wanted || wanted->requisite.empty()) return Unit{};
  if (std::ranges::any_of(wanted->requisite, [node](const auto& topology) { return is_here(topology, node); })) return Unit{};
  return refuse(Code::ResourceExhausted, "the volume is wanted on other nodes than " + std::string(node));
}

Result<Unit> check_path(std::string_view what, std::string_view path) {
  const std::string name(what);
  if (path.empty()) return refuse(Code::InvalidArgument, name + " is required");
  if (path.size() > path_bytes_max) return refuse(Code::InvalidArgument, name + " is longer than " + std::to_string(path_bytes_max) + " bytes");
  const auto parts = split(path, '/');
  if (path.front() != '/' || path.find('\0') != std::string_view::npos || std::ranges::find(parts, "..") != parts.end())
    return refuse(Code::InvalidArgument, name + " " + shown(path) + " is no absolute path without \"..\"");
  return Unit{};
}

Result<Unit> check_name(std::string_view what, std::string_view name) {
  if (name.empty()) return refuse(Code::InvalidArgument, std::string(what) + " is required");
  if (name.size() > name_bytes_max)
    return refuse(Code::InvalidArgument, std::string(what) + " is longer than " + std::to_string(name_bytes_max) + " bytes");
  return Unit{};
}

}  // namespace pintle::csi_local
