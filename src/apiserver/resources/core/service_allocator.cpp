#include "apiserver/resources/core/service_allocator.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/types/service_ranges.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

constexpr int tries_at_random = 64;
constexpr uint64_t scan_max = 1 << 16;  // addresses looked at one by one once chance has failed
constexpr uint64_t static_band_min = 16;
constexpr uint64_t static_band_max = 256;
constexpr uint64_t static_ports_max = 128;
const GroupResource service_resource{"", "services"};

// Addresses of the range that may be given out: neither the first nor, in IPv4, the last; at most 2^32.
uint64_t usable(const IpPrefix& range) {
  const unsigned host_bits = range.address.width_bits() - range.bits;
  const uint64_t size = host_bits >= 32 ? uint64_t{1} << 32 : uint64_t{1} << host_bits;
  const uint64_t kept = range.address.is_v6() ? 1 : 2;
  return size > kept ? size - kept : 0;
}

template <class Map, class Key>
void drop(Map& map, const Key& key) {
  auto it = map.find(key);
  if (it != map.end() && --it->second == 0) map.erase(it);
}

// The lower band, for those who ask by name.
uint64_t static_band(uint64_t size) { return size < static_band_min ? 0 : std::clamp(size / 16, static_band_min, static_band_max); }

}  // namespace

Result<Unit> ServiceAllocator::attach(ResourceReader& reader, const std::string& ip_ranges, std::pair<uint16_t, uint16_t> node_ports) {
  std::call_once(attached_, [&] {
    node_ports_ = node_ports;
    auto ranges = parse_service_ranges(ip_ranges);
    if (!ranges) {
      attach_result_ = Unexpected(std::move(ranges).error());
      return;
    }
    ranges_ = std::move(*ranges);
    for (const IpPrefix& range : ranges_) families_.emplace_back(family_name(range.address.family));
    reader.subscribe(service_resource, [this, &reader](const storage::CacheEvent& event) { on_event(reader, event); });
  });
  return attach_result_;
}

void ServiceAllocator::on_event(const ResourceReader& reader, const storage::CacheEvent& event) {
  if (!event.object) return;
  Holding now;
  if (event.type != storage::CacheEventType::Deleted) {
    const auto object = reader.decode(service_resource, *event.object);
    if (!object) return;
    const auto& service = object->as<core::Service>();
    for (const std::string& address : service.spec.cluster_ips)
      if (!address.empty() && address != "None") now.addresses.push_back(address);
    for (const core::ServicePort& port : service.spec.ports)
      if (port.node_port != 0) now.ports.push_back(port.node_port);
    if (service.spec.health_check_node_port != 0) now.ports.push_back(service.spec.health_check_node_port);
    std::sort(now.ports.begin(), now.ports.end());
    now.ports.erase(std::unique(now.ports.begin(), now.ports.end()), now.ports.end());
  }
  ThreadLock lock(mutex_);
  const std::string key(event.object->key());
  Holding& before = services_[key];
  for (const std::string& address : before.addresses) drop(used_ips_, address);
  for (const int32_t port : before.ports) drop(used_ports_, port);
  for (const std::string& address : now.addresses) ++used_ips_[address];
  for (const int32_t port : now.ports) ++used_ports_[port];
  if (now.addresses.empty() && now.ports.empty()) {
    services_.erase(key);
  } else {
    before = std::move(now);
  }
}

Result<Unit> ServiceAllocator::reserve_ip(std::string_view address) {
  const auto ip = parse_address(address, IpSyntax::Strict);
  const bool in_range = ip && std::any_of(ranges_.begin(), ranges_.end(), [&](const IpPrefix& range) { return range.contains(*ip); });
  if (!in_range) return bad_request(fmt::format("failed to allocate IP {}: the provided IP is not in the valid range", address));
  ThreadLock lock(mutex_);
  const std::string key = ip->to_string();
  if (ip_taken(key)) return bad_request(fmt::format("failed to allocate IP {}: provided IP is already allocated", address));
  ++reserved_ips_[key];
  return Unit{};
}

Result<std::string> ServiceAllocator::draw_ip(std::string_view family, rt::Random& random) {
  const auto named = std::find(families_.begin(), families_.end(), family);
  if (named == families_.end()) return bad_request(fmt::format("{} is not configured on this cluster", family));
  const IpPrefix& range = ranges_[static_cast<std::size_t>(named - families_.begin())];
  const uint64_t size = usable(range);
  if (size == 0) return internal("the service IP range is too small");
  const uint64_t band = static_band(size);
  ThreadLock lock(mutex_);
  const auto take = [&](uint64_t offset) REQUIRES(mutex_) -> std::string {
    std::string address = range.nth(offset + 1)->to_string();
    if (ip_taken(address)) return {};
    ++reserved_ips_[address];
    return address;
  };
  for (int i = 0; i < tries_at_random; ++i)
    if (std::string address = take(band + random.below(size - band)); !address.empty()) return address;
  const uint64_t start = random.below(size);
  for (uint64_t i = 0; i < std::min(size, scan_max); ++i)
    if (std::string address = take((start + i) % size); !address.empty()) return address;
  return internal("failed to allocate a service IP: range is full");
}

Result<Unit> ServiceAllocator::reserve_port(int32_t port, const std::set<int32_t>& also_ok) {
  if (port < node_ports_.first || port > node_ports_.second)
    return bad_request(
        fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}", node_ports_.first, node_ports_.second));
  ThreadLock lock(mutex_);
  if (port_taken(port) && !also_ok.contains(port)) return bad_request("provided port is already allocated");
  ++reserved_ports_[port];
  return Unit{};
}

Result<int32_t> ServiceAllocator::draw_port(rt::Random& random) {
  const auto size = static_cast<uint64_t>(node_ports_.second - node_ports_.first + 1);
  const uint64_t band = size < static_band_min ? 0 : std::clamp(size / 32, static_band_min, static_ports_max);
  ThreadLock lock(mutex_);
  const uint64_t start = band + random.below(size - band);
  for (uint64_t i = 0; i < size; ++i) {
    const auto port = static_cast<int32_t>(node_ports_.first + (start + i) % size);
    if (port_taken(port)) continue;
    ++reserved_ports_[port];
    return port;
  }
  return internal("failed to allocate a nodePort: range is full");
}

void ServiceAllocator::release(const std::vector<std::string>& addresses, const std::vector<int32_t>& ports) {
  ThreadLock lock(mutex_);
  for (const std::string& address : addresses) drop(reserved_ips_, address);
  for (const int32_t port : ports) drop(reserved_ports_, port);
}

}  // namespace pintle::apiserver::resources
