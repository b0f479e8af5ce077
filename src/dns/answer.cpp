#include "dns/answer.h"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace pintle::dns {

namespace {

constexpr std::string_view specification_version = "1.1.0";
// Timers of the SOA record, for secondaries that do not exist (CoreDNS' values).
constexpr uint32_t soa_refresh = 7200, soa_retry = 1800, soa_expire = 86400;
// Weights of equal SRV records add up to about this.
constexpr std::size_t srv_weights = 100;
// SRV records of one answer: more than a message of 64 KiB holds.
constexpr std::size_t srv_targets_max = 2048;

struct SrvTarget {
  uint16_t port;
  Name name;
  std::vector<Address> addresses;
};

// One query's answer under way.
struct Asker {
  const Query& query;
  const Zone& zone;
  const uint32_t turn;
  Writer& writer;
  Name owner;  // what the records are about: the question's name, or where its CNAMEs have led
  int cnames = 0;

  uint32_t ttl() const { return zone.options().ttl_seconds; }
  Name in_domain(std::string_view labels) const { return std::string(labels) + zone.domain(); }
  Name service_name(const ServiceRecords& service) const { return in_domain(service.key + "\3svc"); }

  std::string soa() const {
    std::string out = in_domain("\2ns\3dns") + in_domain("\12hostmaster");
    put_u32(out, zone.serial());
    put_u32(out, soa_refresh);
    put_u32(out, soa_retry);
    put_u32(out, soa_expire);
    put_u32(out, ttl());
    return out;
  }
  void negative(uint16_t code) {
    writer.set_rcode(code);
    const RecordHeader header{Section::Authority, type::SOA, class_in, ttl()};
    writer.record(header, zone.domain(), soa());
  }
  Answer nothing_here() {  // the name exists
    negative(rcode::NoError);
    return {};
  }
  Answer no_such_name() {
    // Behind a CNAME the code is about the last name (RFC 6604).
    negative(rcode::NxDomain);
    return {};
  }
  bool wants(const Address& address) const { return query.type == (address.is_v6() ? type::AAAA : type::A); }

  // The addresses of the queried family, from the turn's one on; false: there are none.
  bool addresses(std::span<const Address> all) {
    std::vector<const Address*> wanted;
    for (const Address& address : all)
      if (wants(address)) wanted.push_back(&address);
    for (std::size_t i = 0; i < wanted.size(); ++i) writer.address(Section::Answer, owner, ttl(), *wanted[(i + turn) % wanted.size()]);
    return !wanted.empty();
  }
  Answer addresses_or_nothing(std::span<const Address> all) { return addresses(all) ? Answer{} : nothing_here(); }

  Answer services(std::span<const SrvTarget> targets) {
    if (targets.empty()) return no_such_name();
    const auto weight = static_cast<uint16_t>(std::max<std::size_t>(srv_weights / targets.size(), 1));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const SrvTarget& target = targets[(i + turn) % targets.size()];
      std::string data;
      put_u16(data, 0);
      put_u16(data, weight);
      put_u16(data, target.port);
      data += target.name;
      const RecordHeader header{Section::Answer, type::SRV, class_in, ttl()};
      writer.record(header, owner, data);
    }
    std::string_view last;
    for (const SrvTarget& target : targets) {
      if (target.name == last) continue;
      last = target.name;
      for (const Address& address : target.addresses) writer.address(Section::Additional, target.name, ttl(), address);
    }
    return {};
  }

  Answer about_name(const Name& name);
  Answer about_apex();
  Answer about_pod(const Labels& labels, std::size_t left);
  Answer about_service(const Labels& labels, std::size_t left);
  Answer about_endpoints(const ServiceRecords& service, std::string_view hostname);
  Answer about_port(const ServiceRecords& service, std::string_view port, std::string_view protocol);
  Answer follow(const ServiceRecords& service);
  std::vector<SrvTarget> targets(const ServiceRecords& service, std::string_view hostname, std::string_view port, std::string_view protocol) const;
};

bool port_matches(const PortRecord& record, std::string_view port, std::string_view protocol) {
  return (port.empty() || record.name == port) && (protocol.empty() || record.protocol == protocol);
}

// Where a service's ports are served: at its cluster addresses, or for a headless one (or a named endpoint) at the endpoints.
std::vector<SrvTarget> Asker::targets(const ServiceRecords& service, std::string_view hostname, std::string_view port,
                                      std::string_view protocol) const {
  std::vector<SrvTarget> out;
  if (!service.headless() && hostname.empty()) {
    for (const PortRecord& record : service.ports)
      if (port_matches(record, port, protocol)) out.push_back({record.port, service_name(service), service.cluster_ips});
    return out;
  }
  std::unordered_map<std::string, std::size_t> places;
  for (const auto& [slice_name, slice] : service.slices) {
    for (const EndpointRecord& endpoint : slice.endpoints) {
      if (!service.publishes(endpoint) || (!hostname.empty() && endpoint.hostname != hostname)) continue;
      const auto label = make_label(endpoint.hostname);
      if (!label) continue;
      const Name name = *label + service_name(service);
      for (const PortRecord& record : slice.ports) {
        if (!port_matches(record, port, protocol)) continue;
        // The families of one endpoint stand in slices of their own: one target with all its addresses.
        const auto [place, added] = places.emplace(name + std::to_string(record.port), out.size());
        if (added) {
          if (out.size() == srv_targets_max) return out;
          out.push_back({record.port, name, {}});
        }
        out[place->second].addresses.push_back(endpoint.address);
      }
    }
  }
  return out;
}

Answer Asker::about_apex() {
  const Name server = in_domain("\2ns\3dns");
  if (query.type == type::SOA) {
    const RecordHeader header{Section::Answer, type::SOA, class_in, ttl()};
    writer.record(header, owner, soa());
    return {};
  }
  if (query.type != type::NS) return nothing_here();
  writer.name_record(type::NS, Section::Answer, owner, ttl(), server);
  for (const Address& address : zone.nameservers()) writer.address(Section::Additional, server, ttl(), address);
  return {};
}

// LABEL.NAMESPACE.pod: `left` labels stand before "pod".
Answer Asker::about_pod(const Labels& labels, std::size_t left) {
  if (zone.options().pods == PodRecords::Disabled) return no_such_name();
  if (left == 0) return nothing_here();
  const std::string_view namespace_name = labels[left - 1];
  if (left > 2 || !zone.has_namespace(namespace_name)) return no_such_name();
  if (left == 1) return nothing_here();
  const auto address = parse_dashed(labels[0]);
  if (!address) return no_such_name();
  if (zone.options().pods == PodRecords::Verified && !zone.has_pod(namespace_name, *address)) return no_such_name();
  return addresses_or_nothing(std::span(&*address, 1));
}

// ExternalName: the CNAME, and what it leads to for whoever asked for more than the CNAME.
Answer Asker::follow(const ServiceRecords& service) {
  writer.name_record(type::CNAME, Section::Answer, owner, ttl(), service.external_name);
  if (query.type == type::CNAME) return {};
  if (++cnames > cnames_max) {
    writer.set_rcode(rcode::ServFail);
    return {};
  }
  owner = service.external_name;
  if (!is_within(owner, zone.domain())) return {Next::Chase, owner};
  return about_name(owner);
}

Answer Asker::about_endpoints(const ServiceRecords& service, std::string_view hostname) {
  std::vector<Address> found;
  for (const auto& [slice_name, slice] : service.slices)
    for (const EndpointRecord& endpoint : slice.endpoints)
      if (service.publishes(endpoint) && (hostname.empty() || endpoint.hostname == hostname)) found.push_back(endpoint.address);
  if (found.empty()) return no_such_name();
  // An endpoint stands in several slices when its ports differ.
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  if (query.type == type::SRV) return services(targets(service, hostname, "", ""));
  return addresses_or_nothing(found);
}

Answer Asker::about_port(const ServiceRecords& service, std::string_view port, std::string_view protocol) {
  if (!protocol.starts_with('_') || (!port.empty() && !port.starts_with('_'))) return no_such_name();
  const auto found = targets(service, "", port.empty() ? port : port.substr(1), protocol.substr(1));
  if (found.empty() || (!port.empty() && port.size() == 1)) return no_such_name();
  return !port.empty() && query.type == type::SRV ? services(found) : nothing_here();
}

// [[_PORT.]_PROTOCOL.|HOSTNAME.]SERVICE.NAMESPACE.svc: `left` labels stand before "svc".
Answer Asker::about_service(const Labels& labels, std::size_t left) {
  if (left == 0) return nothing_here();
  const std::string_view namespace_name = labels[left - 1];
  if (left == 1) return zone.has_namespace(namespace_name) ? nothing_here() : no_such_name();
  const std::size_t begin = labels.offsets[left - 2];
  const ServiceRecords* service = zone.find_service(labels.name.substr(begin, labels.offsets[left] - begin));
  if (!service || left > 4) return no_such_name();
  if (!service->external_name.empty()) return left == 2 ? follow(*service) : no_such_name();
  if (left == 4) return about_port(*service, labels[0], labels[1]);
  if (left == 3) return labels[0].starts_with('_') ? about_port(*service, "", labels[0]) : about_endpoints(*service, labels[0]);
  if (service->headless()) return about_endpoints(*service, "");
  if (query.type == type::SRV) {
    const auto found = targets(*service, "", "", "");
    return found.empty() ? nothing_here() : services(found);
  }
  return addresses_or_nothing(service->cluster_ips);
}

// `name` is the domain or below it.
Answer Asker::about_name(const Name& name) {
  const Labels labels = split(name);
  const std::size_t left = labels.count - split(zone.domain()).count;
  if (left == 0) return about_apex();
  const std::string_view last = labels[left - 1];
  if (last == "svc") return about_service(labels, left - 1);
  if (last == "pod") return about_pod(labels, left - 1);
  if (last == "dns-version" && left == 1) {
    if (query.type != type::TXT) return nothing_here();
    const RecordHeader header{Section::Answer, type::TXT, class_in, ttl()};
    writer.record(header, owner, static_cast<char>(specification_version.size()) + std::string(specification_version));
    return {};
  }
  if (last == "dns" && left == 1) return nothing_here();
  if (last == "dns" && left == 2 && labels[0] == "ns") return addresses_or_nothing(zone.nameservers());
  return no_such_name();
}

// Addresses of services and endpoints, backwards. Others are not ours.
Answer about_address(Asker& asker, const Address& address) {
  if (const ServiceRecords* service = asker.zone.service_with_cluster_ip(address)) {
    if (asker.query.type != type::PTR) return asker.nothing_here();
    asker.writer.name_record(type::PTR, Section::Answer, asker.owner, asker.ttl(), asker.service_name(*service));
    return {};
  }
  const auto endpoints = asker.zone.endpoints_with(address);
  if (endpoints.empty()) return {Next::Forward, {}};
  if (asker.query.type != type::PTR) return asker.nothing_here();
  for (const std::string& endpoint : endpoints)
    asker.writer.name_record(type::PTR, Section::Answer, asker.owner, asker.ttl(), asker.in_domain(endpoint + "\3svc"));
  return {};
}

}  // namespace

Answer answer(const Query& query, const Zone& zone, uint32_t turn, Writer& writer) {
  Asker asker{query, zone, turn, writer, query.name};
  if (is_within(query.name, zone.domain())) {
    writer.set_authoritative(true);
    return asker.about_name(query.name);
  }
  const auto address = address_of_reverse_name(query.name);
  if (!address) return {Next::Forward, {}};
  Answer out = about_address(asker, *address);
  writer.set_authoritative(out.next == Next::Send);
  return out;
}

}  // namespace pintle::dns
