// For tests: queries from text, replies as text.
#pragma once

#include <string>
#include <string_view>

#include "dns/message.h"
#include "dns/reply.h"

namespace pintle::dns::testing {

// "www.example.com", type::A -> a packet. `edns_bytes` 0: without EDNS.
std::string query_packet(std::string_view name, uint16_t type, uint16_t id = 7, uint16_t edns_bytes = 0);
// A packet from lines like "answer www.example.com 30 A 10.0.0.1", "authority . 60 SOA 60", "answer a.b 5 CNAME c.d".
std::string reply_packet(std::string_view name, uint16_t type, uint16_t id, uint16_t rcode, std::string_view lines, bool truncated = false);
// "NOERROR aa ra; answer www.example.com. 30 A 10.0.0.1; ...", records in order; "" for no packet. SOA by its name and ttl alone.
std::string show(std::string_view packet);

}  // namespace pintle::dns::testing
