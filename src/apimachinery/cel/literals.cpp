#include "apimachinery/cel/literals.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/parse_number.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr uint32_t replacement = 0xFFFD;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One escape behind a backslash; the lexer has seen that its digits are there.
class Escapes {
 public:
  Escapes(std::string_view text, bool is_bytes, std::string& out) : text_(text), is_bytes_(is_bytes), out_(out) {}

  bool run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ >= text_.size() || !escape()) return false;
        continue;
      }
      if (text_[at_] == '\r') {  // a line's end is one \n, however it is written
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
        out_ += '\n';
        ++at_;
        continue;
      }
      out_ += text_[at_++];
    }
    return true;
  }

 private:
  bool number(int digits, int base, uint32_t& value) {
    value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
      if (digit < 0 || digit >= base) return false;
      value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
      ++at_;
    }
    return true;
  }
  bool code_unit(int digits, int base) {
    uint32_t value = 0;
    if (!number(digits, base, value)) return false;
    if (is_bytes_) {
      if (value > 0xFF) return false;
      out_ += static_cast<char>(value);
    } else {
      codec::append_utf8(value, out_);
    }
    return true;
  }
  bool unicode(int digits) {
    uint32_t value = 0;
    if (is_bytes_ || !number(digits, 16, value)) return false;
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
    codec::append_utf8(value, out_);
    return true;
  }
  bool escape() {
    const char c = text_[at_];
    if (c >= '0' && c <= '3') return code_unit(3, 8);
    ++at_;
    switch (c) {
      case 'a': out_ += '\a'; return true;
      case 'b': out_ += '\b'; return true;
      case 'f': out_ += '\f'; return true;
      case 'n': out_ += '\n'; return true;
      case 'r': out_ += '\r'; return true;
      case 't': out_ += '\t'; return true;
      case 'v': out_ += '\v'; return true;
      case '\\':
      case '\'':
      case '"':
      case '`':
      case '?': out_ += c; return true;
      case 'x':
      case 'X': return code_unit(2, 16);
      case 'u': return unicode(4);
      case 'U': return unicode(8);
      default: return false;
    }
  }

  std::string_view text_;
  bool is_bytes_;
  std::string& out_;
  std::size_t at_ = 0;
};

}  // namespace

uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const std::size_t size = codec::utf8_length(text.substr(at));
  if (size == 0) {
    ++at;
    return replacement;
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  uint32_t value = size == 1 ? byte(0) : byte(0) & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) value = (value << 6) | (byte(i) & 0x3FU);
  at += size;
  return value;
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
    } else {
      next_code_point(text, at);
    }
  }
  return count;
}

std::optional<std::string> unquote(std::string_view text, bool is_bytes, std::string& out) {
  bool raw = false;
  while (!text.empty() && text[0] != '"' && text[0] != '\'') {
    raw = raw || text[0] == 'r' || text[0] == 'R';
    text.remove_prefix(1);
  }
  const std::size_t quotes = text.size() >= 6 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
  if (text.size() < 2 * quotes) return "unable to unescape string";
  const std::string_view inner = text.substr(quotes, text.size() - 2 * quotes);
  out.clear();
  if (raw) {
    out = inner;
    return std::nullopt;
  }
  if (!Escapes(inner, is_bytes, out).run()) return "unable to unescape string";
  return std::nullopt;
}

std::optional<double> parse_double(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  std::string lower;
  for (const char c : digits) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = __builtin_inf();
  } else if (lower == "nan") {
    value = __builtin_nan("");
  } else {
    if ((digits[0] < '0' || digits[0] > '9') && digits[0] != '.') return std::nullopt;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general);
    if (end != digits.data() + digits.size()) return std::nullopt;
    if (failure == std::errc::result_out_of_range) value = std::strtod(std::string(digits).c_str(), nullptr);  // too small is zero
    if (std::isinf(value)) return std::nullopt;
    if (failure == std::errc::invalid_argument) return std::nullopt;
  }
  return text[0] == '-' ? -value : value;
}

}  // namespace pintle::apimachinery::cel
