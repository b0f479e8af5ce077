// Reply: what another server answered, taken apart and checked: records with whole names, ready to be written again for
// any client or kept for a while. Immutable and shared.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dns/message.h"
#include "dns/writer.h"

namespace pintle::dns {

constexpr std::size_t reply_records_max = 1024;

struct Question {
  Name name;  // lower case
  uint16_t type = 0;
  bool dnssec_ok = false;
  bool checking_disabled = false;
  // The same for questions with the same reply.
  std::string key() const;
};

struct Reply {
  uint16_t rcode = 0;
  bool truncated = false;
  uint32_t ttl_seconds = 0;  // the least of its records; of a negative reply, its SOA's
  bool negative = false;     // NXDOMAIN, or no record of the type
  std::string records;       // packed

  struct Record {
    RecordHeader header;
    std::string_view owner;
    std::string_view rdata;
  };
  void each(const std::function<void(const Record&)>& visit) const;
};
using ReplyPtr = std::shared_ptr<const Reply>;

// The query that asks another server; `id` is the caller's.
std::string make_query(const Question& question, uint16_t id);
// Nothing if the packet is not a reply to this question with this id, or is malformed.
ReplyPtr parse_reply(std::string_view packet, const Question& question, uint16_t id);
// Writes the records of `sections` up to Additional; their time to live is `age_seconds` shorter, and at most `ttl_max_seconds`.
void write_reply(const Reply& reply, uint32_t age_seconds, uint32_t ttl_max_seconds, bool answers_only, Writer& writer);

}  // namespace pintle::dns
