#include "apiserver/resources/core/service_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/gen/networking_v1.h"
#include "apiserver/resources/core/service_addresses.h"
#include "apiserver/types/service_ranges.h"
#include "rules/service_addresses.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
namespace networking = api::networking_v1;

constexpr int tries_at_random = 64;
constexpr uint64_t scan_max = 1 << 16;  // addresses looked at one by one once chance has failed
constexpr uint64_t static_band_min = 16;
constexpr uint64_t static_band_max = 256;
constexpr uint64_t static_ports_max = 128;
constexpr std::string_view default_range = "kubernetes";  // the ServiceCIDR of --service-cluster-ip-range
const GroupResource followed_services{"", "services"};
const GroupResource followed_addresses{"networking.k8s.io", "ipaddresses"};
const GroupResource followed_ranges{"networking.k8s.io", "servicecidrs"};

std::string full_name(std::string_view ns, std::string_view name) { return std::string(ns).append("/").append(name); }

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
    const auto ranges = parse_service_ranges(ip_ranges);
    if (!ranges) {
      attach_result_ = Unexpected(ranges.error());
      return;
    }
    for (const IpPrefix& range : *ranges) families_.emplace_back(family_name(range.address.family));
    reader.subscribe(followed_ranges, [this, &reader](const storage::CacheEvent& event) { on_range(reader, event); });
    reader.subscribe(followed_addresses, [this, &reader](const storage::CacheEvent& event) { on_address(reader, event); });
    reader.subscribe(followed_services, [this, &reader](const storage::CacheEvent& event) { on_service(reader, event); });
    ThreadLock lock(mutex_);
    following_ = true;
    for (const auto& [address, services] : used_ips_) settle_or_tell(address);
    for (const auto& [address, known] : known_) settle_or_tell(address);
  });
  return attach_result_;
}

void ServiceAllocator::on_range(const ResourceReader& reader, const storage::CacheEvent& event) {
  if (!event.object) return;
  const std::string name(event.object->header().name);
  Range range;
  const bool gone = event.type == storage::CacheEventType::Deleted;
  if (!gone) {
    const auto object = reader.decode(followed_ranges, *event.object);
    if (!object) return;
    const auto& cidr = object->as<networking::ServiceCIDR>();
    range = {rules::ranges_of(cidr), rules::is_open(cidr)};
  }
  ThreadLock lock(mutex_);
  if (gone) {
    ranges_.erase(name);
  } else {
    ranges_[name] = std::move(range);
  }
}

void ServiceAllocator::on_address(const ResourceReader& reader, const storage::CacheEvent& event) {
  if (!event.object) return;
  const std::string address(event.object->header().name);
  Known known;
  const bool gone = event.type == storage::CacheEventType::Deleted;
  if (!gone) {
    const auto object = reader.decode(followed_addresses, *event.object);
    if (!object) return;
    const auto& stored = object->as<networking::IPAddress>();
    known = {stored.metadata.uid, service_of(stored)};
  }
  ThreadLock lock(mutex_);
  if (gone) {
    known_.erase(address);
    given_back_.erase(address);
  } else {
    known_[address] = std::move(known);
  }
  settle_or_tell(address);
}

void ServiceAllocator::on_service(const ResourceReader& reader, const storage::CacheEvent& event) {
  if (!event.object) return;
  Holding now;
  if (event.type != storage::CacheEventType::Deleted) {
    const auto object = reader.decode(followed_services, *event.object);
    if (!object) return;
    const auto& service = object->as<core::Service>();
    for (const std::string& text : service.spec.cluster_ips)
      if (const auto address = parse_address(text)) now.addresses.push_back(address->to_string());
    for (const core::ServicePort& port : service.spec.ports)
      if (port.node_port != 0) now.ports.push_back(port.node_port);
    if (service.spec.health_check_node_port != 0) now.ports.push_back(service.spec.health_check_node_port);
    std::sort(now.ports.begin(), now.ports.end());
    now.ports.erase(std::unique(now.ports.begin(), now.ports.end()), now.ports.end());
  }
  ThreadLock lock(mutex_);
  const std::string key = full_name(event.object->header().ns, event.object->header().name);
  Holding before = std::exchange(services_[key], {});
  for (const std::string& address : before.addresses) {
    const auto it = used_ips_.find(address);
    if (it == used_ips_.end()) continue;
    std::erase(it->second, key);
    if (it->second.empty()) used_ips_.erase(it);
  }
  for (const int32_t port : before.ports) drop(used_ports_, port);
  for (const std::string& address : now.addresses) used_ips_[address].push_back(key);
  for (const int32_t port : now.ports) ++used_ports_[port];
  for (const std::string& address : before.addresses) {
    const auto known = known_.find(address);
    if (!used_ips_.contains(address) && known != known_.end() && known->second.service == key) given_back_[address] = known->second.uid;
    settle_or_tell(address);
  }
  for (const std::string& address : now.addresses) settle_or_tell(address);
  if (now.addresses.empty() && now.ports.empty()) {
    services_.erase(key);
  } else {
    services_[key] = std::move(now);
  }
}

// A request in flight settles by itself.
void ServiceAllocator::settle_or_tell(const std::string& address) {
  if (!following_ || reserved_ips_.contains(address)) return;
  const auto used = used_ips_.find(address);
  const auto known = known_.find(address);
  const bool is_used = used != used_ips_.end(), is_known = known != known_.end();
  if (!is_used && !is_known) return;
  if (is_used && is_known && used->second.size() == 1 && used->second[0] == known->second.service) return;
  unsettled_->add(address);
}

ServiceAllocator::Seen ServiceAllocator::look_at(const std::string& address) const {
  const auto ip = parse_address(address);
  Seen out;
  ThreadLock lock(mutex_);
  if (const auto used = used_ips_.find(address); used != used_ips_.end()) out.services = used->second;
  if (const auto back = given_back_.find(address); back != given_back_.end()) out.given_back = back->second;
  out.in_flight = reserved_ips_.contains(address);
  for (const auto& [name, range] : ranges_)
    for (const IpPrefix& prefix : range.prefixes) out.in_range |= ip && rules::is_assignable(prefix, *ip);
  return out;
}

bool ServiceAllocator::is_left_over(const std::string& address) const {
  ThreadLock lock(mutex_);
  return !used_ips_.contains(address) && !reserved_ips_.contains(address) && given_back_.contains(address);
}

void ServiceAllocator::give_back(const std::string& address, const std::string& uid) {
  ThreadLock lock(mutex_);
  given_back_[address] = uid;
  unsettled_->add(address);
}

Result<Unit> ServiceAllocator::reserve_ip(std::string_view address) {
  const auto ip = parse_address(address, IpSyntax::Strict);
  ThreadLock lock(mutex_);
  bool in_range = false;
  for (const auto& [name, range] : ranges_)
    for (const IpPrefix& prefix : range.prefixes) in_range |= range.open && ip && rules::is_assignable(prefix, *ip);
  if (!in_range) return bad_request(fmt::format("failed to allocate IP {}: the provided IP is not in the valid range", address));
  const std::string key = ip->to_string();
  if (ip_taken(key)) return bad_request(fmt::format("failed to allocate IP {}: provided IP is already allocated", address));
  ++reserved_ips_[key];
  return Unit{};
}

// Those of the flags first: a cluster keeps to its first ranges while they last.
std::vector<IpPrefix> ServiceAllocator::open_ranges(std::string_view family) const {
  std::vector<IpPrefix> out;
  const auto add = [&](const Range& range) {
    for (const IpPrefix& prefix : range.prefixes)
      if (range.open && family_name(prefix.address.family) == family) out.push_back(prefix);
  };
  const auto first = ranges_.find(default_range);
  if (first != ranges_.end()) add(first->second);
  for (const auto& [name, range] : ranges_)
    if (name != default_range) add(range);
  return out;
}

// "": all that was looked at is taken.
std::string ServiceAllocator::draw_from(const IpPrefix& range, rt::Random& random) {
  const uint64_t size = usable(range);
  if (size == 0) return {};
  const uint64_t band = static_band(size);
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
  return {};
}

Result<std::string> ServiceAllocator::draw_ip(std::string_view family, rt::Random& random) {
  if (std::find(families_.begin(), families_.end(), family) == families_.end())
    return bad_request(fmt::format("{} is not configured on this cluster", family));
  ThreadLock lock(mutex_);
  for (const IpPrefix& range : open_ranges(family))
    if (std::string address = draw_from(range, random); !address.empty()) return address;
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
  for (const std::string& address : addresses) {
    drop(reserved_ips_, address);
    settle_or_tell(address);
  }
  for (const int32_t port : ports) drop(reserved_ports_, port);
}

}  // namespace pintle::apiserver::resources
