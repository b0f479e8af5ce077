// SPDY/3.1 frames as bytes, without any I/O (draft-mbelshe-httpbis-spdy-00, section 2). Kubernetes carries exec, attach
// and port-forward over it. Numbers are big-endian; a frame's head has 8 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::net {

enum class SpdyType : uint16_t { SynStream = 1, SynReply = 2, RstStream = 3, Settings = 4, Ping = 6, GoAway = 7, Headers = 8, WindowUpdate = 9 };
enum class SpdyReset : uint32_t { ProtocolError = 1, InvalidStream = 2, RefusedStream = 3, Cancel = 5, StreamAlreadyClosed = 9, FrameTooLarge = 11 };

constexpr std::size_t spdy_head_bytes = 8;
constexpr std::size_t spdy_control_bytes_max = 1 << 16;  // of a control frame; a longer one ends the session
constexpr std::size_t spdy_data_frame_bytes = 32 << 10;  // what we send in one frame; any length is read
constexpr uint8_t spdy_fin = 1;                          // flag: the sender sends no more on this stream
constexpr uint8_t spdy_unidirectional = 2;               // flag of SYN_STREAM: the receiver sends nothing

struct SpdyHead {
  bool control = false;
  SpdyType type = SpdyType::SynStream;  // of a control frame; may be a number that has no name here
  uint32_t stream_id = 0;               // of a data frame
  uint8_t flags = 0;
  uint32_t length = 0;  // of what follows the head
};
// `bytes` has spdy_head_bytes. BadRequest: another version of SPDY, or a control frame that is too long.
Result<SpdyHead> parse_spdy_head(std::string_view bytes);
std::string format_spdy_head(const SpdyHead& head);

// Reading what control frames hold. BadRequest: too short.
Result<uint32_t> spdy_number(std::string_view payload, std::size_t offset);  // 31 bits, the first is reserved
Result<uint32_t> spdy_length(std::string_view payload, std::size_t offset);  // all 32
void append_spdy_number(std::string& out, uint32_t number);

// A whole control frame of fixed content.
std::string spdy_rst_stream(uint32_t stream_id, SpdyReset why);
std::string spdy_ping(uint32_t id);
std::string spdy_go_away(uint32_t last_stream_id);

}  // namespace pintle::net
