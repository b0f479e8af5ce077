// Writer: one reply, section by section, with compressed owner names, never longer than its limit. A record that does not
// fit is left out whole; one of the answer or authority section sets TC (RFC 2181 §9).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dns/address.h"
#include "dns/message.h"

namespace pintle::dns {

enum class Section : uint8_t { Answer, Authority, Additional };

struct RecordHeader {
  Section section = Section::Answer;
  uint16_t type = 0;
  uint16_t record_class = class_in;
  uint32_t ttl_seconds = 0;
};

class Writer {
 public:
  // `query` is copied from where needed. `limit` counts the whole message.
  Writer(const Query& query, std::size_t limit);

  // Sections in order. `owner` and names in `rdata` are wire names. False: it did not fit.
  bool record(const RecordHeader& header, std::string_view owner, std::string_view rdata);
  bool address(Section section, std::string_view owner, uint32_t ttl_seconds, const Address& address);
  bool name_record(uint16_t type, Section section, std::string_view owner, uint32_t ttl_seconds, std::string_view target);

  void set_rcode(uint16_t code) { rcode_ = code; }
  uint16_t rcode() const { return rcode_; }
  void set_authoritative(bool on) { authoritative_ = on; }
  void set_recursion_available(bool on) { recursion_available_ = on; }
  bool truncated() const { return truncated_; }
  std::size_t answers() const { return counts_[0]; }
  // The message. Once.
  std::string finish();

 private:
  static constexpr std::size_t targets_max = 48;
  void put_name(std::string_view name);
  bool same_name(std::size_t at, std::string_view name) const;

  const uint16_t id_;
  const bool recursion_desired_;
  const bool checking_disabled_;
  const bool edns_;
  const bool dnssec_ok_;
  const std::size_t limit_;
  std::string out_;
  uint16_t rcode_ = rcode::NoError;
  bool authoritative_ = false;
  bool recursion_available_ = false;
  bool truncated_ = false;
  uint16_t counts_[3] = {};
  std::array<uint16_t, targets_max> targets_;  // where names stand that a pointer may go to
  std::size_t target_count_ = 0;
};

}  // namespace pintle::dns
