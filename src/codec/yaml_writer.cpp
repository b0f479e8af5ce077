// YAML as go-yaml v2 writes it: libyaml's emitter with an indent of two, lists not indented inside mappings, lines
// folded past column 80.
#include <algorithm>

#include "codec/json_text.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

namespace pintle::codec {
namespace {

constexpr std::string_view merge_key = "<<";  // as a plain key it would be read as an instruction; upstream writes it plain

constexpr int indent_step = 2;
constexpr int width_best_columns = 80;
constexpr std::size_t simple_key_max_bytes = 128;

enum class Style : uint8_t { Plain, SingleQuoted, DoubleQuoted, Literal };
enum class Place : uint8_t { Root, Item, Member, SimpleKey };

bool starts_break(std::string_view s, std::size_t i) {
  const std::string_view rest = s.substr(i, 3);
  return rest[0] == '\n' || rest[0] == '\r' || rest.starts_with("\xC2\x85") || rest == "\xE2\x80\xA8" || rest == "\xE2\x80\xA9";
}

bool blank_or_break(std::string_view s, std::size_t i) { return s[i] == ' ' || s[i] == '\t' || s[i] == '\0' || starts_break(s, i); }

// Printable as libyaml sees it: nothing beyond the basic plane, no BOM, no tab.
bool printable(std::string_view s, std::size_t i) {
  const auto c = static_cast<unsigned char>(s[i]);
  const auto next = i + 1 < s.size() ? static_cast<unsigned char>(s[i + 1]) : 0;
  if (c == '\n' || (c >= 0x20 && c <= 0x7E)) return true;
  if (c == 0xC2) return next >= 0xA0;
  if (c == 0xED) return next < 0xA0;
  if (c == 0xEF) return s.substr(i, 3) != "\xEF\xBB\xBF" && s.substr(i, 3) != "\xEF\xBF\xBE" && s.substr(i, 3) != "\xEF\xBF\xBF";
  return (c > 0xC2 && c < 0xED) || c == 0xEE;
}

std::size_t width_of(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u < 0x80 ? 1 : u < 0xE0 ? 2 : u < 0xF0 ? 3 : 4;
}

// Which styles can carry a text.
struct Analysis {
  bool multiline = false;
  bool plain = true, single_quoted = true, block = true;
};

bool block_indicator(std::string_view s, std::size_t i, bool preceded_by_blank) {
  const bool blank_follows = i + width_of(s[i]) >= s.size() || s[i + 1] == ' ' || s[i + 1] == '\t';
  if (i > 0) return (s[i] == ':' && blank_follows) || (s[i] == '#' && preceded_by_blank);
  if (std::string_view("#,[]{}&*!|>'\"%@`").find(s[i]) != std::string_view::npos) return true;
  return (s[i] == '?' || s[i] == ':' || s[i] == '-') && blank_follows;
}

Analysis analyze(std::string_view s) {
  Analysis a;
  if (s.empty()) {
    a.block = false;
    return a;
  }
  bool indicators = s.starts_with("---") || s.starts_with("...");
  bool special = false, edge_space = false, edge_break = false, trailing_space = false, break_space = false, space_break = false;
  bool after_space = false, after_break = false, preceded_by_blank = true;
  for (std::size_t i = 0; i < s.size(); i += width_of(s[i])) {
    indicators |= block_indicator(s, i, preceded_by_blank);
    special |= !printable(s, i);
    const bool last = i + width_of(s[i]) >= s.size();
    const bool space = s[i] == ' ', line_break = !space && starts_break(s, i);
    if (space) {
      edge_space |= i == 0 || last;
      trailing_space |= last;
      break_space |= after_break;
    } else if (line_break) {
      a.multiline = true;
      edge_break |= i == 0 || last;
      space_break |= after_space;
    }
    after_space = space;
    after_break = line_break;
    preceded_by_blank = blank_or_break(s, i);
  }
  a.plain = !(edge_space || edge_break || break_space || space_break || special || a.multiline || indicators);
  a.single_quoted = !(break_space || space_break || special);
  a.block = !(trailing_space || space_break || special);
  return a;
}

class Writer {
 public:
  std::string document(const Value& value) {
    node(value, Place::Root);
    write_indent();
    return std::move(out_);
  }

 private:
  void node(const Value& value, Place place) {
    switch (value.kind()) {
      case Value::Kind::Object: return mapping(value.as_object());
      case Value::Kind::Array: return sequence(value.as_array(), place);
      case Value::Kind::String: return string(value.as_string(), place);
      case Value::Kind::Double: return plain_text(number(value.as_double()));
      default: return plain_text(to_json(value));
    }
  }
  static std::string to_json(const Value& value) {
    if (value.is_null()) return "null";
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    return std::to_string(value.as_int());
  }

  // A double passes through JSON text on its way, where whole numbers lose their point and become integers.
  static std::string number(double value) {
    std::string json;
    append_json_double(value, json);
    if (json.find_first_of(".e") == json.npos && std::abs(value) < 18446744073709551616.0) return json;
    return format_go_g(value);
  }

  void mapping(const Value::Object& members) {
    if (members.empty()) return flow_pair('{', '}');
    std::vector<const Value::Object::value_type*> sorted;
    for (const auto& member : members) sorted.push_back(&member);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return natural_less(a->first, b->first); });
    const int outer = indent_;
    increase_indent(false);
    for (const auto* member : sorted) {
      write_indent();
      const std::string& key = member->first;
      if (key.size() <= simple_key_max_bytes && !analyze(key).multiline) {
        string(key, Place::SimpleKey);
        indicator(":", false, false);
      } else {
        indicator("?", true, true);
        string(key, Place::Member);
        write_indent();
        indicator(":", true, true);
      }
      node(member->second, Place::Member);
    }
    indent_ = outer;
  }

  void sequence(const Value::Array& items, Place place) {
    if (items.empty()) return flow_pair('[', ']');
    const int outer = indent_;
    increase_indent(place == Place::Member && !indention_);
    for (const Value& item : items) {
      write_indent();
      indicator("-", true, true);
      node(item, Place::Item);
    }
    indent_ = outer;
  }

  void increase_indent(bool indentless) {
    if (indent_ < 0)
      indent_ = 0;
    else if (!indentless)
      indent_ += indent_step;
  }

  void flow_pair(char open, char close) {
    if (!whitespace_) put(' ');
    put(open);
    put(close);
    whitespace_ = indention_ = false;
  }

  void string(std::string_view text, Place place) {
    std::string repaired;
    if (!is_valid_utf8(text)) {
      append_valid_utf8(text, repaired);
      text = repaired;
    }
    const Analysis a = analyze(text);
    const int outer = indent_;
    indent_ = indent_ < 0 ? indent_step : indent_ + indent_step;
    switch (style_of(text, a, place == Place::SimpleKey)) {
      case Style::Plain: write_folded(text, '\0', place != Place::SimpleKey); break;
      case Style::SingleQuoted: write_folded(text, '\'', place != Place::SimpleKey); break;
      case Style::DoubleQuoted: write_double_quoted(text, place != Place::SimpleKey); break;
      case Style::Literal: write_literal(text); break;
    }
    indent_ = outer;
  }

  static Style style_of(std::string_view text, const Analysis& a, bool simple_key) {
    Style style = Style::DoubleQuoted;
    if (text.find('\n') != text.npos)
      style = Style::Literal;
    else if (resolve_yaml_scalar(text).tag == YamlTag::String && !is_base60_float(text) && !(simple_key && text == merge_key))
      style = Style::Plain;
    if (simple_key && a.multiline) return Style::DoubleQuoted;
    if (style == Style::Plain && !a.plain) style = Style::SingleQuoted;
    if (style == Style::SingleQuoted && !a.single_quoted) style = Style::DoubleQuoted;
    if (style == Style::Literal && (!a.block || simple_key)) style = Style::DoubleQuoted;
    return style;
  }

  void plain_text(std::string_view text) { write_folded(text, '\0', true); }

  // Plain and single quoted: a space past the best width becomes a line break.
  void write_folded(std::string_view s, char quote, bool allow_breaks) {
    if (quote != '\0')
      indicator({&quote, 1}, true, false);
    else if (!whitespace_)
      put(' ');
    bool spaces = false, breaks = false;
    for (std::size_t i = 0; i < s.size();) {
      const bool next_is_space = i + 1 < s.size() && s[i + 1] == ' ';
      if (s[i] == ' ') {
        const bool inside = quote == '\0' || (i > 0 && i < s.size() - 1);
        if (allow_breaks && !spaces && column_ > width_best_columns && inside && !next_is_space) {
          write_indent();
          ++i;
        } else {
          write(s, i);
        }
        spaces = true;
      } else if (starts_break(s, i)) {
        if (!breaks && s[i] == '\n') put_break();
        write_break(s, i);
        indention_ = breaks = true;
      } else {
        if (breaks) write_indent();
        if (quote != '\0' && s[i] == quote) put(quote);
        write(s, i);
        indention_ = spaces = breaks = false;
      }
    }
    if (quote != '\0') indicator({&quote, 1}, false, false);
    whitespace_ = indention_ = false;
  }

  void write_double_quoted(std::string_view s, bool allow_breaks) {
    const bool all_escaped = s.starts_with("\xEF\xBB\xBF");  // libyaml's port looks for a BOM at the start only
    indicator("\"", true, false);
    bool spaces = false;
    for (std::size_t i = 0; i < s.size();) {
      if (all_escaped || !printable(s, i) || starts_break(s, i) || s[i] == '"' || s[i] == '\\') {
        write_escape(s, i);
        spaces = false;
      } else if (s[i] == ' ') {
        if (allow_breaks && !spaces && column_ > width_best_columns && i > 0 && i < s.size() - 1) {
          write_indent();
          if (s[i + 1] == ' ') put('\\');
          ++i;
        } else {
          write(s, i);
        }
        spaces = true;
      } else {
        write(s, i);
        spaces = false;
      }
    }
    indicator("\"", false, false);
    whitespace_ = indention_ = false;
  }

  void write_escape(std::string_view s, std::size_t& i) {
    const std::size_t n = width_of(s[i]);
    uint32_t c = static_cast<unsigned char>(s[i]);
    if (n > 1) {
      c &= 0xFFu >> (n + 1);
      for (std::size_t k = 1; k < n; ++k) c = c << 6 | (static_cast<unsigned char>(s[i + k]) & 0x3Fu);
    }
    i += n;
    put('\\');
    constexpr std::pair<uint32_t, char> named[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                                                   {11, 'v'},    {12, 'f'},   {13, 'r'},   {0x1B, 'e'},   {0x22, '"'},
                                                   {0x5C, '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (const auto& [code, name] : named)
      if (c == code) return put(name);
    const int digits = c <= 0xFF ? 2 : c <= 0xFFFF ? 4 : 8;
    put(digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) put("0123456789ABCDEF"[c >> shift & 15]);
  }

  void write_literal(std::string_view s) {
    indicator("|", true, false);
    if (s[0] == ' ' || starts_break(s, 0)) indicator("2", false, false);
    write_chomping(s);
    put_break();
    indention_ = whitespace_ = true;
    bool breaks = true;
    for (std::size_t i = 0; i < s.size();) {
      if (starts_break(s, i)) {
        write_break(s, i);
        indention_ = breaks = true;
      } else {
        if (breaks) write_indent();
        write(s, i);
        indention_ = breaks = false;
      }
    }
  }

  // "-": no line break at the end; "+": more than one.
  void write_chomping(std::string_view s) {
    const auto back = [&](std::size_t i) {
      while ((s[i] & 0xC0) == 0x80) --i;
      return i;
    };
    const std::size_t last = back(s.size() - 1);
    if (!starts_break(s, last))
      indicator("-", false, false);
    else if (last == 0 || starts_break(s, back(last - 1)))
      indicator("+", false, false);
  }

  void write_indent() {
    const int indent = std::max(indent_, 0);
    if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) put_break();
    while (column_ < indent) put(' ');
    whitespace_ = indention_ = true;
  }

  void indicator(std::string_view text, bool need_space, bool is_indention) {
    if (need_space && !whitespace_) put(' ');
    for (char c : text) put(c);
    whitespace_ = false;
    indention_ = indention_ && is_indention;
  }

  void put(char c) {
    out_ += c;
    ++column_;
  }
  void put_break() {
    out_ += '\n';
    column_ = 0;
  }
  // One character of however many bytes.
  void write(std::string_view s, std::size_t& i) {
    const std::size_t n = width_of(s[i]);
    out_ += s.substr(i, n);
    ++column_;
    i += n;
  }
  void write_break(std::string_view s, std::size_t& i) {
    if (s[i] == '\n') {
      put_break();
      ++i;
      return;
    }
    write(s, i);
    column_ = 0;
  }

  // go-yaml's order of keys: letters after everything else, runs of digits by their value.
  static bool natural_less(std::string_view a, std::string_view b);

  std::string out_;
  int column_ = 0;
  int indent_ = -1;
  bool whitespace_ = true;  // the last character was white space
  bool indention_ = true;   // the line holds nothing but indentation and indicators
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Of the character that starts at s[i] (or goes on there: equal so far, two keys part inside it). Beyond ASCII nearly
// all is letters; the blocks of symbols, punctuation and spaces that keys may hold are left out.
bool is_letter(std::string_view s, std::size_t i) {
  const char c = s[i];
  if (static_cast<signed char>(c) >= 0) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const std::string_view two = s.substr(i, 2);
  if (c == '\xC2') return two == "\xC2\xAA" || two == "\xC2\xB5" || two == "\xC2\xBA";
  if (c == '\xE2') return two >= "\xE2\xB0";
  return c != '\xF0' && two != "\xC3\x97" && two != "\xC3\xB7" && two != "\xEF\xBB";
}

bool Writer::natural_less(std::string_view a, std::string_view b) {
  const std::size_t n = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (a[i] == b[i]) continue;
    const bool a_letter = is_letter(a, i), b_letter = is_letter(b, i);
    if (a_letter && b_letter) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
    if (a_letter || b_letter) return b_letter;
    uint64_t a_number = 0, b_number = 0;
    if (a[i] == '0' || b[i] == '0') {
      // A zero inside a number that began before does not start one.
      for (std::size_t j = i; j-- > 0 && is_digit(a[j]);)
        if (a[j] != '0') {
          a_number = b_number = 1;
          break;
        }
    }
    std::size_t ai = i, bi = i;
    for (; ai < a.size() && is_digit(a[ai]); ++ai) a_number = a_number * 10 + static_cast<uint64_t>(a[ai] - '0');
    for (; bi < b.size() && is_digit(b[bi]); ++bi) b_number = b_number * 10 + static_cast<uint64_t>(b[bi] - '0');
    // Wrapping at 64 bits, compared as Go's int64.
    if (a_number != b_number) return static_cast<int64_t>(a_number) < static_cast<int64_t>(b_number);
    if (ai != bi) return ai < bi;
    return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
  }
  return a.size() < b.size();
}

}  // namespace

std::string to_yaml(const Value& value) { return Writer().document(value); }

}  // namespace pintle::codec
