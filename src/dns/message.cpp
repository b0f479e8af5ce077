#include "dns/message.h"

#include <algorithm>

namespace pintle::dns {

namespace {

// Records behind the question of a query that are looked at for the OPT record.
constexpr unsigned additional_max = 8;

// Behind the record at `at`; its type, class and time to live are told. Nothing if it does not fit.
struct RecordHead {
  std::size_t owner = 0;
  uint16_t type = 0;
  uint16_t record_class = 0;
  uint32_t ttl = 0;
};
std::optional<RecordHead> skip_record(std::string_view packet, std::size_t& at) {
  RecordHead head;
  head.owner = at;
  if (!read_name(packet, at) || at + 10 > packet.size()) return std::nullopt;
  head.type = get_u16(packet, at);
  head.record_class = get_u16(packet, at + 2);
  head.ttl = get_u32(packet, at + 4);
  at += 10u + get_u16(packet, at + 8);
  if (at > packet.size()) return std::nullopt;
  return head;
}

// Reads the EDNS record, if there is one; the error code.
uint16_t read_edns(std::string_view packet, std::size_t at, unsigned count, Query& query) {
  for (unsigned i = 0; i < std::min(count, additional_max); ++i) {
    const auto head = skip_record(packet, at);
    if (!head) return rcode::FormErr;
    if (head->type != type::OPT) continue;
    if (query.edns || packet[head->owner] != 0) return rcode::FormErr;
    query.edns = true;
    query.udp_bytes = std::clamp(head->record_class, plain_udp_bytes, udp_bytes_max);
    query.dnssec_ok = (head->ttl & 0x8000) != 0;
    if ((head->ttl >> 16 & 0xFF) != 0) return rcode::BadVers;
  }
  return rcode::NoError;
}

}  // namespace

uint16_t get_u16(std::string_view bytes, std::size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}
uint32_t get_u32(std::string_view bytes, std::size_t at) { return static_cast<uint32_t>(get_u16(bytes, at)) << 16 | get_u16(bytes, at + 2); }
void put_u16(std::string& out, uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}
void put_u32(std::string& out, uint32_t value) {
  put_u16(out, static_cast<uint16_t>(value >> 16));
  put_u16(out, static_cast<uint16_t>(value));
}

ParsedQuery parse_query(std::string_view packet) {
  ParsedQuery out;
  if (packet.size() < header_bytes) return out;
  const uint16_t flags = get_u16(packet, 2);
  if (flags & 0x8000) return out;  // a reply
  Query& query = out.query;
  query.id = get_u16(packet, 0);
  query.recursion_desired = flags & 0x0100;
  query.checking_disabled = flags & 0x0010;
  out.outcome = Parsed::Error;
  if ((flags >> 11 & 15) != 0) {
    out.rcode = rcode::NotImp;
    return out;
  }
  out.rcode = rcode::FormErr;
  if (get_u16(packet, 4) != 1 || get_u16(packet, 6) != 0 || get_u16(packet, 8) != 0) return out;
  std::size_t at = header_bytes;
  // A pointer has nothing to point to here.
  auto name = read_name(packet, at);
  if (!name || at != header_bytes + name->size() || at + 4 > packet.size()) return out;
  query.name = std::move(*name);
  lower(query.name);
  query.type = get_u16(packet, at);
  query.query_class = get_u16(packet, at + 2);
  at += 4;
  query.question = packet.substr(header_bytes, at - header_bytes);
  out.rcode = read_edns(packet, at, get_u16(packet, 10), query);
  if (out.rcode != rcode::NoError) return out;
  out.outcome = Parsed::Query;
  return out;
}

std::string rcode_name(uint16_t code) {
  switch (code) {
    case rcode::NoError: return "NOERROR";
    case rcode::FormErr: return "FORMERR";
    case rcode::ServFail: return "SERVFAIL";
    case rcode::NxDomain: return "NXDOMAIN";
    case rcode::NotImp: return "NOTIMP";
    case rcode::Refused: return "REFUSED";
    case rcode::BadVers: return "BADVERS";
  }
  return std::to_string(code);
}

std::string type_name(uint16_t t) {
  switch (t) {
    case type::A: return "A";
    case type::AAAA: return "AAAA";
    case type::NS: return "NS";
    case type::CNAME: return "CNAME";
    case type::SOA: return "SOA";
    case type::PTR: return "PTR";
    case type::MX: return "MX";
    case type::TXT: return "TXT";
    case type::SRV: return "SRV";
    case type::ANY: return "ANY";
  }
  return "other";
}

}  // namespace pintle::dns
