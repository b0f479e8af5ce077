// The flow side of YAML: [lists] and {mappings}, where indentation means nothing.
#include "codec/limits.h"
#include "codec/yaml.h"
#include "codec/yaml_reader.h"

namespace pintle::codec {

bool YamlReader::flow_node() {
  if (!message_.empty()) return false;
  if (++depth_ > nesting_max + 1) return fail("nested deeper than " + std::to_string(nesting_max) + " levels");
  Properties properties;
  if (!read_properties(properties, true)) return false;
  builder_.at_line(line_);
  bool done = false;
  const char c = peek();
  if (at_end() || at_document_marker()) return fail("a list or mapping is not closed");
  if (c == '[') {
    done = flow_list(properties);
  } else if (c == '{') {
    done = flow_map(properties);
  } else if (c == '*') {
    std::string name;
    if (properties.any) return fail("an alias has no anchor and no tag");
    done = read_name(name) && builder_.alias(name);
  } else if (properties.any && (c == ',' || c == ']' || c == '}' || c == ':')) {
    done = builder_.scalar(properties.tag, properties.anchor, "", true);
  } else {
    done = scalar(-1, properties, true, false);
  }
  --depth_;
  return done;
}

// A mapping of one pair inside a list: [a: b].
bool YamlReader::flow_pair() {
  bool crossed = false;
  if (!builder_.open_map("")) return false;
  if (peek() == '?') {
    ++at_;
    if (!skip(crossed, true)) return false;
  }
  if (peek() == ':' ? !builder_.scalar("", "", "", true) : !flow_node()) return false;
  if (!skip(crossed, true)) return false;
  if (peek() == ':') {
    ++at_;
    if (!skip(crossed, true)) return false;
    if (peek() == ',' || peek() == ']' ? !builder_.scalar("", "", "", true) : !flow_node()) return false;
  } else if (!builder_.scalar("", "", "", true)) {
    return false;
  }
  return builder_.close();
}

bool YamlReader::flow_list(const Properties& properties) {
  bool crossed = false;
  ++at_;
  if (!builder_.open_list(properties.anchor)) return false;
  for (bool first = true;; first = false) {
    if (!skip(crossed, true)) return false;
    if (at_end() || at_document_marker()) return fail("a list is not closed");
    if (!first && peek() != ']') {
      if (peek() != ',') return fail("expected ',' or ']'");
      ++at_;
      if (!skip(crossed, true)) return false;
      if (at_end()) return fail("a list is not closed");
    }
    if (peek() == ']') {
      ++at_;
      return builder_.close();
    }
    if (peek() == '?' || peek() == ':' || implicit_key(at_, true) ? !flow_pair() : !flow_node()) return false;
  }
}

bool YamlReader::flow_map(const Properties& properties) {
  bool crossed = false;
  ++at_;
  if (!builder_.open_map(properties.anchor)) return false;
  for (bool first = true;; first = false) {
    if (!skip(crossed, true)) return false;
    if (at_end() || at_document_marker()) return fail("a mapping is not closed");
    if (!first && peek() != '}') {
      if (peek() != ',') return fail("expected ',' or '}'");
      ++at_;
      if (!skip(crossed, true)) return false;
    }
    if (peek() == '}') {
      ++at_;
      return builder_.close();
    }
    if (peek() == '?') {
      ++at_;
      if (!skip(crossed, true)) return false;
    }
    if (peek() == ':' ? !builder_.scalar("", "", "", true) : !flow_node()) return false;
    if (!skip(crossed, true)) return false;
    bool empty_value = peek() != ':';
    if (!empty_value) {
      ++at_;
      if (!skip(crossed, true)) return false;
      empty_value = peek() == ',' || peek() == '}';
    }
    if (empty_value ? !builder_.scalar("", "", "", true) : !flow_node()) return false;
  }
}

}  // namespace pintle::codec
