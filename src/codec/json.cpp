#include "codec/json.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "codec/bounded_json.h"
#include "codec/json_text.h"
#include "codec/path_frame.h"

namespace pintle::codec {

bool number_value(std::string_view literal, Value& out) {
  const char* const end = literal.data() + literal.size();
  if (literal.find('.') == literal.npos) {
    int64_t integer = 0;
    const auto [stop, ec] = std::from_chars(literal.data(), end, integer);
    if (ec == std::errc() && stop == end) {
      out = Value(integer);
      return true;
    }
  }
  double number = 0;
  const auto [stop, ec] = std::from_chars(literal.data(), end, number);
  if (ec == std::errc::result_out_of_range) {
    // Too small is zero, too large is an error. from_chars does not say which; the sign of the decimal exponent does.
    const std::size_t e = literal.find_first_of("eE");
    if (e == literal.npos ? literal.find_first_of("123456789") < literal.find('.') : literal[e + 1] != '-') return false;
    out = Value(literal.front() == '-' ? -0.0 : 0.0);
    return true;
  }
  if (ec != std::errc() || stop != end) return false;
  out = Value(number);
  return true;
}

namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t inline_text_max = 15;  // bytes a std::string holds without memory of its own

std::size_t memory_of_text(std::size_t size) { return size > inline_text_max ? size + 1 : 0; }

struct ValueReader {
  JsonReader& reader;
  Problems* problems;
  std::size_t bytes_left = unlimited;
  bool out_of_range = false;
  bool too_large = false;

  bool take(std::size_t bytes) {
    if (bytes > bytes_left) too_large = true;
    bytes_left -= std::min(bytes, bytes_left);
    return !too_large;
  }

  bool object(Value& out, const PathFrame* at) {
    Value::Object members;
    bool first = true, sorted = true;
    std::string_view key, last;
    if (!reader.enter_object()) return false;
    while (reader.next_key(first, key)) {
      if (members.size() > 0 && key <= last) sorted = false;
      last = key;
      const PathFrame frame{at, key};
      if (!take(sizeof(Value::Object::value_type) + memory_of_text(key.size())) || !value(members.append(key), &frame)) return false;
    }
    if (!reader.ok()) return false;
    if (!sorted) {
      if (problems != nullptr) report(members, at);
      members.sort_unique();
    }
    out = Value(std::move(members));
    return true;
  }

  // In document order, which sorting would lose.
  void report(const Value::Object& members, const PathFrame* at) {
    FlatMap<bool> names;
    for (const auto& [name, unused] : members) names.append(name);
    if (!names.sort_unique()) return;
    for (const auto& [name, unused] : members) {
      bool& seen = names[name];
      if (seen) problems->duplicate_field(at, name);
      seen = true;
    }
  }

  bool array(Value& out, const PathFrame* at) {
    Value::Array items;
    bool first = true;
    if (!reader.enter_array()) return false;
    while (reader.next_element(first)) {
      const PathFrame frame{at, {}, static_cast<int64_t>(items.size())};
      if (!take(sizeof(Value)) || !value(items.emplace_back(), &frame)) return false;
    }
    if (!reader.ok()) return false;
    out = Value(std::move(items));
    return true;
  }

  bool value(Value& out, const PathFrame* at) {
    using Token = JsonReader::Token;
    const Token token = reader.peek();
    switch (token) {
      case Token::Object: return object(out, at);
      case Token::Array: return array(out, at);
      case Token::String: {
        std::string text;
        if (!reader.read_string(text) || !take(memory_of_text(text.size()))) return false;
        out = Value(std::move(text));
        return true;
      }
      case Token::Number: {
        std::string_view literal;
        if (!reader.read_number(literal)) return false;
        out_of_range = !number_value(literal, out);
        return !out_of_range;
      }
      case Token::End: return false;
      default:
        if (!reader.read_literal()) return false;
        out = token == Token::Null ? Value() : Value(token == Token::True);
        return true;
    }
  }
};

}  // namespace

bool read_value(JsonReader& reader, Value& out, Problems* problems, const PathFrame* at) { return ValueReader{reader, problems}.value(out, at); }

Result<Value> parse_json_within(std::size_t bytes_max, std::string_view text, std::vector<std::string>* duplicates) {
  JsonReader reader(text);
  std::vector<std::string> unused;
  Problems problems(duplicates != nullptr ? *duplicates : unused);
  Value value;
  ValueReader values{reader, duplicates != nullptr ? &problems : nullptr, bytes_max};
  if (values.value(value, nullptr) && reader.finish()) return value;
  if (values.too_large)
    return pintle::error(Reason::RequestEntityTooLarge, "the document would take more than " + std::to_string(bytes_max) + " bytes of memory");
  if (values.out_of_range && reader.ok())
    return bad_request("invalid JSON at offset " + std::to_string(reader.offset()) + ": the number is out of range");
  return Unexpected(reader.error());
}

Result<Value> parse_json(std::string_view text, std::vector<std::string>* duplicates) { return parse_json_within(unlimited, text, duplicates); }

std::size_t memory_of(const Value& value) {
  std::size_t bytes = 0;
  if (value.is_string()) bytes = memory_of_text(value.as_string().size());
  if (value.is_array())
    for (const Value& item : value.as_array()) bytes += sizeof(Value) + memory_of(item);
  if (value.is_object())
    for (const auto& [name, member] : value.as_object()) bytes += sizeof(Value::Object::value_type) + memory_of_text(name.size()) + memory_of(member);
  return bytes;
}

int nesting_of(const Value& value) {
  int below = 0;
  if (value.is_array())
    for (const Value& item : value.as_array()) below = std::max(below, nesting_of(item));
  if (value.is_object())
    for (const auto& [name, member] : value.as_object()) below = std::max(below, nesting_of(member));
  return value.is_array() || value.is_object() ? below + 1 : 0;
}

void append_json(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Value::Kind::Null: out += "null"; return;
    case Value::Kind::Bool: out += value.as_bool() ? "true" : "false"; return;
    case Value::Kind::Int: append_json_int(value.as_int(), out); return;
    case Value::Kind::Double: append_json_double(value.as_double(), out); return;
    case Value::Kind::String: append_json_string(value.as_string(), out); return;
    case Value::Kind::Array: {
      char separator = '[';
      for (const Value& item : value.as_array()) {
        out += separator;
        separator = ',';
        append_json(item, out);
      }
      out += separator == '[' ? "[]" : "]";
      return;
    }
    case Value::Kind::Object: {
      char separator = '{';
      for (const auto& [name, member] : value.as_object()) {
        out += separator;
        separator = ',';
        append_json_string(name, out);
        out += ':';
        append_json(member, out);
      }
      out += separator == '{' ? "{}" : "}";
    }
  }
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(value, out);
  return out;
}

std::string to_pretty_json(const Value& value) { return pretty_json(to_json(value)); }

}  // namespace pintle::codec
