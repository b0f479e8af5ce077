// Http2Screen: looks at the frames that a peer sends before nghttp2 does, for what nghttp2 answers by ending the whole
// connection. A header field of more than 64 KiB becomes a short one, and its stream is told of it; HPACK's tables stay as the
// peer has them (RFC 7541 4.4: an entry larger than the table empties it, and so does what is left of it). Header blocks of
// many small frames are held to a number and a size, and frames that ask for work and bring nothing to a rate. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "rt/clock.h"

namespace pintle::net {

constexpr std::size_t http2_frame_head_bytes = 9;
constexpr std::size_t http2_frame_bytes_max = 16 << 10;  // of what is received: SETTINGS_MAX_FRAME_SIZE as it is by default
constexpr std::size_t http2_field_bytes_max = 64 << 10;  // of a name or value as it is sent: nghttp2's limit
constexpr std::size_t http2_masked_bytes = 4097;         // what stays of a longer one: more than HPACK's table, which is 4096
constexpr std::size_t http2_continuations_max = 1024;    // of one header block; then the connection ends
constexpr uint32_t http2_idle_frames_burst = 1000;       // PING, SETTINGS, PRIORITY, unknown ones and DATA without data
constexpr uint32_t http2_idle_frames_rate = 1000;        // and in a second after that; then the connection ends

// Follows a header block (RFC 7541 6), piece by piece, and shortens the strings that are too long.
class HpackMask {
 public:
  // Appends to `out` what `in` becomes; a few bytes may be kept back until the next piece.
  void feed(std::string_view in, std::string& out);
  // Whether a string was shortened since start().
  bool masked() const { return masked_; }
  void start() { *this = HpackMask(); }

 private:
  enum class State : uint8_t { Field, Index, NameSize, Name, ValueSize, Value, Broken };
  void field(uint8_t byte);
  void begin_integer(uint8_t byte, int prefix_bits, State state);
  bool integer_byte(uint8_t byte);  // whether the integer is complete
  void string_size(uint8_t byte, std::string& out);
  void string_bytes(std::string_view& in, std::string& out);
  void after_string();

  State state_ = State::Field;
  bool literal_ = false;  // a value follows the index
  uint64_t number_ = 0;
  int shift_ = -1;        // of the next byte of an integer; -1: its first byte is to come
  std::string held_;      // a string's size, as sent
  uint64_t left_ = 0;     // of a string
  std::size_t keep_ = 0;  // of a string that is being shortened
  bool shorten_ = false;
  bool masked_ = false;
  char filler_ = 'x';  // what a shortened string is made of: '/' keeps a path a path
  std::string name_;   // of a literal, as far as ":path" goes
};

class Http2Screen {
 public:
  struct Output {
    std::function<bool(std::string_view)> pass;      // bytes for nghttp2; false: stop
    std::function<void(uint32_t stream)> shortened;  // before the last frame of the stream's header block
  };
  enum class Verdict : uint8_t { Good, Stopped, Flood };
  // `preface_bytes`: what comes before the first frame. `block_bytes_max`: of a header block as sent.
  Http2Screen(std::size_t preface_bytes, std::size_t block_bytes_max) : preface_left_(preface_bytes), block_bytes_max_(block_bytes_max) {}
  Verdict feed(std::string_view data, rt::TimePoint now, const Output& output);

 private:
  Verdict begin_frame(rt::TimePoint now);
  Verdict end_block_frame(const Output& output);
  bool allow(rt::TimePoint now);
  uint32_t length() const { return byte(0) << 16 | byte(1) << 8 | byte(2); }
  uint32_t byte(std::size_t i) const { return static_cast<uint8_t>(head_[i]); }
  uint32_t stream() const { return (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffff; }
  bool emit(uint8_t type, uint8_t flags, std::string_view payload, const Output& output) const;

  std::size_t preface_left_;
  const std::size_t block_bytes_max_;
  std::array<char, http2_frame_head_bytes> head_{};
  std::size_t head_have_ = 0;
  std::size_t payload_left_ = 0;
  bool gather_ = false;  // this frame's payload goes into payload_ instead of on
  std::string payload_;
  bool in_block_ = false;  // a header block goes on in the next frame
  uint32_t block_stream_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t continuations_ = 0;
  HpackMask mask_;
  double tokens_ = http2_idle_frames_burst;
  rt::TimePoint refilled_{};
};

}  // namespace pintle::net
