// Hands out cluster IPs and node ports, each to one Service at a time. What is in use follows the stored Services and IPAddresses by
// subscriptions, as the ranges follow the ServiceCIDRs; what a request in flight has been given is reserved until it is over. An address is
// another server's too: whoever makes its IPAddress has it (service_addresses.h does, and repairs what is not as it should be). Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "apiserver/registry/changed_names.h"
#include "apiserver/types/resource_reader.h"
#include "base/ip_address.h"
#include "base/mutex.h"
#include "base/status.h"
#include "rt/clock.h"

namespace pintle::apiserver::resources {

class ServiceAllocator {
 public:
  // Starts following what is stored; the first call does it, later ones return at once. Of `ip_ranges` the families count alone.
  // BadRequest if `ip_ranges` is refused by parse_service_ranges.
  Result<Unit> attach(ResourceReader& reader, const std::string& ip_ranges, std::pair<uint16_t, uint16_t> node_ports);

  // What makes an address one of Services, as far as it is seen here.
  struct Seen {
    std::vector<std::string> services;  // that hold it, as "NAMESPACE/NAME"
    bool in_range = false;              // of a ServiceCIDR, an open one or not
    bool in_flight = false;             // a request of this server has it
    std::string given_back;             // the uid of its IPAddress, if that is of a Service that does not hold it any more
  };
  Seen look_at(const std::string& address) const;
  // Nobody has the address, but its IPAddress, which was given back, is there still.
  bool is_left_over(const std::string& address) const;
  // Its IPAddress, of this uid, was made for a Service that has not come about.
  void give_back(const std::string& address, const std::string& uid);
  // Addresses whose IPAddress is perhaps not as it should be: follow() says when.
  registry::ChangedNames& unsettled() { return *unsettled_; }

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
  // An IPAddress: whose it says that it is.
  struct Known {
    std::string uid;
    std::string service;  // "NAMESPACE/NAME"; "": not kept for a Service, or not as it should be
  };
  void on_service(const ResourceReader& reader, const storage::CacheEvent& event) EXCLUDES(mutex_);
  void on_address(const ResourceReader& reader, const storage::CacheEvent& event) EXCLUDES(mutex_);
  void on_range(const ResourceReader& reader, const storage::CacheEvent& event) EXCLUDES(mutex_);
  void settle_or_tell(const std::string& address) REQUIRES(mutex_);
  std::vector<IpPrefix> open_ranges(std::string_view family) const REQUIRES(mutex_);
  std::string draw_from(const IpPrefix& range, rt::Random& random) REQUIRES(mutex_);
  bool ip_taken(const std::string& address) const REQUIRES(mutex_) {
    return used_ips_.contains(address) || reserved_ips_.contains(address) || known_.contains(address);
  }
  bool port_taken(int32_t port) const REQUIRES(mutex_) { return used_ports_.contains(port) || reserved_ports_.contains(port); }

  struct Holding {
    std::vector<std::string> addresses;
    std::vector<int32_t> ports;
  };
  struct Range {
    std::vector<IpPrefix> prefixes;
    bool open = false;
  };

  std::once_flag attached_;
  Result<Unit> attach_result_ = Unit{};
  std::vector<std::string> families_;
  const std::shared_ptr<registry::ChangedNames> unsettled_ = std::make_shared<registry::ChangedNames>();
  std::pair<uint16_t, uint16_t> node_ports_{30000, 32767};
  mutable ThreadMutex mutex_;
  bool following_ GUARDED_BY(mutex_) = false;                                                 // all that was there at the start has come
  std::map<std::string, Range, std::less<>> ranges_ GUARDED_BY(mutex_);                       // by the ServiceCIDR's name
  std::map<std::string, Holding, std::less<>> services_ GUARDED_BY(mutex_);                   // by NAMESPACE/NAME
  std::map<std::string, std::vector<std::string>, std::less<>> used_ips_ GUARDED_BY(mutex_);  // the Services that hold it, mostly one
  std::map<std::string, Known, std::less<>> known_ GUARDED_BY(mutex_);                        // IPAddresses
  std::map<std::string, std::string, std::less<>> given_back_ GUARDED_BY(mutex_);             // address → uid of its IPAddress
  std::map<int32_t, int> used_ports_ GUARDED_BY(mutex_);
  std::map<std::string, int, std::less<>> reserved_ips_ GUARDED_BY(mutex_);
  std::map<int32_t, int> reserved_ports_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::resources
