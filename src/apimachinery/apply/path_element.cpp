#include "apimachinery/apply/path_element.h"

#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/parse_number.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::path_element {
namespace {

using codec::Value;

// Kinds of value in upstream's order.
enum ValueTag : char { number_tag = 1, string_tag = 2, bool_tag = 3, json_tag = 4, null_tag = 5 };

// Zero bytes end a string; one inside is followed by 0xff, so that order and length survive.
void append_string(std::string& out, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) {
    out += text;
  } else {
    for (const char c : text) {
      out += c;
      if (c == '\0') out += '\xff';
    }
  }
  out.append("\0\x01", 2);
}

std::string take_string(std::string_view& in) {
  std::string out;
  while (!in.empty()) {
    const char c = in.front();
    in.remove_prefix(1);
    if (c != '\0') {
      out += c;
      continue;
    }
    const bool escaped = !in.empty() && in.front() == '\xff';
    if (!in.empty()) in.remove_prefix(1);
    if (!escaped) break;
    out += c;
  }
  return out;
}

void append_big_endian(std::string& out, uint64_t bits) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift);
}

uint64_t take_big_endian(std::string_view& in) {
  uint64_t bits = 0;
  for (int i = 0; i < 8 && !in.empty(); ++i) {
    bits = bits << 8 | static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
  }
  return bits;
}

// Integers keep all their bits after the double that orders them among the fractions.
void append_number(std::string& out, const Value& value) {
  uint64_t bits = std::bit_cast<uint64_t>(value.as_double());
  bits = bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
  append_big_endian(out, bits);
  out += value.is_int() ? '\1' : '\2';
  append_big_endian(out, value.is_int() ? static_cast<uint64_t>(value.as_int()) ^ (uint64_t{1} << 63) : std::bit_cast<uint64_t>(value.as_double()));
}

Value take_number(std::string_view& in) {
  take_big_endian(in);
  const bool integer = !in.empty() && in.front() == '\1';
  if (!in.empty()) in.remove_prefix(1);
  const uint64_t bits = take_big_endian(in);
  if (integer) return static_cast<int64_t>(bits ^ (uint64_t{1} << 63));
  return std::bit_cast<double>(bits);
}

void append_value(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Int:
    case Value::Kind::Double:
      out += number_tag;
      append_number(out, value);
      return;
    case Value::Kind::String:
      out += string_tag;
      append_string(out, value.as_string());
      return;
    case Value::Kind::Bool:
      out += bool_tag;
      out += value.as_bool() ? '\1' : '\0';
      return;
    case Value::Kind::Null: out += null_tag; return;
    case Value::Kind::Array:
    case Value::Kind::Object:
      out += json_tag;
      append_string(out, codec::to_json(value));
      return;
  }
}

// The JSON of the value that `in` starts with.
void take_json(std::string_view& in, std::string& out) {
  const char tag = in.empty() ? static_cast<char>(null_tag) : in.front();
  if (!in.empty()) in.remove_prefix(1);
  switch (tag) {
    case number_tag: codec::append_json(take_number(in), out); return;
    case string_tag: codec::append_json_string(take_string(in), out); return;
    case json_tag: out += take_string(in); return;
    case bool_tag:
      out += !in.empty() && in.front() == '\1' ? "true" : "false";
      if (!in.empty()) in.remove_prefix(1);
      return;
    default: out += "null";
  }
}

}  // namespace

std::string field(std::string_view name) {
  std::string element;
  element.reserve(name.size() + 1);
  element += field_tag;
  element += name;
  return element;
}

std::string value(const Value& value) {
  std::string element(1, value_tag);
  append_value(element, value);
  return element;
}

std::string index(uint64_t index) {
  std::string element(1, index_tag);
  append_big_endian(element, index);
  return element;
}

std::string begin_keys() { return std::string(1, keys_tag); }

void add_key(std::string& element, std::string_view name, const Value& value) {
  append_string(element, name);
  append_value(element, value);
}

void add_key(std::string& element, std::string_view name, std::string_view text) {
  append_string(element, name);
  element += string_tag;
  append_string(element, text);
}

void append_text(std::string_view element, std::string& out) {
  CHECK(!element.empty(), "a path element has a tag");
  std::string_view rest = element.substr(1);
  switch (element.front()) {
    case field_tag:
      out += "f:";
      out += rest;
      return;
    case value_tag:
      out += "v:";
      take_json(rest, out);
      return;
    case index_tag:
      out += "i:";
      out += std::to_string(take_big_endian(rest));
      return;
    default: break;
  }
  out += "k:{";
  for (bool first = true; !rest.empty(); first = false) {
    if (!first) out += ',';
    codec::append_json_string(take_string(rest), out);
    out += ':';
    take_json(rest, out);
  }
  out += '}';
}

std::optional<std::string> parse_text(std::string_view text) {
  if (text.size() < 2 || text[1] != ':') return std::nullopt;
  const std::string_view rest = text.substr(2);
  if (text[0] == 'f') return field(rest);
  if (text[0] == 'i') {
    const auto number = parse_number<uint64_t>(rest);
    if (!number) return std::nullopt;
    return index(*number);
  }
  if (text[0] != 'k' && text[0] != 'v') return std::nullopt;
  const auto parsed = codec::parse_json(rest);
  if (!parsed) return std::nullopt;
  if (text[0] == 'v') return value(*parsed);
  if (!parsed->is_object()) return std::nullopt;
  std::string element = begin_keys();
  for (const auto& [name, key] : parsed->as_object()) add_key(element, name, key);
  return element;
}

void append_path(std::string_view element, std::string& out) {
  CHECK(!element.empty(), "a path element has a tag");
  std::string_view rest = element.substr(1);
  if (element.front() == field_tag) {
    out += '.';
    out += rest;
    return;
  }
  out += '[';
  if (element.front() == index_tag) {
    out += std::to_string(take_big_endian(rest));
  } else if (element.front() == value_tag) {
    out += '=';
    take_json(rest, out);
  } else {
    for (bool first = true; !rest.empty(); first = false) {
      if (!first) out += ',';
      out += take_string(rest);
      out += '=';
      take_json(rest, out);
    }
  }
  out += ']';
}

}  // namespace pintle::apimachinery::path_element
