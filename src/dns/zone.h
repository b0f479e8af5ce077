// Zone: what the cluster domain's records are made of, prepared so that an answer is written from one look-up: services by
// name, their endpoints, the addresses of both backwards, namespaces, pods. Fed with the API's objects; no I/O, no clock.
// Belongs to one executor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "base/text_map.h"
#include "dns/address.h"
#include "dns/name.h"

namespace pintle::dns {

// How a-b-c-d.NAMESPACE.pod.DOMAIN is answered; CoreDNS' names.
enum class PodRecords {
  Disabled,  // never
  Insecure,  // with the address that the name says, if the namespace exists
  Verified,  // only if the namespace has a pod with this address
};

struct ZoneOptions {
  std::string domain = "cluster.local";
  uint32_t ttl_seconds = 30;
  PodRecords pods = PodRecords::Insecure;
  // The addresses under which clients reach this server (ns.dns.DOMAIN).
  std::vector<std::string> nameservers;
};

struct PortRecord {
  std::string name;      // "" for the only, unnamed port
  std::string protocol;  // "tcp"
  uint16_t port = 0;
};
struct EndpointRecord {
  Address address;
  std::string hostname;  // its own, or its address with dashes
  bool ready = true;
};
struct SliceRecords {
  std::vector<EndpointRecord> endpoints;
  std::vector<PortRecord> ports;
};
struct ServiceRecords {
  std::string key;      // "\4name\2ns": the two labels in wire form
  bool exists = false;  // the Service itself is known, not only slices that name it
  bool publish_not_ready = false;
  std::vector<Address> cluster_ips;  // none: headless
  std::vector<PortRecord> ports;
  std::string external_name;  // wire form, for ExternalName
  std::map<std::string, SliceRecords, std::less<>> slices;

  bool publishes(const EndpointRecord& endpoint) const { return endpoint.ready || publish_not_ready; }
  bool headless() const { return cluster_ips.empty() && external_name.empty(); }
};

class Zone {
 public:
  // CHECK: the domain is a domain name.
  explicit Zone(ZoneOptions options);

  void put_service(const api::core_v1::Service& service);
  void remove_service(std::string_view namespace_name, std::string_view name);
  void put_slice(const api::discovery_v1::EndpointSlice& slice);
  void remove_slice(std::string_view namespace_name, std::string_view name);
  void put_namespace(std::string_view name);
  void remove_namespace(std::string_view name);
  // For PodRecords::Verified: the pod's addresses as they are now; none: it is gone.
  void put_pod(std::string_view namespace_name, std::string_view name, const std::vector<std::string>& addresses);

  const ZoneOptions& options() const { return options_; }
  const Name& domain() const { return domain_; }
  const std::vector<Address>& nameservers() const { return nameservers_; }
  // Grows with every change.
  uint32_t serial() const { return serial_; }

  // By the wire form of "name.namespace", lower case. nullptr: no such Service.
  const ServiceRecords* find_service(std::string_view key) const;
  bool has_namespace(std::string_view name) const { return namespaces_.contains(name); }
  bool has_pod(std::string_view namespace_name, const Address& address) const;
  const ServiceRecords* service_with_cluster_ip(const Address& address) const;
  // The wire form of "hostname.service.namespace" of each ready endpoint with this address.
  std::vector<std::string> endpoints_with(const Address& address) const;

 private:
  ServiceRecords& service(const std::string& key);
  void drop_if_empty(const std::string& key);
  void forget_cluster_ips(ServiceRecords& records);
  void forget_slice(const std::string& slice_key);

  ZoneOptions options_;
  Name domain_;
  std::vector<Address> nameservers_;
  uint32_t serial_ = 1;
  TextMap<std::unique_ptr<ServiceRecords>> services_;
  TextMap<std::string> slice_services_;  // slice "ns/name" -> service key
  std::unordered_map<Address, const ServiceRecords*, AddressHash> by_cluster_ip_;
  std::unordered_multimap<Address, const ServiceRecords*, AddressHash> by_endpoint_;
  std::unordered_set<std::string, TextHash, std::equal_to<>> namespaces_;
  TextMap<std::vector<Address>> pods_;  // "ns/name" -> addresses
  std::unordered_multimap<Address, std::string, AddressHash> pod_namespaces_;
};

}  // namespace pintle::dns
