#include "net/spdy_frame.h"

#include "base/check.h"

namespace pintle::net {

namespace {

constexpr uint16_t spdy_version = 3;

uint32_t number_at(std::string_view bytes, std::size_t offset) {
  uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return out;
}

std::string control_frame(SpdyType type, std::initializer_list<uint32_t> numbers) {
  std::string out = format_spdy_head({.control = true, .type = type, .length = static_cast<uint32_t>(4 * numbers.size())});
  for (const uint32_t number : numbers) append_spdy_number(out, number);
  return out;
}

}  // namespace

Result<SpdyHead> parse_spdy_head(std::string_view bytes) {
  CHECK(bytes.size() >= spdy_head_bytes, "a whole head");
  SpdyHead head;
  const uint32_t first = number_at(bytes, 0), second = number_at(bytes, 4);
  head.control = (first >> 31) != 0;
  head.flags = static_cast<uint8_t>(second >> 24);
  head.length = second & 0xffffff;
  if (!head.control) {
    head.stream_id = first;
    if (head.stream_id == 0) return bad_request("SPDY: data on stream 0");
    return head;
  }
  if (((first >> 16) & 0x7fff) != spdy_version) return bad_request("SPDY: version " + std::to_string((first >> 16) & 0x7fff) + " is not spoken here");
  if (head.length > spdy_control_bytes_max) return bad_request("SPDY: a control frame of " + std::to_string(head.length) + " bytes");
  head.type = static_cast<SpdyType>(first & 0xffff);
  return head;
}

std::string format_spdy_head(const SpdyHead& head) {
  CHECK(head.length <= 0xffffff, "a frame's length has 24 bits");
  std::string out;
  append_spdy_number(out, head.control ? 1u << 31 | uint32_t{spdy_version} << 16 | static_cast<uint32_t>(head.type) : head.stream_id);
  append_spdy_number(out, uint32_t{head.flags} << 24 | head.length);
  return out;
}

Result<uint32_t> spdy_number(std::string_view payload, std::size_t offset) {
  if (payload.size() < offset + 4) return bad_request("SPDY: a control frame is too short");
  return number_at(payload, offset) & 0x7fffffff;
}

Result<uint32_t> spdy_length(std::string_view payload, std::size_t offset) {
  TRY(spdy_number(payload, offset));
  return number_at(payload, offset);
}

void append_spdy_number(std::string& out, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

std::string spdy_rst_stream(uint32_t stream_id, SpdyReset why) { return control_frame(SpdyType::RstStream, {stream_id, static_cast<uint32_t>(why)}); }
std::string spdy_ping(uint32_t id) { return control_frame(SpdyType::Ping, {id}); }
std::string spdy_go_away(uint32_t last_stream_id) { return control_frame(SpdyType::GoAway, {last_stream_id, 0}); }

}  // namespace pintle::net
