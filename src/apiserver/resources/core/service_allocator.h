// Hands out cluster IPs and node ports, each to one Service at a time. What is in use follows the stored Services by a
// subscription; what a request in flight has been given is reserved until it is over. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "apiserver/types/resource_reader.h"
#include "base/ip_address.h"
#include "base/mutex.h"
#include "base/status.h"
#include "rt/clock.h"

namespace pintle::apiserver::resources {

class ServiceAllocator {
 public:
  // Starts following the stored Services; the first call does it, later ones return at once.
  // BadRequest if `ip_ranges` is refused by parse_service_ranges.
  Result<Unit> attach(ResourceReader& reader, const std::string& ip_ranges, std::pair<uint16_t, uint16_t> node_ports);

  // "IPv4" and "IPv6" in the order of the ranges.
  const std::vector<std::string>& families() const { return families_; }

  // Why an address or port cannot be had; the field error says the rest.
  Result<Unit> reserve_ip(std::string_view address);
  // A free address of the family, drawn at random, the upper part of the range first: the lower is left to those who ask
  // for an address by name.
  Result<std::string> draw_ip(std::string_view family, rt::Random& random);
  // TCP and UDP may share a number within one Service: `also_ok` are the numbers that it holds already.
  Result<Unit> reserve_port(int32_t port, const std::set<int32_t>& also_ok);
  Result<int32_t> draw_port(rt::Random& random);
  void release(const std::vector<std::string>& addresses, const std::vector<int32_t>& ports);

 private:
  void on_event(const ResourceReader& reader, const storage::CacheEvent& event);
  bool ip_taken(const std::string& address) const REQUIRES(mutex_) { return used_ips_.contains(address) || reserved_ips_.contains(address); }
  bool port_taken(int32_t port) const REQUIRES(mutex_) { return used_ports_.contains(port) || reserved_ports_.contains(port); }

  struct Holding {
    std::vector<std::string> addresses;
    std::vector<int32_t> ports;
  };

  std::once_flag attached_;
  Result<Unit> attach_result_ = Unit{};
  std::vector<IpPrefix> ranges_;
  std::vector<std::string> families_;
  std::pair<uint16_t, uint16_t> node_ports_{30000, 32767};
  mutable ThreadMutex mutex_;
  std::map<std::string, Holding, std::less<>> services_ GUARDED_BY(mutex_);  // by storage key
  std::map<std::string, int, std::less<>> used_ips_ GUARDED_BY(mutex_);      // how many Services hold it (one, unless the store was written by hand)
  std::map<int32_t, int> used_ports_ GUARDED_BY(mutex_);
  std::map<std::string, int, std::less<>> reserved_ips_ GUARDED_BY(mutex_);
  std::map<int32_t, int> reserved_ports_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::resources
