#include "codec/json_reader.h"

#include <cstring>
#include <vector>

#include "codec/json_text.h"
#include "codec/limits.h"

namespace pintle::codec {
namespace {

constexpr uint64_t bytes_of(uint8_t b) { return 0x0101010101010101ull * b; }

// Marks (in the high bits) at least the first byte that is a quote, a backslash, a control character or not ASCII.
uint64_t special_bytes(uint64_t v) {
  const uint64_t quote = v ^ bytes_of('"'), backslash = v ^ bytes_of('\\');
  const uint64_t zero_quote = (quote - bytes_of(1)) & ~quote;
  const uint64_t zero_backslash = (backslash - bytes_of(1)) & ~backslash;
  const uint64_t control = (v - bytes_of(0x20)) & ~v;
  return (zero_quote | zero_backslash | control | v) & bytes_of(0x80);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hex digits at p, or -1.
int32_t hex4(const char* p, const char* end) {
  if (end - p < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace

bool JsonReader::fail(std::string_view expected) {
  if (!message_.empty()) return false;
  message_ = "invalid JSON at offset " + std::to_string(offset()) + ": ";
  if (at_ >= end_) {
    message_ += "the text ends where it needs ";
    message_ += expected;
  } else {
    message_ += "expected ";
    message_ += expected;
    message_ += ", found ";
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    message_ += go_quote(rest.substr(0, std::max<std::size_t>(utf8_length(rest), 1)));
  }
  return false;
}

Status JsonReader::error() const { return Status{Reason::BadRequest, 0, message_, {}}; }

bool JsonReader::skip_space() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  return at_ < end_;
}

JsonReader::Token JsonReader::peek() {
  if (!ok()) return Token::End;
  if (skip_space()) switch (*at_) {
      case '{': return Token::Object;
      case '[': return Token::Array;
      case '"': return Token::String;
      case 't': return Token::True;
      case 'f': return Token::False;
      case 'n': return Token::Null;
      case '-': return Token::Number;
      default:
        if (is_digit(*at_)) return Token::Number;
    }
  fail("a value");
  return Token::End;
}

bool JsonReader::enter_object() {
  if (peek() != Token::Object) return fail("an object");
  if (++depth_ > nesting_max) {
    message_ = "invalid JSON: nested deeper than " + std::to_string(nesting_max) + " levels";
    return false;
  }
  ++at_;
  return true;
}

bool JsonReader::enter_array() {
  if (peek() != Token::Array) return fail("an array");
  if (++depth_ > nesting_max) {
    message_ = "invalid JSON: nested deeper than " + std::to_string(nesting_max) + " levels";
    return false;
  }
  ++at_;
  return true;
}

bool JsonReader::next_key(bool& first, std::string_view& key) {
  if (!ok()) return false;
  if (!skip_space()) return fail(first ? "a member name or '}'" : "',' or '}'");
  if (*at_ == '}') {
    ++at_;
    --depth_;
    return false;
  }
  if (!first) {
    if (*at_ != ',') return fail("',' or '}'");
    ++at_;
    skip_space();
  }
  first = false;
  if (at_ >= end_ || *at_ != '"') return fail("a member name in quotes");
  if (!read_string(key)) return false;
  if (!skip_space() || *at_ != ':') return fail("':'");
  ++at_;
  return true;
}

bool JsonReader::next_element(bool& first) {
  if (!ok()) return false;
  if (!skip_space()) return fail("a value or ']'");
  if (first) {
    first = false;
    if (*at_ != ']') return true;
  } else if (*at_ == ',') {
    ++at_;
    return true;
  } else if (*at_ != ']') {
    return fail("',' or ']'");
  }
  ++at_;
  --depth_;
  return false;
}

const char* JsonReader::scan_plain(const char* p) const {
  while (end_ - p >= 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    if (const uint64_t mark = special_bytes(v)) return p + (__builtin_ctzll(mark) >> 3);
    p += 8;
  }
  while (p < end_ && *p != '"' && *p != '\\' && static_cast<signed char>(*p) >= 0x20) ++p;
  return p;
}

// From the opening quote past the closing one. `body` lies between; `plain`: it needs neither unescaping nor repair.
bool JsonReader::scan_string(std::string_view& body, bool& plain) {
  const char* const start = ++at_;
  plain = true;
  for (;;) {
    at_ = scan_plain(at_);
    if (at_ >= end_) return fail("the end of a string");
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') break;
    if (c == '\\') {
      plain = false;
      if (++at_ >= end_) return fail("an escape");
      if (*at_ == 'u') {
        if (hex4(at_ + 1, end_) < 0) return fail("four hexadecimal digits after \\u");
        at_ += 5;
      } else if (std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos) {
        ++at_;
      } else {
        return fail("an escape character");
      }
    } else if (c < 0x20) {
      return fail("a string without control characters");
    } else {
      const std::size_t n = utf8_length({at_, static_cast<std::size_t>(end_ - at_)});
      if (n == 0) plain = false;
      at_ += std::max<std::size_t>(n, 1);
    }
  }
  body = {start, static_cast<std::size_t>(at_ - start)};
  ++at_;
  return true;
}

bool JsonReader::unescape_unicode(const char*& p, std::string& out) {
  auto unit = static_cast<uint32_t>(hex4(p, end_));
  p += 4;
  if (unit >= 0xD800 && unit < 0xE000) {
    const int32_t low = unit < 0xDC00 && end_ - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end_) : -1;
    if (low >= 0xDC00 && low < 0xE000) {
      unit = 0x10000 + ((unit - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
      p += 6;
    } else {
      unit = 0xFFFD;  // half a pair
    }
  }
  append_utf8(unit, out);
  return true;
}

// `out` gets the string whose body starts at `from`; scan_string has accepted it.
bool JsonReader::unescape(const char* p, std::string& out) {
  out.clear();
  for (;;) {
    const char* const stop = scan_plain(p);
    out.append(p, static_cast<std::size_t>(stop - p));
    p = stop;
    if (*p == '"') return true;
    if (*p != '\\') {
      const std::size_t n = utf8_length({p, static_cast<std::size_t>(end_ - p)});
      if (n == 0) {
        append_utf8(0xFFFD, out);
        ++p;
      } else {
        out.append(p, n);
        p += n;
      }
      continue;
    }
    const char escape = p[1];
    p += 2;
    switch (escape) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': unescape_unicode(p, out); break;
      default: out += escape;
    }
  }
}

bool JsonReader::read_string(std::string& out) {
  if (peek() != Token::String) return fail("a string");
  std::string_view body;
  bool plain = false;
  if (!scan_string(body, plain)) return false;
  if (!plain) return unescape(body.data(), out);
  out.assign(body);
  return true;
}

bool JsonReader::read_string(std::string_view& out) {
  if (peek() != Token::String) return fail("a string");
  bool plain = false;
  if (!scan_string(out, plain)) return false;
  if (plain) return true;
  unescape(out.data(), unescaped_.emplace_back());
  out = unescaped_.back();
  return true;
}

bool JsonReader::check_number() {
  const auto digits = [&] {
    if (at_ >= end_ || !is_digit(*at_)) return fail("a digit");
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return true;
  };
  if (at_ < end_ && *at_ == '-') ++at_;
  if (at_ < end_ && *at_ == '0') {
    ++at_;
  } else if (!digits()) {
    return false;
  }
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return false;
  }
  return true;
}

bool JsonReader::read_number(std::string_view& literal) {
  if (peek() != Token::Number) return fail("a number");
  const char* const start = at_;
  if (!check_number()) return false;
  literal = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool JsonReader::expect_literal(std::string_view word) {
  for (char c : word) {
    if (at_ >= end_ || *at_ != c) return fail(word);
    ++at_;
  }
  return true;
}

bool JsonReader::read_literal() {
  switch (peek()) {
    case Token::True: return expect_literal("true");
    case Token::False: return expect_literal("false");
    case Token::Null: return expect_literal("null");
    default: return fail("true, false or null");
  }
}

bool JsonReader::skip_value() {
  std::vector<bool> objects;  // the containers open inside the value: object or array
  bool first = true;
  std::string_view ignored;
  bool plain = false;
  for (;;) {
    // A value starts here.
    switch (peek()) {
      case Token::Object:
        if (!enter_object()) return false;
        objects.push_back(true);
        first = true;
        break;
      case Token::Array:
        if (!enter_array()) return false;
        objects.push_back(false);
        first = true;
        break;
      case Token::String:
        if (!scan_string(ignored, plain)) return false;
        break;
      case Token::Number:
        if (!check_number()) return false;
        break;
      case Token::End: return false;
      default:
        if (!read_literal()) return false;
    }
    // Close what ends here; stop at the next value.
    for (;;) {
      if (objects.empty()) return true;
      if (objects.back() ? next_key(first, ignored) : next_element(first)) break;
      if (!ok()) return false;
      objects.pop_back();
      first = false;
    }
  }
}

bool JsonReader::read_raw(std::string_view& raw) {
  if (peek() == Token::End) return false;
  const char* const start = at_;
  if (!skip_value()) return false;
  raw = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool JsonReader::finish() {
  if (!ok()) return false;
  return skip_space() ? fail("the end of the text") : true;
}

}  // namespace pintle::codec
