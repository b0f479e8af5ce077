// DNS packets: a client's query through the zone's answers, and another server's reply taken apart and written again.
#include "api/gen/core_v1.h"
#include "base/check.h"
#include "dns/answer.h"
#include "dns/reply.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

dns::Zone make_zone() {
  dns::ZoneOptions options;
  options.nameservers = {"10.96.0.10"};
  dns::Zone zone(options);
  zone.put_namespace("shop");
  api::core_v1::Service service;
  service.metadata.name = "web";
  service.metadata.namespace_ = "shop";
  service.spec.cluster_ip = "10.96.0.20";
  zone.put_service(service);
  service.metadata.name = "outside";
  service.spec.cluster_ip.clear();
  service.spec.type = "ExternalName";
  service.spec.external_name = "outside.shop.svc.cluster.local";
  zone.put_service(service);
  return zone;
}

std::string packet(std::string_view name, uint16_t type) {
  std::string out;
  dns::Question question{*dns::make_name(name), type, true, false};
  return dns::make_query(question, 7);
}

void check_reply(std::string_view input) {
  if (input.size() < dns::header_bytes) return;
  std::size_t at = dns::header_bytes;
  auto name = dns::read_name(input, at);
  if (!name || at + 4 > input.size()) return;
  dns::lower(*name);
  const dns::Question question{*name, dns::get_u16(input, at), false, false};
  const auto reply = dns::parse_reply(input, question, dns::get_u16(input, 0));
  if (!reply) return;
  const std::string client = dns::make_query(question, 9);
  const dns::ParsedQuery parsed = dns::parse_query(client);
  CHECK(parsed.outcome == dns::Parsed::Query, "our query is a query");
  for (const std::size_t limit : {std::size_t{512}, dns::message_bytes_max}) {
    dns::Writer writer(parsed.query, limit);
    dns::write_reply(*reply, 1, 30, false, writer);
    writer.set_rcode(reply->rcode);
    const std::string written = writer.finish();
    CHECK(written.size() <= limit, "a reply keeps its limit");
    CHECK(dns::parse_reply(written, question, 9) != nullptr, "what is written again is a reply");
  }
}

}  // namespace

void one(std::string_view input) {
  static const dns::Zone zone = make_zone();
  const dns::ParsedQuery parsed = dns::parse_query(input);
  if (parsed.outcome == dns::Parsed::Query) {
    dns::Writer writer(parsed.query, parsed.query.udp_bytes);
    (void)dns::answer(parsed.query, zone, 0, writer);
    CHECK(writer.finish().size() <= parsed.query.udp_bytes, "an answer keeps its limit");
  }
  check_reply(input);
}

std::vector<std::string> seeds() {
  std::vector<std::string> out;
  for (std::string_view name : {"web.shop.svc.cluster.local", "outside.shop.svc.cluster.local", "10-0-0-1.shop.pod.cluster.local", "cluster.local",
                                "dns-version.cluster.local", "20.0.96.10.in-addr.arpa", "_http._tcp.web.shop.svc.cluster.local", "example.com"})
    for (const uint16_t type : {dns::type::A, dns::type::SRV, dns::type::PTR}) out.push_back(packet(name, type));
  std::string reply = packet("example.com", dns::type::MX);
  reply[2] = '\x81';
  reply[7] = 2;
  reply.resize(reply.size() - 11);  // the OPT record
  reply[11] = 0;
  reply += std::string("\xC0\x0C\0\x0F\0\1\0\0\0\x3C\0\4\0\xA\xC0\x0C", 16);
  reply += std::string("\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4\x0A\0\0\1", 16);
  out.push_back(std::move(reply));
  return out;
}
std::vector<std::string> tokens() {
  return {std::string("\xC0\x0C", 2),
          std::string("\0\0\x29\4\xD0\0\0\0\0\0\0", 11),
          "\3svc\7cluster\5local",
          "\3pod",
          "\4shop",
          std::string("\0\x21\0\1", 4),
          std::string("\xC0\0", 2)};
}

}  // namespace pintle::fuzz
