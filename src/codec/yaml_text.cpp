// YAML's scalars: plain, quoted and block, with their folding of lines.
#include "codec/json_text.h"
#include "codec/yaml_reader.h"

namespace pintle::codec {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A run of line breaks inside a folded text: one is a space, each further one a line feed.
void append_fold(int breaks, std::string& out) {
  if (breaks == 1) out += ' ';
  if (breaks > 1) out.append(static_cast<std::size_t>(breaks) - 1, '\n');
}

}  // namespace

bool YamlReader::starts_plain(bool in_flow) const {
  const char c = peek();
  if (at_end()) return false;
  if (c == '-') return !(at_ + 1 < text_.size() && (text_[at_ + 1] == ' ' || text_[at_ + 1] == '\t')) && !(blank_at(at_ + 1) && !in_flow);
  if (c == '?' || c == ':') return !in_flow && !blank_at(at_ + 1);
  return !blank_at(at_) && std::string_view(",[]{}#&*!|>'\"%@`").find(c) == std::string_view::npos;
}

bool YamlReader::scalar(int indent, const Properties& properties, bool in_flow, bool one_line) {
  std::string out;
  const bool quoted = peek() == '\'' || peek() == '"';
  if (peek() == '\'') {
    if (!single_quoted(one_line, out)) return false;
  } else if (peek() == '"') {
    if (!double_quoted(one_line, out)) return false;
  } else {
    if (!starts_plain(in_flow)) return fail("no value can start with " + go_quote(text_.substr(at_, 1)));
    if (!plain(indent, in_flow, one_line, out)) return false;
  }
  return builder_.scalar(properties.tag, properties.anchor, out, !quoted);
}

bool YamlReader::plain(int indent, bool in_flow, bool one_line, std::string& out) {
  int breaks = 0;
  std::string blanks;
  for (;;) {
    if (at_document_marker() || peek() == '#') break;
    const std::size_t from = at_;
    while (!blank_at(at_) && !(peek() == ':' && blank_at(at_ + 1)) && !(in_flow && std::string_view(",?[]{}").find(peek()) != std::string_view::npos))
      ++at_;
    if (at_ > from) {
      if (breaks > 0)
        append_fold(breaks, out);
      else
        out += blanks;
      blanks.clear();
      breaks = 0;
      out += text_.substr(from, at_ - from);
    }
    if (at_end() || !blank_at(at_)) break;
    // White space, which counts only if the scalar goes on behind it. What follows a line break is indentation.
    while (!at_end() && blank_at(at_)) {
      if (break_at(at_)) {
        if (one_line) return true;
        take_break();
        ++breaks;
      } else {
        if (breaks > 0 && !in_flow && peek() == '\t' && column() <= indent) return fail("a tab cannot indent");
        if (breaks == 0) blanks += peek();
        ++at_;
      }
    }
    if (!in_flow && breaks > 0 && column() <= indent) break;
  }
  // The ':' that would make a key of what spans lines, or stands where no key may.
  if (!in_flow && !one_line && peek() == ':' && blank_at(at_ + 1) && !at_end() && (breaks == 0 || !first_on_line()))
    return fail("a mapping cannot start here");
  return true;
}

// White space inside quotes: kept within a line, folded at its end.
bool YamlReader::fold_quoted(std::string& out, bool one_line) {
  const std::size_t from = at_;
  while (peek() == ' ' || peek() == '\t') ++at_;
  if (!break_at(at_)) {
    out += text_.substr(from, at_ - from);
    return true;
  }
  if (one_line) return fail("a quoted key must stay on its line");
  int breaks = 0;
  while (!at_end() && (peek() == ' ' || peek() == '\t' || break_at(at_))) {
    if (break_at(at_)) {
      take_break();
      ++breaks;
      if (at_document_marker()) return fail("a document ends inside quotes");
    } else {
      ++at_;
    }
  }
  append_fold(breaks, out);
  return true;
}

bool YamlReader::single_quoted(bool one_line, std::string& out) {
  for (++at_; !at_end();) {
    if (peek() == '\'') {
      ++at_;
      if (peek() != '\'') return true;
      out += '\'';
      ++at_;
    } else if (blank_at(at_)) {
      if (!fold_quoted(out, one_line)) return false;
    } else {
      out += text_[at_++];
    }
  }
  return fail("a quoted text is not closed");
}

bool YamlReader::escape(std::string& out) {
  const char c = peek(1);
  at_ += 2;
  constexpr std::pair<char, std::string_view> named[] = {
      {'0', {"\0", 1}},  {'a', "\a"},           {'b', "\b"},          {'t', "\t"}, {'\t', "\t"}, {'n', "\n"}, {'v', "\v"},  {'f', "\f"},
      {'r', "\r"},       {'e', "\x1B"},         {' ', " "},           {'"', "\""}, {'\'', "'"},  {'/', "/"},  {'\\', "\\"}, {'N', "\xC2\x85"},
      {'_', "\xC2\xA0"}, {'L', "\xE2\x80\xA8"}, {'P', "\xE2\x80\xA9"}};
  for (const auto& [name, meaning] : named) {
    if (c != name) continue;
    out += meaning;
    return true;
  }
  const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  uint32_t code = 0;
  for (int i = 0; i < digits; ++i, ++at_) {
    const int digit = hex_value(peek());
    if (digit < 0) return fail("a bad escape in a quoted text");
    code = code << 4 | static_cast<uint32_t>(digit);
  }
  if (digits == 0 || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return fail("a bad escape in a quoted text");
  append_utf8(code, out);
  return true;
}

bool YamlReader::double_quoted(bool one_line, std::string& out) {
  for (++at_; !at_end();) {
    const char c = peek();
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\' && break_at(at_ + 1)) {
      // An escaped line break joins the lines.
      ++at_;
      take_break();
      while (peek() == ' ' || peek() == '\t') ++at_;
      int breaks = 0;
      while (break_at(at_)) {
        take_break();
        ++breaks;
        while (peek() == ' ' || peek() == '\t') ++at_;
      }
      out.append(static_cast<std::size_t>(breaks), '\n');
    } else if (c == '\\') {
      if (!escape(out)) return false;
    } else if (blank_at(at_)) {
      if (!fold_quoted(out, one_line)) return false;
    } else {
      out += c;
      ++at_;
    }
  }
  return fail("a quoted text is not closed");
}

bool YamlReader::block_scalar(int indent, const Properties& properties) {
  const bool literal = peek() == '|';
  char chomp = '\0';
  int explicit_indent = 0;
  for (++at_; !blank_at(at_); ++at_) {
    if ((peek() == '-' || peek() == '+') && chomp == '\0')
      chomp = peek();
    else if (peek() >= '1' && peek() <= '9' && explicit_indent == 0)
      explicit_indent = peek() - '0';
    else
      return fail("a bad header of a block text");
  }
  while (peek() == ' ' || peek() == '\t') ++at_;
  if (peek() == '#')
    while (!at_end() && !break_at(at_)) ++at_;
  if (!at_end() && !break_at(at_)) return fail("unexpected text behind the header of a block text");
  if (!at_end()) take_break();

  int text_indent = explicit_indent > 0 ? std::max(indent, 0) + explicit_indent : 0;
  std::string out, breaks;  // `breaks`: line ends not yet known to be inside the text
  bool last_was_blank = false, first = true;
  for (;;) {
    // Indentation, and lines of nothing.
    int widest = 0;
    for (;;) {
      while (peek() == ' ' && (text_indent == 0 || column() < text_indent)) ++at_;
      widest = std::max(widest, column());
      if (peek() == '\t' && (text_indent == 0 || column() < text_indent)) return fail("a tab cannot indent");
      if (!break_at(at_)) break;
      take_break();
      breaks += '\n';
    }
    if (text_indent == 0) text_indent = std::max({widest, indent + 1, 1});
    if (at_end() || column() < text_indent || at_document_marker()) break;
    const bool starts_blank = peek() == ' ' || peek() == '\t';
    if (!first) {
      // Folding joins lines of text with a space; lines that start blank, and empty ones, keep their breaks.
      const bool fold = !literal && !last_was_blank && !starts_blank;
      if (!fold)
        out += breaks;
      else if (breaks.size() == 1)
        out += ' ';
      else
        out.append(breaks.size() - 1, '\n');
    } else {
      out += breaks;
    }
    breaks.clear();
    first = false;
    last_was_blank = starts_blank;
    const std::size_t from = at_;
    while (!at_end() && !break_at(at_)) ++at_;
    out += text_.substr(from, at_ - from);
    if (at_end()) break;
    take_break();
    breaks += '\n';
  }
  if (chomp == '+')
    out += breaks;
  else if (chomp == '\0' && !breaks.empty() && !first)
    out += '\n';
  return builder_.scalar(properties.tag.empty() ? "!" : properties.tag, properties.anchor, out, false);
}

}  // namespace pintle::codec
