// WebSocket frames (RFC 6455 section 5) as bytes, without any I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::net {

enum class WsOpcode : uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };
constexpr bool is_control(WsOpcode opcode) { return static_cast<uint8_t>(opcode) >= 8; }
constexpr std::size_t ws_control_bytes_max = 125;
constexpr std::size_t ws_head_bytes_max = 14;

using WsMask = std::array<char, 4>;

struct WsFrameHead {
  bool fin = true;
  WsOpcode opcode = WsOpcode::Binary;
  std::optional<WsMask> mask;
  uint64_t length = 0;         // of the payload
  std::size_t head_bytes = 0;  // of this head
};
// nullopt: more bytes are needed. BadRequest: reserved bits or opcodes, a control frame that is long or fragmented, a
// length that is not in its shortest form, or a mask where `expect_mask` says there is none (and the other way round).
Result<std::optional<WsFrameHead>> parse_ws_head(std::string_view data, bool expect_mask);
std::string format_ws_head(const WsFrameHead& head);
// Masks or unmasks in place; `offset` is where `data` starts in the payload.
void apply_ws_mask(std::string& data, const WsMask& mask, std::size_t offset = 0);

// A close frame's payload: code and reason. A valid code on the wire: 1000-1003, 1007-1014, 3000-4999.
struct WsClose {
  uint16_t code = 1005;  // 1005: none was sent
  std::string reason;
};
Result<WsClose> parse_ws_close(std::string_view payload);
std::string format_ws_close(const WsClose& close);

// Whether `text` is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

}  // namespace pintle::net
