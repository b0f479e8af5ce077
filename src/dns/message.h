// DNS messages as they come in: queries of clients, replies of other servers. RFC 1035, RFC 6891 (EDNS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dns/name.h"

namespace pintle::dns {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t message_bytes_max = 65535;
// Without EDNS, RFC 1035 §4.2.1.
constexpr uint16_t plain_udp_bytes = 512;
// What we send and take by UDP at most: no fragments on any usual path (DNS flag day 2020).
constexpr uint16_t udp_bytes_max = 1232;

namespace type {
constexpr uint16_t A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, HINFO = 13, MX = 15, TXT = 16, AAAA = 28, SRV = 33, DNAME = 39, OPT = 41, IXFR = 251,
                   AXFR = 252, ANY = 255;
}  // namespace type
constexpr uint16_t class_in = 1;

namespace rcode {
constexpr uint16_t NoError = 0, FormErr = 1, ServFail = 2, NxDomain = 3, NotImp = 4, Refused = 5, BadVers = 16;
}  // namespace rcode
// "NOERROR", as metrics and logs name it; the number for others.
std::string rcode_name(uint16_t code);
std::string type_name(uint16_t type);

struct Query {
  uint16_t id = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::string_view question;  // name, type and class as they came; into the packet
  Name name;                  // lower case
  uint16_t type = 0;
  uint16_t query_class = 0;
  bool edns = false;
  bool dnssec_ok = false;
  uint16_t udp_bytes = plain_udp_bytes;  // what the client takes by UDP, within our own bounds
};

enum class Parsed {
  Query,
  Drop,   // not even a question: no answer
  Error,  // answer `rcode` with what is in `query`
};
struct ParsedQuery {
  Parsed outcome = Parsed::Drop;
  uint16_t rcode = rcode::NoError;
  Query query;
};
// `packet` outlives the result. Never fails otherwise, whatever the bytes.
ParsedQuery parse_query(std::string_view packet);

uint16_t get_u16(std::string_view bytes, std::size_t at);
uint32_t get_u32(std::string_view bytes, std::size_t at);
void put_u16(std::string& out, uint16_t value);
void put_u32(std::string& out, uint32_t value);

}  // namespace pintle::dns
