#include "codec/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace pintle::codec {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// Bytes that a JSON string carries as they are: everything but control characters, quote, backslash, < > & and non-ASCII.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  return plain;
}
constexpr std::array<bool, 256> plain = make_plain();

void append_ascii_escape(unsigned char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const char text[] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};
  out.append(text, sizeof text);
}

// `digits` times ten to the `exponent`, where the point stands after the first digit, in Go's choice of form.
void append_layout(bool negative, std::string_view digits, int exponent, bool scientific, std::string& out) {
  if (negative) out += '-';
  if (scientific) {
    out += digits[0];
    if (digits.size() > 1) {
      out += '.';
      out += digits.substr(1);
    }
    out += 'e';
    out += exponent < 0 ? '-' : '+';
    append_json_int(std::abs(exponent), out);
    return;
  }
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else if (count <= exponent + 1) {
    out += digits;
    out.append(static_cast<std::size_t>(exponent + 1 - count), '0');
  } else {
    out += digits.substr(0, static_cast<std::size_t>(exponent) + 1);
    out += '.';
    out += digits.substr(static_cast<std::size_t>(exponent) + 1);
  }
}

template <class Float>
void append_floating(Float value, std::string& out) {
  if (!std::isfinite(value)) {  // JSON has no such number; only hostile protobuf gets here
    out += "null";
    return;
  }
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::string_view all(text, static_cast<std::size_t>(end - text));
  const bool negative = all.front() == '-';
  if (negative) all.remove_prefix(1);
  const std::size_t e = all.find('e');
  char digits[32];
  std::size_t count = 0;
  for (char c : all.substr(0, e))
    if (c != '.') digits[count++] = c;
  const int exponent = std::atoi(std::string(all.substr(e + 1)).c_str());
  // As in Go, which compares the value and not the exponent; for shortest digits both say the same.
  const bool scientific = value != 0 && (exponent < -6 || exponent >= 21);
  append_layout(negative, {digits, count}, exponent, scientific, out);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t n = text.size();
  const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) { return i < n && p[i] >= low && p[i] <= high; };
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xC2) return 0;
  if (p[0] < 0xE0) return tail(1) ? 2 : 0;
  if (p[0] < 0xF0) {
    const unsigned low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (p[0] > 0xF4) return 0;
  const unsigned low = p[0] == 0xF0 ? 0x90 : 0x80, high = p[0] == 0xF4 ? 0x8F : 0xBF;
  return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
}

void append_utf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

void append_valid_utf8(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text.substr(i));
    if (n == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else {
      out += text.substr(i, n);
      i += n;
    }
  }
}

namespace {

using Block = unsigned char __attribute__((vector_size(16)));

// How many of the bytes at `i` and after stand for themselves, by whole blocks.
std::size_t plain_blocks(std::string_view text, std::size_t i) {
  const std::size_t begun = i;
  for (; i + sizeof(Block) <= text.size(); i += sizeof(Block)) {
    Block block;
    std::memcpy(&block, text.data() + i, sizeof block);
    const auto escaped = (block < 0x20) | (block > 0x7F) | (block == '"') | (block == '\\') | (block == '<') | (block == '>') | (block == '&');
    uint64_t any[2];
    std::memcpy(any, &escaped, sizeof any);
    if ((any[0] | any[1]) != 0) break;
  }
  return i - begun;
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t from = 0, i = 0;
  while (i < text.size()) {
    i += plain_blocks(text, i);
    while (i < text.size() && plain[static_cast<unsigned char>(text[i])]) ++i;
    if (i == text.size()) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out.append(text, from, i - from);
      append_ascii_escape(c, out);
      from = ++i;
      continue;
    }
    const std::size_t n = utf8_length(text.substr(i));
    if (n == 0) {
      out.append(text, from, i - from);
      out += "\\ufffd";
      from = ++i;
    } else if (n == 3 && c == 0xE2 && text[i + 1] == '\x80' && (text[i + 2] == '\xA8' || text[i + 2] == '\xA9')) {
      out.append(text, from, i - from);
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      from = i += 3;
    } else {
      i += n;
    }
  }
  out.append(text, from, text.size() - from);
  out += '"';
}

void append_json_int(int64_t value, std::string& out) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_json_uint(uint64_t value, std::string& out) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_json_double(double value, std::string& out) { append_floating(value, out); }
void append_json_float(float value, std::string& out) { append_floating(value, out); }

namespace {

// Copies one string of well-formed JSON, from its opening quote; returns the position after the closing one.
std::size_t copy_string(std::string_view json, std::size_t i, bool escape, std::string& out) {
  const std::size_t start = i++;
  std::size_t from = start;
  while (i < json.size() && json[i] != '"') {
    const char c = json[i];
    if (c == '\\') {
      i += 2;
    } else if (escape && (c == '<' || c == '>' || c == '&')) {
      out.append(json, from, i - from);
      append_ascii_escape(static_cast<unsigned char>(c), out);
      from = ++i;
    } else if (escape && c == '\xE2' && i + 2 < json.size() && json[i + 1] == '\x80' && (json[i + 2] & '\xFE') == '\xA8') {
      out.append(json, from, i - from);
      out += json[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      from = i += 3;
    } else {
      ++i;
    }
  }
  i = std::min(i + 1, json.size());
  out.append(json, from, i - from);
  return i;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void compact(std::string_view json, bool escape, std::string& out) {
  for (std::size_t i = 0; i < json.size();) {
    if (json[i] == '"') {
      i = copy_string(json, i, escape, out);
    } else {
      if (!is_space(json[i])) out += json[i];
      ++i;
    }
  }
}

void new_line(int depth, std::string& out) {
  out += '\n';
  out.append(static_cast<std::size_t>(depth) * 2, ' ');
}

}  // namespace

void append_compact_json(std::string_view json, std::string& out) { compact(json, true, out); }

std::string compact_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  compact(json, false, out);
  return out;
}

std::string pretty_json(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 2);
  int depth = 0;
  bool opened = false;  // the last token opened a container, which may yet turn out empty
  for (std::size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (is_space(c)) {
      ++i;
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (opened && !closes) new_line(++depth, out);
    if (closes && !opened) new_line(--depth, out);
    opened = c == '{' || c == '[';
    if (c == '"') {
      i = copy_string(json, i, false, out);
      continue;
    }
    out += c;
    if (c == ',') new_line(depth, out);
    if (c == ':') out += ' ';
    ++i;
  }
  return out;
}

namespace {

uint32_t code_point(std::string_view sequence) {
  uint32_t c = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() > 1) c &= 0xFFu >> (sequence.size() + 1);
  for (std::size_t i = 1; i < sequence.size(); ++i) c = c << 6 | (static_cast<unsigned char>(sequence[i]) & 0x3Fu);
  return c;
}

// Go's strconv.IsPrint, as far as texts in the wild need it: C1 controls, spaces other than U+0020, marks of format.
bool is_print(uint32_t c) {
  if (c < 0x80) return c >= 0x20 && c != 0x7F;
  const bool space_or_format = (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F);
  return c > 0xA0 && c != 0xAD && !space_or_format && c != 0x3000 && c != 0xFEFF && !(c >= 0xE000 && c <= 0xF8FF) && (c & 0xFFFE) != 0xFFFE;
}

void append_hex(uint32_t value, int digits, std::string& out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += hex_digits[value >> shift & 15];
}

}  // namespace

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text.substr(i));
    const uint32_t c = n == 0 ? static_cast<unsigned char>(text[i]) : code_point(text.substr(i, n));
    constexpr std::string_view named = "\a\b\f\n\r\t\v";
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (n > 0 && is_print(c)) {
      out += text.substr(i, n);
    } else if (n == 1 && named.find(text[i]) != named.npos) {
      out += '\\';
      out += "abfnrtv"[named.find(text[i])];
    } else {
      out += n <= 1 ? "\\x" : c <= 0xFFFF ? "\\u" : "\\U";
      append_hex(c, n <= 1 ? 2 : c <= 0xFFFF ? 4 : 8, out);
    }
    i += std::max<std::size_t>(n, 1);
  }
  out += '"';
  return out;
}

std::size_t json_values_max(std::string_view json) {
  std::size_t count = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') in_string = !in_string;
    if (in_string && json[i] == '\\') ++i;
    if (!in_string && (json[i] == ',' || json[i] == '[' || json[i] == '{')) ++count;
  }
  return count;
}

}  // namespace pintle::codec
