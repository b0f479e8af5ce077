// gRPC's text and framing, without any I/O: length-prefixed messages, grpc-timeout, grpc-message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "rt/clock.h"

namespace pintle::net::grpc {

// The five bytes before the message, and the message.
Bytes frame_message(std::string_view message);

// Takes messages out of body pieces.
class MessageReader {
 public:
  // RequestEntityTooLarge past `limit_bytes`, by the prefix alone.
  explicit MessageReader(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  void push(std::string_view piece) { buffer_.append(piece); }
  // The next whole message; nullopt: more bytes are needed. BadRequest: compressed, which was not offered.
  Result<std::optional<std::string>> next();
  // Nothing of a message is left over.
  bool empty() const { return at_ == buffer_.size(); }

 private:
  std::size_t limit_bytes_;
  std::string buffer_;
  std::size_t at_ = 0;
};

// grpc-timeout: at most eight digits and a unit; never longer than `timeout`, and at least a millisecond.
std::string format_timeout(rt::Duration timeout);
std::optional<rt::Duration> parse_timeout(std::string_view text);

// grpc-message: bytes outside of printable ASCII, and '%', as %XX.
std::string escape_message(std::string_view text);
// Malformed escapes stay as they are.
std::string unescape_message(std::string_view text);

}  // namespace pintle::net::grpc
