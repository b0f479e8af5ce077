#include "dns/testing.h"

#include <sstream>

#include "base/check.h"
#include "dns/address.h"

namespace pintle::dns::testing {

namespace {

Name name_of(std::string_view text) {
  auto name = make_name(text);
  CHECK(name.has_value(), "a test's name is a domain name");
  return std::move(*name);
}

uint16_t type_of(std::string_view text) {
  for (const uint16_t t : {type::A, type::AAAA, type::NS, type::CNAME, type::SOA, type::PTR, type::MX, type::TXT, type::SRV})
    if (type_name(t) == text) return t;
  CHECK(false, "a test's record type");
  return 0;
}

std::string data_of(uint16_t t, const std::string& text) {
  std::string out;
  switch (t) {
    case type::A:
    case type::AAAA: return std::string(parse_address(text)->wire());
    case type::SOA:
      out = name_of("ns") + name_of("mail");
      for (int i = 0; i < 4; ++i) put_u32(out, 1);
      put_u32(out, static_cast<uint32_t>(std::stoul(text)));
      return out;
    case type::TXT: return static_cast<char>(text.size()) + text;
    default: return name_of(text);
  }
}

std::string show_data(const Reply::Record& record) {
  const std::string_view data = record.rdata;
  switch (record.header.type) {
    case type::A:
    case type::AAAA: return " " + IpAddress::from_wire(data)->to_string();
    case type::SRV: {
      std::string out;
      for (std::size_t at = 0; at < 6; at += 2) out += " " + std::to_string(get_u16(data, at));
      return out + " " + to_text(data.substr(6));
    }
    case type::TXT: return " " + std::string(data.substr(1));
    case type::SOA: return "";
    default: return " " + to_text(data);
  }
}

}  // namespace

std::string query_packet(std::string_view name, uint16_t type, uint16_t id, uint16_t edns_bytes) {
  std::string out;
  put_u16(out, id);
  put_u16(out, 0x0100);
  put_u16(out, 1);
  put_u32(out, 0);
  put_u16(out, edns_bytes == 0 ? 0 : 1);
  out += name_of(name);
  put_u16(out, type);
  put_u16(out, class_in);
  if (edns_bytes == 0) return out;
  out += '\0';
  put_u16(out, type::OPT);
  put_u16(out, edns_bytes);
  put_u32(out, 0);
  put_u16(out, 0);
  return out;
}

std::string reply_packet(std::string_view name, uint16_t type, uint16_t id, uint16_t rcode, std::string_view lines, bool truncated) {
  std::string records;
  uint16_t counts[3] = {};
  std::istringstream in{std::string(lines)};
  for (std::string line; std::getline(in, line, ';');) {
    std::istringstream words(line);
    std::string section, owner, type_text, data;
    uint32_t ttl = 0;
    if (!(words >> section >> owner >> ttl >> type_text >> data)) continue;
    ++counts[section == "answer" ? 0 : section == "authority" ? 1 : 2];
    const uint16_t t = type_of(type_text);
    const std::string wire = data_of(t, data);
    records += name_of(owner);
    put_u16(records, t);
    put_u16(records, class_in);
    put_u32(records, ttl);
    put_u16(records, static_cast<uint16_t>(wire.size()));
    records += wire;
  }
  std::string out;
  put_u16(out, id);
  put_u16(out, static_cast<uint16_t>(0x8180 | rcode | (truncated ? 0x0200 : 0)));
  put_u16(out, 1);
  for (const uint16_t count : counts) put_u16(out, count);
  out += name_of(name);
  put_u16(out, type);
  put_u16(out, class_in);
  return out + records;
}

std::string show(std::string_view packet) {
  if (packet.empty()) return "";
  std::string bytes(packet);
  const uint16_t flags = get_u16(bytes, 2);
  std::string out = rcode_name(flags & 15);
  if (flags & 0x0400) out += " aa";
  if (flags & 0x0200) out += " tc";
  if (get_u16(bytes, 4) == 0) return out;
  Question question;
  std::size_t at = header_bytes;
  auto name = read_name(bytes, at);
  CHECK(name.has_value(), "a reply's question");
  question.name = std::move(*name);
  lower(question.name);
  question.type = get_u16(bytes, at);
  if (get_u16(bytes, at + 2) != class_in) return out;
  bytes[2] = static_cast<char>(bytes[2] & ~0x02);  // the records of a truncated one too
  const ReplyPtr reply = parse_reply(bytes, question, get_u16(bytes, 0));
  CHECK(reply != nullptr, "our reply is well-formed");
  reply->each([&](const Reply::Record& record) {
    const char* sections[] = {"answer", "authority", "additional"};
    out += std::string("; ") + sections[static_cast<int>(record.header.section)] + " " + to_text(record.owner) + " " +
           std::to_string(record.header.ttl_seconds) + " " + type_name(record.header.type) + show_data(record);
  });
  return out;
}

}  // namespace pintle::dns::testing
