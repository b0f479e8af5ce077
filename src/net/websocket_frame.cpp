#include "net/websocket_frame.h"

namespace pintle::net {

namespace {

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void put_big_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

bool is_known(uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

}  // namespace

Result<std::optional<WsFrameHead>> parse_ws_head(std::string_view data, bool expect_mask) {
  if (data.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(data[0]), second = static_cast<unsigned char>(data[1]);
  if (first & 0x70) return bad_request("reserved bits are set");
  if (!is_known(first & 15)) return bad_request("unknown opcode");
  WsFrameHead head;
  head.fin = first & 0x80;
  head.opcode = static_cast<WsOpcode>(first & 15);
  head.length = second & 0x7f;
  const bool masked = second & 0x80;
  if (masked != expect_mask) return bad_request(masked ? "a server's frame is masked" : "a client's frame is not masked");
  if (is_control(head.opcode) && (!head.fin || head.length > ws_control_bytes_max)) return bad_request("malformed control frame");
  const std::size_t extended = head.length == 126 ? 2 : head.length == 127 ? 8 : 0;
  head.head_bytes = 2 + extended + (masked ? 4 : 0);
  if (data.size() < head.head_bytes) return std::nullopt;
  if (extended > 0) {
    head.length = big_endian(data.substr(2, extended));
    if (head.length < (extended == 2 ? 126u : 65536u) || head.length >> 63) return bad_request("malformed frame length");
  }
  if (masked) {
    head.mask.emplace();
    data.copy(head.mask->data(), 4, head.head_bytes - 4);
  }
  return head;
}

std::string format_ws_head(const WsFrameHead& head) {
  std::string out;
  out.reserve(ws_head_bytes_max);
  out += static_cast<char>((head.fin ? 0x80 : 0) | static_cast<int>(head.opcode));
  const int mask_bit = head.mask ? 0x80 : 0;
  if (head.length < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(head.length));
  } else if (head.length < 65536) {
    out += static_cast<char>(mask_bit | 126);
    put_big_endian(out, head.length, 2);
  } else {
    out += static_cast<char>(mask_bit | 127);
    put_big_endian(out, head.length, 8);
  }
  if (head.mask) out.append(head.mask->data(), 4);
  return out;
}

void apply_ws_mask(std::string& data, const WsMask& mask, std::size_t offset) {
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(data[i] ^ mask[(offset + i) & 3]);
}

Result<WsClose> parse_ws_close(std::string_view payload) {
  WsClose close;
  if (payload.empty()) return close;
  if (payload.size() == 1) return bad_request("malformed close frame");
  close.code = static_cast<uint16_t>(big_endian(payload.substr(0, 2)));
  const bool defined = (close.code >= 1000 && close.code <= 1003) || (close.code >= 1007 && close.code <= 1014);
  if (!defined && (close.code < 3000 || close.code > 4999)) return bad_request("reserved close code");
  close.reason = std::string(payload.substr(2));
  if (!is_utf8(close.reason)) return bad_request("the close reason is not UTF-8");
  return close;
}

std::string format_ws_close(const WsClose& close) {
  std::string out;
  if (close.code == 1005) return out;
  put_big_endian(out, close.code, 2);
  return out + close.reason.substr(0, ws_control_bytes_max - 2);
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const int extra = lead >= 0xc2 && lead <= 0xdf ? 1 : lead >= 0xe0 && lead <= 0xef ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
    if (extra == 0 || text.size() - i <= static_cast<std::size_t>(extra)) return false;
    uint32_t point = lead & (0x3f >> extra);
    for (int k = 1; k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    constexpr uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[extra] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += static_cast<std::size_t>(extra) + 1;
  }
  return true;
}

}  // namespace pintle::net
