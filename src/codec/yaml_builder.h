// YamlBuilder: what a YAML reader finds, put together to a Value with go-yaml's meaning of tags, keys, anchors and "<<".
// Every call returns false after the first error, whose text stands in message().
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "codec/value.h"
#include "codec/yaml_scalar.h"

namespace pintle::codec {

class YamlBuilder {
 public:
  // `duplicates` (nullptr: not told): see parse_yaml().
  explicit YamlBuilder(std::vector<std::string>* duplicates) : duplicates_(duplicates) {}

  // The line on which the node begins whose calls follow.
  void at_line(int line) { line_ = line; }

  // `tag`: "" if there is none, "!" for the non-specific one, the core tags as "!!str", others as written.
  // `anchor`: "" if there is none. `plain`: neither quoted nor a block scalar.
  bool scalar(std::string_view tag, std::string_view anchor, std::string_view text, bool plain);
  bool alias(std::string_view anchor);
  bool open_list(std::string_view anchor) { return open(Value(Value::Array{}), anchor); }
  bool open_map(std::string_view anchor) { return open(Value(Value::Object{}), anchor); }
  bool close();

  Value take_root() { return std::move(root_); }
  const std::string& message() const { return message_; }
  bool too_large() const { return too_large_; }

 private:
  // A container that is open. A mapping holds its next key while the value is awaited.
  struct Frame {
    Value value;
    std::string anchor;
    int line = 0;
    std::string key;
    bool key_is_text = true;
    bool has_key = false;
    bool merge = false;  // the key is "<<"
    bool sorted = true;
    // Only where duplicates are told: those written so far, kept from the first on that comes out of order, or behind "<<".
    std::unordered_set<std::string> keys;
    bool keeps_keys = false;
  };

  bool fail(std::string what);
  bool count(std::size_t n);
  bool count_copy(const Value& value);
  bool take(std::size_t bytes);
  bool open(Value container, std::string_view anchor);
  bool resolve(std::string_view tag, std::string_view text, bool plain, YamlScalar& out);
  bool key_text(const YamlScalar& scalar, std::string& out);
  bool add(YamlScalar scalar, bool merge_key, std::string_view anchor);
  bool awaits_key() const { return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().has_key; }
  bool place(Value value, int line);
  bool merge(Value::Object& into, const Value& from);
  void keep_keys(Frame& frame);
  void note_key(Frame& frame, int line);

  std::vector<std::string>* duplicates_;
  std::size_t duplicates_bytes_ = 0;
  int line_ = 1;
  Value root_;
  std::vector<Frame> stack_;
  std::unordered_map<std::string, Value> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  std::size_t copied_bytes_ = 0;
  bool too_large_ = false;
  std::string message_;
};

}  // namespace pintle::codec
