// The block side of YAML: documents, lists and mappings by indentation.
#include "codec/yaml_reader.h"

#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/yaml.h"

namespace pintle::codec {
namespace {
constexpr std::size_t implicit_key_max_bytes = 1024;  // YAML's own limit
constexpr std::size_t lookahead_bytes_min = 1 << 20;  // so many may be looked at in any text, before its length counts
}  // namespace

bool YamlReader::fail(std::string what) {
  if (message_.empty()) message_ = "invalid YAML at line " + std::to_string(line_) + ": " + what;
  return false;
}

std::string YamlReader::error() const {
  return message_.empty() ? "invalid YAML at line " + std::to_string(line_) + ": " + builder_.message() : message_;
}

void YamlReader::take_break() {
  at_ += text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
  line_start_ = at_;
  ++line_;
}

bool YamlReader::skip(bool& crossed, bool in_flow) {
  crossed = false;
  for (;;) {
    while (peek() == ' ' || (peek() == '\t' && (in_flow || !first_on_line()))) ++at_;
    if (peek() == '\t' && !in_flow) {
      // Only a line of nothing else may start with a tab.
      const std::size_t stop = text_.find_first_not_of(" \t", at_);
      if (stop != text_.npos && !break_at(stop) && text_[stop] != '#') return fail("a tab cannot indent");
      at_ = std::min(stop, text_.size());
    }
    if (peek() == '#')
      while (!at_end() && !break_at(at_)) ++at_;
    if (at_end() || !break_at(at_)) return true;
    take_break();
    crossed = true;
  }
}

bool YamlReader::directives() {
  bool crossed = false, any = false;
  for (;;) {
    if (!skip(crossed)) return false;
    if (at_end() || peek() != '%' || at_ != line_start_) break;
    const std::string_view line = text_.substr(at_, text_.find_first_of("\r\n", at_) - at_);
    if (!line.starts_with("%YAML 1.") && !line.starts_with("%TAG ")) return fail("an unknown directive");
    at_ += line.size();
    any = true;
  }
  if (any && !at_marker("---")) return fail("a directive must be followed by ---");
  return true;
}

bool YamlReader::document() {
  if (text_.starts_with("\xEF\xBB\xBF")) line_start_ = at_ = 3;
  if (!directives()) return false;
  bool crossed = false;
  Place place;
  if (at_marker("---")) {
    at_ += 3;
    place.block_allowed = false;  // on the marker's own line
  } else if (at_marker("...")) {
    return fail("a document cannot start with its end");
  }
  if (!node(place) || !skip(crossed) || !message_.empty()) return false;
  if (at_end() || at_document_marker()) return true;
  return fail("unexpected " + go_quote(text_.substr(at_, 1)));
}

bool YamlReader::read_name(std::string& out) {
  const std::size_t from = ++at_;
  while (!at_end() && (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_' || peek() == '-')) ++at_;
  out = text_.substr(from, at_ - from);
  if (out.empty() || !(blank_at(at_) || std::string_view("?:,]}%@`").find(peek()) != std::string_view::npos))
    return fail("a bad anchor or alias name");
  return true;
}

bool YamlReader::read_properties(Properties& out, bool in_flow) {
  for (;;) {
    if (peek() != '&' && peek() != '!') return true;
    if (!out.any) out.at = at_;
    if (peek() == '&') {
      if (!out.anchor.empty()) return fail("two anchors on one value");
      if (!read_name(out.anchor)) return false;
    } else {
      if (!out.tag.empty()) return fail("two tags on one value");
      const std::size_t from = at_;
      while (!blank_at(at_) && !(in_flow && std::string_view(",[]{}").find(peek()) != std::string_view::npos)) ++at_;
      out.tag = text_.substr(from, at_ - from);
      constexpr std::string_view verbatim = "!<tag:yaml.org,2002:";
      if (out.tag.starts_with(verbatim) && out.tag.ends_with('>'))
        out.tag = "!!" + out.tag.substr(verbatim.size(), out.tag.size() - verbatim.size() - 1);
    }
    out.any = true;
    bool crossed = false;
    if (!skip(crossed, in_flow)) return false;
    if (!crossed) continue;
    out.same_line = false;
    return true;
  }
}

// Whether what starts here is a key: one line, closed, and a ':' behind it. Lists inside lists are looked through again at each level.
bool YamlReader::implicit_key(std::size_t i, bool in_flow) {
  const std::size_t from = i;
  const bool found = find_key_sign(i, in_flow);
  looked_ahead_ += i - from;
  if (looked_ahead_ > lookahead_bytes_min + text_.size() * yaml_lookaheads_max)
    return fail("too many lists and mappings inside one another on one line");
  return found;
}

// Moves `i` as far as it has to look.
bool YamlReader::find_key_sign(std::size_t& i, bool in_flow) const {
  const std::size_t limit = std::min(text_.size(), i + implicit_key_max_bytes);
  int depth = 0;
  const char first = text_[i];
  const bool quoted = first == '"' || first == '\'', flow = first == '[' || first == '{';
  for (bool start = true; i < limit && !break_at(i); start = false) {
    const char c = text_[i];
    if ((c == '"' || c == '\'') && (start || (flow && depth > 0))) {
      for (++i; i < limit && !break_at(i); ++i) {
        const bool doubled = c == '\'' && text_.substr(i, 2) == "''";
        if (doubled || (c == '"' && text_[i] == '\\'))
          ++i;
        else if (text_[i] == c)
          break;
      }
      if (i >= limit || break_at(i)) return false;
      ++i;
      if (quoted && depth == 0) break;
      continue;
    }
    if (flow) {
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      ++i;
      if (depth == 0) break;
      continue;
    }
    if (c == ':' && blank_at(i + 1)) return true;
    if (in_flow && std::string_view(",[]{}").find(c) != std::string_view::npos) return false;
    if (c == '#' && !start && (text_[i - 1] == ' ' || text_[i - 1] == '\t')) return false;
    ++i;
  }
  if (!quoted && !flow) return false;
  while (i < limit && (text_[i] == ' ' || text_[i] == '\t')) ++i;
  return i < limit && text_[i] == ':' && (in_flow || blank_at(i + 1));
}

bool YamlReader::node(Place place) {
  if (!message_.empty()) return false;
  if (++depth_ > nesting_max + 1) return fail("nested deeper than " + std::to_string(nesting_max) + " levels");
  bool crossed = false;
  if (!skip(crossed)) return false;
  if (crossed) place.block_allowed = true;
  builder_.at_line(line_);
  const auto outside = [&] {
    const bool list_at_parent = place.mapping_value && column() == place.indent && indicator('-');
    return at_end() || at_document_marker() || (crossed && column() <= place.indent && !list_at_parent);
  };
  bool done = false;
  if (outside()) {
    done = builder_.scalar("", "", "", true);
  } else {
    Properties properties;
    const std::size_t first = at_;
    if (!read_properties(properties, false)) return false;
    if (properties.any && !properties.same_line) {
      crossed = true;
      place.block_allowed = true;
    }
    if (properties.any && outside()) {
      done = builder_.scalar(properties.tag, properties.anchor, "", true);
    } else {
      properties.at = properties.any ? properties.at : first;
      builder_.at_line(line_);
      done = block_content(place, std::move(properties));
    }
  }
  --depth_;
  return done;
}

bool YamlReader::block_content(Place place, Properties properties) {
  const char c = peek();
  const int here = column();
  if (indicator('-')) {
    if (!place.block_allowed || (properties.any && properties.same_line)) return fail("a list cannot start here");
    return block_list(here, properties);
  }
  if (indicator('?') || indicator(':')) {
    if (!place.block_allowed || (properties.any && properties.same_line)) return fail("a mapping cannot start here");
    return block_map(here, properties, {});
  }
  if (c == '|' || c == '>') return block_scalar(place.indent, properties);
  if (implicit_key(at_)) {
    if (!place.block_allowed) return fail("a mapping cannot start here");
    // Properties on the key's line are the key's; those above it are the mapping's.
    if (properties.any && properties.same_line) return block_map(static_cast<int>(properties.at - line_start_), {}, properties);
    return block_map(here, properties, {});
  }
  if (c == '[' || c == '{') return c == '[' ? flow_list(properties) : flow_map(properties);
  if (c == '*') {
    if (properties.any) return fail("an alias has no anchor and no tag");
    std::string name;
    return read_name(name) && builder_.alias(name);
  }
  return scalar(place.indent, properties, false, false);
}

// Behind one entry of a block collection at `column`: is there another?
bool YamlReader::next_entry(int column_wanted, bool& more) {
  bool crossed = false;
  if (!skip(crossed)) return false;
  more = false;
  if (at_end() || at_document_marker()) return true;
  if (!first_on_line()) return fail("unexpected " + go_quote(text_.substr(at_, 1)) + " behind a value");
  if (column() > column_wanted) return fail("an entry is indented too far");
  more = column() == column_wanted;
  return true;
}

bool YamlReader::block_list(int list_column, const Properties& properties) {
  if (!builder_.open_list(properties.anchor)) return false;
  for (bool more = true; more;) {
    ++at_;
    if (!node({list_column, true, false}) || !next_entry(list_column, more)) return false;
    more = more && indicator('-');  // else the mapping around goes on
  }
  return builder_.close();
}

bool YamlReader::block_key(const Properties& properties) {
  if (peek() == '*') {
    if (properties.any) return fail("an alias has no anchor and no tag");
    std::string name;
    return read_name(name) && builder_.alias(name);
  }
  if (peek() == '[' || peek() == '{') return fail("a list or a mapping cannot be a key");
  return scalar(-1, properties, false, true);
}

bool YamlReader::block_map(int map_column, const Properties& outer, const Properties& first_key) {
  if (!builder_.open_map(outer.anchor)) return false;
  Properties key = first_key;
  bool crossed = false;
  for (bool more = true; more;) {
    bool has_value = true;
    if (indicator('?')) {
      ++at_;
      if (!node({map_column, true, true}) || !next_entry(map_column, more)) return false;
      has_value = more && indicator(':');
      if (has_value) ++at_;
      if (has_value ? !node({map_column, true, true}) : !builder_.scalar("", "", "", true)) return false;
      if (!has_value) continue;
    } else {
      if (!key.any && !read_properties(key, false)) return false;
      if (at_end() || !implicit_key(at_)) return fail("expected a key followed by ':'");
      if (!block_key(key) || !skip(crossed)) return false;
      if (crossed || !indicator(':')) return fail("expected ':' behind a key");
      ++at_;
      if (!node({map_column, false, true})) return false;
    }
    key = {};
    if (!next_entry(map_column, more)) return false;
  }
  return builder_.close();
}

}  // namespace pintle::codec
