#include "dns/writer.h"

#include "base/check.h"

namespace pintle::dns {

namespace {

constexpr std::size_t opt_bytes = 11;
constexpr std::size_t pointer_max = 0x3FFF;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Writer::Writer(const Query& query, std::size_t limit)
    : id_(query.id),
      recursion_desired_(query.recursion_desired),
      checking_disabled_(query.checking_disabled),
      edns_(query.edns),
      dnssec_ok_(query.dnssec_ok),
      limit_(limit - (query.edns ? opt_bytes : 0)) {
  CHECK(limit >= plain_udp_bytes && limit <= message_bytes_max, "the limit of a DNS message");
  out_.reserve(plain_udp_bytes);
  out_.resize(header_bytes);
  out_ += query.question;
  if (query.question.empty()) return;
  // Every suffix of the question's name can be pointed to.
  for (std::size_t at = header_bytes; out_[at] != 0 && target_count_ < targets_max / 2; at += 1u + static_cast<uint8_t>(out_[at]))
    targets_[target_count_++] = static_cast<uint16_t>(at);
}

// Compares an uncompressed name with one that stands in the message, case aside.
bool Writer::same_name(std::size_t at, std::string_view name) const {
  std::size_t i = 0;
  while (true) {
    auto length = static_cast<uint8_t>(out_[at]);
    while ((length & 0xC0) == 0xC0) {
      at = static_cast<std::size_t>(length & 0x3F) << 8 | static_cast<uint8_t>(out_[at + 1]);
      length = static_cast<uint8_t>(out_[at]);
    }
    if (length != static_cast<uint8_t>(name[i])) return false;
    if (length == 0) return true;
    for (std::size_t k = 1; k <= length; ++k)
      if (lower(out_[at + k]) != lower(name[i + k])) return false;
    at += 1u + length;
    i += 1u + length;
  }
}

void Writer::put_name(std::string_view name) {
  const std::size_t whole = target_count_;  // what stands before this name; its own labels would lead into themselves
  while (name[0] != 0) {
    for (std::size_t i = 0; i < whole; ++i) {
      if (!same_name(targets_[i], name)) continue;
      put_u16(out_, static_cast<uint16_t>(0xC000 | targets_[i]));
      return;
    }
    if (target_count_ < targets_max && out_.size() <= pointer_max) targets_[target_count_++] = static_cast<uint16_t>(out_.size());
    const std::size_t bytes = 1u + static_cast<uint8_t>(name[0]);
    out_ += name.substr(0, bytes);
    name.remove_prefix(bytes);
  }
  out_ += '\0';
}

bool Writer::record(const RecordHeader& header, std::string_view owner, std::string_view rdata) {
  if (truncated_) return false;
  const std::size_t begin = out_.size();
  const std::size_t targets_before = target_count_;
  put_name(owner);
  put_u16(out_, header.type);
  put_u16(out_, header.record_class);
  put_u32(out_, header.ttl_seconds);
  put_u16(out_, static_cast<uint16_t>(rdata.size()));
  const std::size_t data_at = out_.size();
  out_ += rdata;
  if (out_.size() > limit_) {
    out_.resize(begin);
    target_count_ = targets_before;
    if (header.section != Section::Additional) truncated_ = true;
    return false;
  }
  // An SRV record's target: the addresses that follow are its.
  constexpr std::size_t before_target = 6;
  if (header.type == type::SRV && rdata.size() > before_target && target_count_ < targets_max && data_at + before_target <= pointer_max)
    targets_[target_count_++] = static_cast<uint16_t>(data_at + before_target);
  ++counts_[static_cast<std::size_t>(header.section)];
  return true;
}

bool Writer::address(Section section, std::string_view owner, uint32_t ttl_seconds, const Address& address) {
  const RecordHeader header{section, address.is_v6() ? type::AAAA : type::A, class_in, ttl_seconds};
  return record(header, owner, address.wire());
}

bool Writer::name_record(uint16_t type, Section section, std::string_view owner, uint32_t ttl_seconds, std::string_view target) {
  const RecordHeader header{section, type, class_in, ttl_seconds};
  return record(header, owner, target);
}

std::string Writer::finish() {
  uint16_t flags = 0x8000 | (rcode_ & 15);
  if (authoritative_) flags |= 0x0400;
  if (truncated_) flags |= 0x0200;
  if (recursion_desired_) flags |= 0x0100;
  if (recursion_available_) flags |= 0x0080;
  if (checking_disabled_) flags |= 0x0010;
  std::string head;
  put_u16(head, id_);
  put_u16(head, flags);
  put_u16(head, out_.size() > header_bytes ? 1 : 0);
  put_u16(head, counts_[0]);
  put_u16(head, counts_[1]);
  put_u16(head, static_cast<uint16_t>(counts_[2] + (edns_ ? 1 : 0)));
  out_.replace(0, header_bytes, head);
  if (edns_) {
    out_ += '\0';
    put_u16(out_, type::OPT);
    put_u16(out_, udp_bytes_max);
    put_u32(out_, static_cast<uint32_t>(rcode_ >> 4) << 24 | (dnssec_ok_ ? 0x8000u : 0u));
    put_u16(out_, 0);
  }
  return std::move(out_);
}

}  // namespace pintle::dns
