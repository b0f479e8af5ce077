#include "dns/reply.h"

#include <algorithm>

namespace pintle::dns {

namespace {

// Bytes before, number of, and bytes behind the names in a type's data; types that are not here are copied as they are.
// RFC 1035 allows compression in its own types; RFC 3597 §4 names the others in which it must be read.
struct NamesInData {
  uint16_t type;
  uint8_t before;
  uint8_t names;
};
constexpr NamesInData with_names[] = {{type::NS, 0, 1}, {3, 0, 1},  {4, 0, 1},         {type::CNAME, 0, 1}, {type::SOA, 0, 2},  {7, 0, 1},
                                      {8, 0, 1},        {9, 0, 1},  {type::PTR, 0, 1}, {14, 0, 2},          {type::MX, 2, 1},   {17, 0, 2},
                                      {18, 2, 1},       {21, 2, 1}, {type::SRV, 6, 1}, {36, 2, 1},          {type::DNAME, 0, 1}};

std::optional<std::string> whole_data(std::string_view packet, std::size_t at, std::size_t end, uint16_t type) {
  const auto* rule = std::ranges::find(with_names, type, &NamesInData::type);
  if (rule == std::end(with_names)) return std::string(packet.substr(at, end - at));
  if (at + rule->before > end) return std::nullopt;
  std::string out(packet.substr(at, rule->before));
  at += rule->before;
  for (int i = 0; i < rule->names; ++i) {
    const auto name = read_name(packet.substr(0, end), at);
    if (!name) return std::nullopt;
    out += *name;
  }
  out += packet.substr(at, end - at);
  if (out.size() > message_bytes_max) return std::nullopt;  // its names, made whole, no longer fit a record
  return out;
}

void pack(std::string& out, const RecordHeader& header, std::string_view owner, std::string_view data) {
  out += static_cast<char>(header.section);
  put_u16(out, header.type);
  put_u16(out, header.record_class);
  put_u32(out, header.ttl_seconds);
  out += static_cast<char>(owner.size());
  out += owner;
  put_u16(out, static_cast<uint16_t>(data.size()));
  out += data;
}

// What the reply says about how long it holds.
struct Lifetime {
  uint32_t least = UINT32_MAX;
  std::optional<uint32_t> negative;
  bool answered = false;
};
void count_in(Lifetime& lifetime, const RecordHeader& header, std::string_view data, const Question& question) {
  lifetime.least = std::min(lifetime.least, header.ttl_seconds);
  if (header.section == Section::Answer && header.type == question.type) lifetime.answered = true;
  if (header.section == Section::Authority && header.type == type::SOA && data.size() >= 4)
    lifetime.negative = std::min(header.ttl_seconds, get_u32(data, data.size() - 4));
}

bool read_section(std::string_view packet, std::size_t& at, Section section, unsigned count, const Question& question, Reply& reply,
                  Lifetime& lifetime) {
  for (unsigned i = 0; i < count; ++i) {
    const auto owner = read_name(packet, at);
    if (!owner || at + 10 > packet.size()) return false;
    RecordHeader header{section, get_u16(packet, at), get_u16(packet, at + 2), get_u32(packet, at + 4)};
    if (header.ttl_seconds > INT32_MAX) header.ttl_seconds = 0;  // RFC 2181 §8
    const std::size_t length = get_u16(packet, at + 8);
    at += 10;
    if (at + length > packet.size()) return false;
    const auto data = whole_data(packet, at, at + length, header.type);
    at += length;
    if (!data) return false;
    if (header.type == type::OPT) {
      reply.rcode = static_cast<uint16_t>(reply.rcode | (header.ttl_seconds >> 24) << 4);
      continue;
    }
    pack(reply.records, header, *owner, *data);
    count_in(lifetime, header, *data, question);
  }
  return true;
}

bool same_question(std::string_view packet, const Question& question) {
  std::size_t at = header_bytes;
  auto name = read_name(packet, at);
  if (!name || at + 4 > packet.size()) return false;
  lower(*name);
  return *name == question.name && get_u16(packet, at) == question.type && get_u16(packet, at + 2) == class_in;
}

}  // namespace

std::string Question::key() const {
  std::string out = name;
  put_u16(out, type);
  out += static_cast<char>((dnssec_ok ? 1 : 0) | (checking_disabled ? 2 : 0));
  return out;
}

void Reply::each(const std::function<void(const Record&)>& visit) const {
  const std::string_view all = records;
  for (std::size_t at = 0; at < all.size();) {
    Record record;
    record.header = {static_cast<Section>(all[at]), get_u16(all, at + 1), get_u16(all, at + 3), get_u32(all, at + 5)};
    const std::size_t owner_bytes = static_cast<uint8_t>(all[at + 9]);
    record.owner = all.substr(at + 10, owner_bytes);
    at += 10 + owner_bytes;
    const std::size_t data_bytes = get_u16(all, at);
    record.rdata = all.substr(at + 2, data_bytes);
    at += 2 + data_bytes;
    visit(record);
  }
}

std::string make_query(const Question& question, uint16_t id) {
  std::string out;
  put_u16(out, id);
  put_u16(out, static_cast<uint16_t>(0x0100 | (question.checking_disabled ? 0x0010 : 0)));
  put_u16(out, 1);
  put_u16(out, 0);
  put_u16(out, 0);
  put_u16(out, 1);
  out += question.name;
  put_u16(out, question.type);
  put_u16(out, class_in);
  out += '\0';
  put_u16(out, type::OPT);
  put_u16(out, udp_bytes_max);
  put_u32(out, question.dnssec_ok ? 0x8000u : 0u);
  put_u16(out, 0);
  return out;
}

ReplyPtr parse_reply(std::string_view packet, const Question& question, uint16_t id) {
  if (packet.size() < header_bytes || get_u16(packet, 0) != id) return nullptr;
  const uint16_t flags = get_u16(packet, 2);
  if (!(flags & 0x8000) || (flags >> 11 & 15) != 0 || get_u16(packet, 4) != 1 || !same_question(packet, question)) return nullptr;
  const unsigned counts[] = {get_u16(packet, 6), get_u16(packet, 8), get_u16(packet, 10)};
  if (counts[0] + counts[1] + counts[2] > reply_records_max) return nullptr;
  auto reply = std::make_shared<Reply>();
  reply->rcode = flags & 15;
  reply->truncated = flags & 0x0200;
  if (reply->truncated) return reply;  // asked again by TCP
  std::size_t at = header_bytes + question.name.size() + 4;
  Lifetime lifetime;
  for (const Section section : {Section::Answer, Section::Authority, Section::Additional})
    if (!read_section(packet, at, section, counts[static_cast<int>(section)], question, *reply, lifetime)) return nullptr;
  reply->negative = reply->rcode == rcode::NxDomain || !lifetime.answered;
  // A negative reply without SOA is not kept (RFC 2308 §5).
  reply->ttl_seconds = reply->negative ? lifetime.negative.value_or(0) : lifetime.least;
  reply->records.shrink_to_fit();
  return reply;
}

void write_reply(const Reply& reply, uint32_t age_seconds, uint32_t ttl_max_seconds, bool answers_only, Writer& writer) {
  reply.each([&](const Reply::Record& record) {
    if (answers_only && record.header.section != Section::Answer) return;
    RecordHeader header = record.header;
    const uint32_t ttl = std::min(header.ttl_seconds, ttl_max_seconds);
    header.ttl_seconds = ttl > age_seconds ? ttl - age_seconds : 0;
    writer.record(header, record.owner, record.rdata);
  });
}

}  // namespace pintle::dns
