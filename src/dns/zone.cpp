#include "dns/zone.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace pintle::dns {

namespace {

constexpr std::string_view service_name_label = "kubernetes.io/service-name";

// Names of the API are DNS labels; "" if one is not (then nothing asks for it).
std::string key_of(std::string_view namespace_name, std::string_view name) {
  const auto first = make_label(to_lower(name));
  const auto second = make_label(to_lower(namespace_name));
  return first && second ? *first + *second : std::string();
}
std::string slash_key(std::string_view namespace_name, std::string_view name) { return std::string(namespace_name) + "/" + std::string(name); }

PortRecord port_record(std::string_view name, std::string_view protocol, int32_t port) {
  return {to_lower(name), protocol.empty() ? "tcp" : to_lower(protocol), static_cast<uint16_t>(port)};
}

SliceRecords slice_records(const api::discovery_v1::EndpointSlice& slice) {
  SliceRecords out;
  for (const auto& port : slice.ports)
    if (port.port) out.ports.push_back(port_record(port.name.value_or(""), port.protocol.value_or(""), *port.port));
  for (const auto& endpoint : slice.endpoints) {
    const bool ready = endpoint.conditions.ready.value_or(true);
    for (const std::string& text : endpoint.addresses) {
      const auto address = parse_address(text);
      if (!address) continue;
      const bool named = endpoint.hostname && !endpoint.hostname->empty();
      out.endpoints.push_back({*address, named ? to_lower(*endpoint.hostname) : dashed(text), ready});
    }
  }
  return out;
}

template <class Map>
void erase_pair(Map& map, const Address& address, const typename Map::mapped_type& value) {
  const auto [first, last] = map.equal_range(address);
  for (auto it = first; it != last; ++it) {
    if (it->second != value) continue;
    map.erase(it);
    return;
  }
}

}  // namespace

Zone::Zone(ZoneOptions options) : options_(std::move(options)) {
  auto domain = make_name(to_lower(options_.domain));
  CHECK(domain && domain->size() > 1, "the cluster domain is a domain name");
  domain_ = std::move(*domain);
  for (const std::string& text : options_.nameservers)
    if (const auto address = parse_address(text)) nameservers_.push_back(*address);
}

ServiceRecords& Zone::service(const std::string& key) {
  auto& records = services_[key];
  if (!records) {
    records = std::make_unique<ServiceRecords>();
    records->key = key;
  }
  return *records;
}

void Zone::drop_if_empty(const std::string& key) {
  const auto it = services_.find(key);
  if (it != services_.end() && !it->second->exists && it->second->slices.empty()) services_.erase(it);
}

void Zone::forget_cluster_ips(ServiceRecords& records) {
  for (const Address& address : records.cluster_ips) {
    const auto it = by_cluster_ip_.find(address);
    if (it != by_cluster_ip_.end() && it->second == &records) by_cluster_ip_.erase(it);
  }
  records.cluster_ips.clear();
}

void Zone::put_service(const api::core_v1::Service& object) {
  const std::string key = key_of(object.metadata.namespace_, object.metadata.name);
  if (key.empty()) return;
  ++serial_;
  ServiceRecords& records = service(key);
  forget_cluster_ips(records);
  records.exists = true;
  records.publish_not_ready = object.spec.publish_not_ready_addresses;
  records.external_name.clear();
  records.ports.clear();
  if (object.spec.type == "ExternalName") {
    if (auto target = make_name(to_lower(object.spec.external_name))) records.external_name = std::move(*target);
    return;
  }
  std::vector<std::string> texts = object.spec.cluster_ips;
  if (texts.empty()) texts.push_back(object.spec.cluster_ip);
  for (const std::string& text : texts) {
    const auto address = parse_address(text);  // "None" and "" are none
    if (!address) continue;
    records.cluster_ips.push_back(*address);
    by_cluster_ip_[*address] = &records;
  }
  for (const auto& port : object.spec.ports) records.ports.push_back(port_record(port.name, port.protocol, port.port));
}

void Zone::remove_service(std::string_view namespace_name, std::string_view name) {
  const std::string key = key_of(namespace_name, name);
  const auto it = services_.find(key);
  if (it == services_.end()) return;
  ++serial_;
  ServiceRecords& records = *it->second;
  forget_cluster_ips(records);
  records.exists = false;
  records.external_name.clear();
  records.ports.clear();
  drop_if_empty(key);
}

void Zone::forget_slice(const std::string& slice_key) {
  const auto owner = slice_services_.find(slice_key);
  if (owner == slice_services_.end()) return;
  const std::string service_key = owner->second;
  slice_services_.erase(owner);
  ServiceRecords& records = service(service_key);
  if (const auto slice = records.slices.find(slice_key); slice != records.slices.end()) {
    for (const EndpointRecord& endpoint : slice->second.endpoints)
      erase_pair(by_endpoint_, endpoint.address, static_cast<const ServiceRecords*>(&records));
    records.slices.erase(slice);
  }
  drop_if_empty(service_key);
}

void Zone::put_slice(const api::discovery_v1::EndpointSlice& object) {
  ++serial_;
  const std::string slice_key = slash_key(object.metadata.namespace_, object.metadata.name);
  forget_slice(slice_key);
  const std::string* service_name = object.metadata.labels.get(service_name_label);
  if (!service_name || object.address_type == "FQDN") return;
  const std::string key = key_of(object.metadata.namespace_, *service_name);
  if (key.empty()) return;
  ServiceRecords& records = service(key);
  slice_services_[slice_key] = key;
  SliceRecords& slice = records.slices[slice_key] = slice_records(object);
  for (const EndpointRecord& endpoint : slice.endpoints) by_endpoint_.emplace(endpoint.address, &records);
}

void Zone::remove_slice(std::string_view namespace_name, std::string_view name) {
  ++serial_;
  forget_slice(slash_key(namespace_name, name));
}

void Zone::put_namespace(std::string_view name) {
  ++serial_;
  namespaces_.emplace(to_lower(name));
}
void Zone::remove_namespace(std::string_view name) {
  ++serial_;
  if (const auto it = namespaces_.find(name); it != namespaces_.end()) namespaces_.erase(it);
}

void Zone::put_pod(std::string_view namespace_name, std::string_view name, const std::vector<std::string>& addresses) {
  const std::string key = slash_key(namespace_name, name);
  const std::string owner(namespace_name);
  if (const auto old = pods_.find(key); old != pods_.end()) {
    for (const Address& address : old->second) erase_pair(pod_namespaces_, address, owner);
    pods_.erase(old);
  }
  std::vector<Address> parsed;
  for (const std::string& text : addresses)
    if (const auto address = parse_address(text)) parsed.push_back(*address);
  if (parsed.empty()) return;
  for (const Address& address : parsed) pod_namespaces_.emplace(address, owner);
  pods_[key] = std::move(parsed);
}

const ServiceRecords* Zone::find_service(std::string_view key) const {
  const auto it = services_.find(key);
  return it == services_.end() || !it->second->exists ? nullptr : it->second.get();
}

bool Zone::has_pod(std::string_view namespace_name, const Address& address) const {
  const auto [first, last] = pod_namespaces_.equal_range(address);
  return std::any_of(first, last, [&](const auto& entry) { return entry.second == namespace_name; });
}

const ServiceRecords* Zone::service_with_cluster_ip(const Address& address) const {
  const auto it = by_cluster_ip_.find(address);
  return it == by_cluster_ip_.end() ? nullptr : it->second;
}

std::vector<std::string> Zone::endpoints_with(const Address& address) const {
  std::vector<std::string> out;
  const auto [first, last] = by_endpoint_.equal_range(address);
  for (auto it = first; it != last; ++it) {
    if (!it->second->exists) continue;
    for (const auto& [name, slice] : it->second->slices) {
      for (const EndpointRecord& endpoint : slice.endpoints) {
        const auto label = endpoint.address == address && it->second->publishes(endpoint) ? make_label(endpoint.hostname) : std::nullopt;
        if (label) out.push_back(*label + it->second->key);
      }
    }
  }
  std::ranges::sort(out);
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

}  // namespace pintle::dns
