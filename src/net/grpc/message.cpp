#include "net/grpc/message.h"

#include <algorithm>
#include <charconv>

namespace pintle::net::grpc {

namespace {
constexpr std::size_t prefix_bytes = 5;
constexpr int64_t timeout_value_max = 99999999;
constexpr std::string_view hex = "0123456789ABCDEF";
}  // namespace

Bytes frame_message(std::string_view message) {
  std::string out;
  out.reserve(prefix_bytes + message.size());
  out.push_back('\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(message.size() >> shift & 0xff));
  out.append(message);
  return Bytes(std::move(out));
}

Result<std::optional<std::string>> MessageReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  if (rest.size() < prefix_bytes) return std::nullopt;
  if (rest[0] != 0) return bad_request("gRPC: a compressed message, which was not offered");
  std::size_t length = 0;
  for (std::size_t i = 1; i < prefix_bytes; ++i) length = length << 8 | static_cast<uint8_t>(rest[i]);
  if (length > limit_bytes_) {
    return error(Reason::RequestEntityTooLarge, "gRPC: a message of " + std::to_string(length) + " bytes; at most " + std::to_string(limit_bytes_));
  }
  if (rest.size() < prefix_bytes + length) {
    buffer_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  std::string message(rest.substr(prefix_bytes, length));
  at_ += prefix_bytes + length;
  if (at_ == buffer_.size()) {
    buffer_ = {};
    at_ = 0;
  }
  return message;
}

std::string format_timeout(rt::Duration timeout) {
  using std::chrono::duration_cast;
  const int64_t millis = std::max<int64_t>(1, duration_cast<std::chrono::milliseconds>(timeout).count());
  if (millis <= timeout_value_max) return std::to_string(millis) + "m";
  const int64_t seconds = millis / 1000;
  if (seconds <= timeout_value_max) return std::to_string(seconds) + "S";
  return std::to_string(std::min(timeout_value_max, seconds / 3600)) + "H";
}

std::optional<rt::Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  int64_t value = 0;
  const char* unit = text.data() + text.size() - 1;
  const auto [end, failed] = std::from_chars(text.data(), unit, value);
  if (failed != std::errc() || end != unit || value < 0) return std::nullopt;
  switch (*unit) {
    case 'H': return std::chrono::hours(std::min<int64_t>(value, 1000000));  // a century is for ever
    case 'M': return std::chrono::minutes(value);
    case 'S': return std::chrono::seconds(value);
    case 'm': return std::chrono::milliseconds(value);
    case 'u': return std::chrono::microseconds(value);
    case 'n': return std::chrono::nanoseconds(value);
    default: return std::nullopt;
  }
}

std::string escape_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      out.push_back(c);
    } else {
      out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return out;
}

std::string unescape_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16).ptr == &text[i + 1] + 2) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace pintle::net::grpc
