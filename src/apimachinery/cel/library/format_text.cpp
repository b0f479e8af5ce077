#include "apimachinery/cel/library/format_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/text.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr int default_precision = 6, formatted_depth_max = 100;
constexpr std::size_t formatted_bytes_max = 16 << 20;

std::string number_text(double v, std::chars_format how, int precision) {
  std::array<char, 1500> buffer{};
  const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, how, precision);
  return std::string(buffer.data(), end);
}
std::string in_base(uint64_t v, int base) {
  std::array<char, 70> buffer{};
  const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, base);
  return std::string(buffer.data(), end);
}
std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}
// 1,234,567.5
std::string grouped(std::string text) {
  const std::size_t begin = text.starts_with('-') ? 1 : 0;
  std::size_t at = std::min(text.find('.'), text.size());
  while (at > begin + 3) text.insert(at -= 3, ",");
  return text;
}
// 1.5e+03 as 1.5×10⁰³
std::string with_superscript(const std::string& text) {
  static constexpr std::array<std::string_view, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  const std::size_t e = text.find('e');
  std::string out = text.substr(0, e) + "×10";
  for (const char c : text.substr(e + 1))
    if (c == '-') {
      out += "⁻";
    } else if (c != '+') {
      out += digits[static_cast<std::size_t>(c - '0')];
    }
  return out;
}

class Formatter {
 public:
  Formatter(const List& args, bool latest, Arena& arena, std::string& out, std::string& error)
      : args_(args), latest_(latest), arena_(arena), out_(out), error_(error) {}

  bool run(std::string_view format) {
    std::size_t index = 0;
    for (std::size_t at = 0; at < format.size();) {
      if (out_.size() > formatted_bytes_max) return fail("the text is too large");
      if (format[at] != '%') {
        out_ += format[at++];
        continue;
      }
      if (at + 1 < format.size() && format[at + 1] == '%') {
        out_ += '%';
        at += 2;
        continue;
      }
      if (index >= args_.size()) return fail("index " + std::to_string(index) + " out of range");
      if (at + 1 >= format.size()) return fail("unexpected end of string");
      const Value v = args_.at(index++, arena_);
      if (v.is_error()) return fail(std::string(v.as_error().message));
      ++at;
      if (!clause(format, at, v)) return false;
    }
    return true;
  }

 private:
  bool fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
    return false;
  }
  bool wrong(std::string_view only, const Value& v) {
    return fail("error during formatting: " + std::string(only) + ", was given " + std::string(type_of(v).name));
  }

  bool clause(std::string_view format, std::size_t& at, const Value& v) {
    int precision = default_precision;
    if (format[at] == '.') {
      const std::size_t from = ++at;
      while (at < format.size() && format[at] >= '0' && format[at] <= '9') ++at;
      if (at >= format.size())
        return fail("could not parse formatting clause: error while parsing precision: could not find end of precision specifier");
      const auto [end, failure] = std::from_chars(format.data() + from, format.data() + at, precision);
      if (failure != std::errc() || precision > format_precision_max)
        return fail("could not parse formatting clause: error while parsing precision: error while converting precision to integer");
    }
    const char kind = format[at];
    switch (kind) {
      case 's': ++at; return as_string(v, out_, 0, false);
      case 'd': ++at; return decimal(v);
      case 'f': ++at; return fixed(v, precision);
      case 'e': ++at; return scientific(v, precision);
      case 'b': ++at; return binary(v);
      case 'x':
      case 'X': ++at; return hexadecimal(v, kind == 'X');
      case 'o': ++at; return octal(v);
      default: {
        const std::size_t from = at;
        next_code_point(format, at);
        return fail("could not parse formatting clause: unrecognized formatting clause \"" + std::string(format.substr(from, at - from)) + "\"");
      }
    }
  }

  // `nested`: in a list or map, where version 2 writes what could be read again.
  bool as_string(const Value& v, std::string& out, int depth, bool nested) {
    using Kind = Value::Kind;
    if (depth > formatted_depth_max || out.size() > formatted_bytes_max) return fail("the value is nested too deep or too large");
    const bool literal = nested && !latest_;
    switch (v.kind()) {
      case Kind::Null:
      case Kind::Bool:
      case Kind::Int:
      case Kind::Uint: out += scalar_text(v); return true;
      case Kind::String: out += literal ? quoted_for_cel(v.text()) : std::string(v.text()); return true;
      case Kind::Bytes:
        if (latest_) {
          out += v.text();
        } else if (!codec::is_valid_utf8(v.text())) {
          return fail("error during formatting: could not convert argument to string");
        } else {
          out += literal ? "b" + quoted_for_cel(v.text()) : std::string(v.text());
        }
        return true;
      case Kind::Double: out += double_as_string(v.as_double(), literal); return true;
      case Kind::Timestamp: out += literal ? "timestamp(\"" + scalar_text(v) + "\")" : scalar_text(v); return true;
      case Kind::Duration: out += literal ? "duration(\"" + scalar_text(v) + "\")" : scalar_text(v); return true;
      case Kind::Type: out += v.as_type().name; return true;
      case Kind::List: return list(v.as_list(), out, depth);
      case Kind::Map:
        if (!v.as_map().object_type()) return map(v.as_map(), out, depth);
        [[fallthrough]];
      default:
        return wrong("string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", v);
    }
  }
  std::string double_as_string(double v, bool literal) const {
    if (latest_) {
      if (std::isnan(v)) return "NaN";
      if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
      std::array<char, 400> buffer{};
      const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, std::chars_format::fixed);
      return std::string(buffer.data(), end);
    }
    if (!literal) return double_text(v);
    if (std::isnan(v) || std::isinf(v)) return '"' + double_text(v) + '"';
    return number_text(v, std::chars_format::fixed, default_precision);
  }
  bool list(const List& list, std::string& out, int depth) {
    out += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += ", ";
      if (!as_string(list.at(i, arena_), out, depth + 1, true)) return false;
    }
    out += ']';
    return true;
  }
  bool map(const Map& map, std::string& out, int depth) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (std::size_t i = 0; i < map.size(); ++i) {
      auto& [key, value] = entries.emplace_back();
      if (!as_string(map.key_at(i, arena_), key, depth + 1, true)) return false;
      if (!as_string(map.value_at(i, arena_), value, depth + 1, true)) return false;
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    out += '{';
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out += ", ";
      out += entries[i].first + (latest_ ? ": " : ":") + entries[i].second;
    }
    out += '}';
    return true;
  }

  bool decimal(const Value& v) {
    if (latest_ && v.is(Value::Kind::Double)) {
      if (!std::isfinite(v.as_double())) {
        out_ += double_as_string(v.as_double(), false);
        return true;
      }
    }
    if (!v.is(Value::Kind::Int) && !v.is(Value::Kind::Uint)) return wrong("decimal clause can only be used on integers", v);
    out_ += scalar_text(v);
    return true;
  }

  // A double, or a text that names what no digits can write. false: neither.
  bool number_of(const Value& v, double& number) const {
    if (v.is(Value::Kind::Double)) {
      number = v.as_double();
    } else if (latest_ && v.is(Value::Kind::Int)) {
      number = static_cast<double>(v.as_int());
    } else if (latest_ && v.is(Value::Kind::Uint)) {
      number = static_cast<double>(v.as_uint());
    } else if (v.is(Value::Kind::String) && (v.text() == "NaN" || v.text() == "Infinity" || v.text() == "-Infinity")) {
      number = *parse_double(v.text());
    } else {
      return false;
    }
    return true;
  }
  bool not_finite(double number) {
    if (std::isfinite(number)) return false;
    if (latest_) {
      out_ += double_as_string(number, false);
    } else {
      out_ += std::isnan(number) ? "NaN" : number < 0 ? "-∞" : "∞";
    }
    return true;
  }
  bool fixed(const Value& v, int precision) {
    double number = 0;
    if (!number_of(v, number)) return wrong("fixed-point clause can only be used on doubles", v);
    if (not_finite(number)) return true;
    const std::string text = number_text(number, std::chars_format::fixed, precision);
    out_ += latest_ ? text : grouped(text);
    return true;
  }
  bool scientific(const Value& v, int precision) {
    double number = 0;
    if (!number_of(v, number)) return wrong("scientific clause can only be used on doubles", v);
    if (not_finite(number)) return true;
    const std::string text = number_text(number, std::chars_format::scientific, precision);
    out_ += latest_ ? text : with_superscript(text);
    return true;
  }

  bool whole(const Value& v, int base, bool upper_case) {
    if (v.is(Value::Kind::Uint)) {
      out_ += upper_case ? upper(in_base(v.as_uint(), base)) : in_base(v.as_uint(), base);
      return true;
    }
    const int64_t number = v.as_int();
    const uint64_t magnitude = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    if (number < 0) out_ += '-';
    out_ += upper_case ? upper(in_base(magnitude, base)) : in_base(magnitude, base);
    return true;
  }
  bool binary(const Value& v) {
    if (v.is(Value::Kind::Bool)) {
      out_ += v.as_bool() ? '1' : '0';
      return true;
    }
    if (!v.is(Value::Kind::Int) && !v.is(Value::Kind::Uint)) return wrong("only integers and bools can be formatted as binary", v);
    return whole(v, 2, false);
  }
  bool octal(const Value& v) {
    if (!v.is(Value::Kind::Int) && !v.is(Value::Kind::Uint)) return wrong("octal clause can only be used on integers", v);
    return whole(v, 8, false);
  }
  bool hexadecimal(const Value& v, bool upper_case) {
    if (v.is(Value::Kind::Int) || v.is(Value::Kind::Uint)) return whole(v, 16, upper_case);
    if (!v.is(Value::Kind::String) && !v.is(Value::Kind::Bytes)) return wrong("only integers, byte buffers, and strings can be formatted as hex", v);
    constexpr std::string_view lower_digits = "0123456789abcdef", upper_digits = "0123456789ABCDEF";
    const std::string_view digits = upper_case ? upper_digits : lower_digits;
    for (const char c : v.text()) {
      out_ += digits[static_cast<unsigned char>(c) >> 4];
      out_ += digits[static_cast<unsigned char>(c) & 15];
    }
    return true;
  }

  const List& args_;
  bool latest_;
  Arena& arena_;
  std::string& out_;
  std::string& error_;
};

}  // namespace

bool format_text(std::string_view format, const List& args, bool latest, Arena& arena, std::string& out, std::string& error) {
  return Formatter(args, latest, arena, out, error).run(format);
}

namespace {

struct Clause {
  char kind;
  std::string_view complaint;
  bool (*fits)(TypeKind kind);
};
bool is_whole(TypeKind kind) { return kind == TypeKind::Int || kind == TypeKind::Uint; }
constexpr Clause clauses[] = {
    {'d', "decimal clause can only be used on integers", is_whole},
    {'f', "fixed-point clause can only be used on doubles", [](TypeKind k) { return k == TypeKind::Double || k == TypeKind::String; }},
    {'e', "scientific clause can only be used on doubles", [](TypeKind k) { return k == TypeKind::Double || k == TypeKind::String; }},
    {'b', "only integers and bools can be formatted as binary", [](TypeKind k) { return is_whole(k) || k == TypeKind::Bool; }},
    {'x', "only integers, byte buffers, and strings can be formatted as hex",
     [](TypeKind k) { return is_whole(k) || k == TypeKind::String || k == TypeKind::Bytes; }},
    {'X', "only integers, byte buffers, and strings can be formatted as hex",
     [](TypeKind k) { return is_whole(k) || k == TypeKind::String || k == TypeKind::Bytes; }},
    {'o', "octal clause can only be used on integers", is_whole},
    {'s', "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
     [](TypeKind k) { return k != TypeKind::Opaque && k != TypeKind::Struct; }}};

}  // namespace

std::string check_format(std::string_view format, std::span<const TypeRef> args, std::size_t& argument) {
  std::size_t index = 0;
  argument = args.size();
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') continue;
    if (++at < format.size() && format[at] == '%') continue;
    if (index >= args.size()) return "index " + std::to_string(index) + " out of range";
    if (at >= format.size()) return "unexpected end of string";
    if (format[at] == '.') {
      at = format.find_first_not_of("0123456789", at + 1);
      if (at == std::string_view::npos)
        return "could not parse formatting clause: error while parsing precision: could not find end of precision specifier";
    }
    const auto clause = std::find_if(std::begin(clauses), std::end(clauses), [&](const Clause& one) { return one.kind == format[at]; });
    if (clause == std::end(clauses))
      return "could not parse formatting clause: unrecognized formatting clause \"" + std::string(1, format[at]) + "\"";
    const TypeRef type = args[index++];
    if (type->kind != TypeKind::Dyn && !clause->fits(type->kind)) {
      argument = index - 1;
      return "error during formatting: " + std::string(clause->complaint) + ", was given " + std::string(type->name);
    }
  }
  if (index == args.size()) return {};
  return "too many arguments supplied to string.format (expected " + std::to_string(index) + ", got " + std::to_string(args.size()) + ")";
}

std::string quoted_for_cel(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    switch (const uint32_t c = next_code_point(text, at)) {
      case '\a': out += "\\a"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\v': out += "\\v"; break;
      case '\\': out += "\\\\"; break;
      case '"': out += "\\\""; break;
      default: codec::append_utf8(c, out);
    }
  }
  return out + '"';
}

}  // namespace pintle::apimachinery::cel
