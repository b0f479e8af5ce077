#include "codec/yaml_builder.h"

#include <cmath>
#include <utility>

#include "codec/base64.h"
#include "codec/bounded_json.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/path_frame.h"
#include "codec/yaml.h"

namespace pintle::codec {
namespace {

std::size_t count_nodes(const Value& value) {
  std::size_t n = 1;
  if (value.is_array())
    for (const Value& item : value.as_array()) n += count_nodes(item);
  if (value.is_object())
    for (const auto& [key, member] : value.as_object()) n += count_nodes(member);
  return n;
}

YamlTag tag_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Null: return YamlTag::Null;
    case Value::Kind::Bool: return YamlTag::Bool;
    case Value::Kind::Int: return YamlTag::Int;
    case Value::Kind::Double: return YamlTag::Float;
    default: return YamlTag::String;
  }
}

}  // namespace

bool YamlBuilder::fail(std::string what) {
  if (message_.empty()) message_ = std::move(what);
  return false;
}

bool YamlBuilder::count(std::size_t n) {
  nodes_ += n;
  return nodes_ <= yaml_nodes_max || fail("the document stands for too many values");
}

bool YamlBuilder::take(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= decoded_bytes_max) return true;
  too_large_ = true;
  return fail("the document would take more than " + std::to_string(decoded_bytes_max) + " bytes of memory");
}

// What an anchor keeps, and what an alias or "<<" stands for. Counted before it is copied.
bool YamlBuilder::count_copy(const Value& value) {
  if (!count(count_nodes(value))) return false;
  const std::size_t bytes = sizeof(Value) + memory_of(value);
  copied_bytes_ += bytes;
  if (copied_bytes_ > yaml_copied_bytes_max) return fail("anchors and aliases repeat more than " + std::to_string(yaml_copied_bytes_max) + " bytes");
  return take(bytes);
}

bool YamlBuilder::resolve(std::string_view tag, std::string_view text, bool plain, YamlScalar& out) {
  const bool implicit = tag.empty() && plain;
  if (!implicit && (!tag.starts_with("!!") || tag == "!!str")) {
    // Quoted, or tagged as a string, or with a tag of somebody's own.
    out = {YamlTag::String, Value(text)};
    return true;
  }
  if (tag == "!!binary") {
    auto bytes = decode_base64(text);
    if (!bytes) return fail("a !!binary value is not base64");
    out = {YamlTag::String, Value(std::move(*bytes))};
    return true;
  }
  out = resolve_yaml_scalar(text);
  if (implicit) return true;
  if (tag == "!!float" && out.tag == YamlTag::Int) out = {YamlTag::Float, Value(out.value.as_double())};
  constexpr std::pair<std::string_view, YamlTag> tags[] = {{"!!null", YamlTag::Null},
                                                           {"!!bool", YamlTag::Bool},
                                                           {"!!int", YamlTag::Int},
                                                           {"!!float", YamlTag::Float},
                                                           {"!!timestamp", YamlTag::Timestamp}};
  for (const auto& [wanted, yaml_tag] : tags) {
    if (tag != wanted) continue;
    return out.tag == yaml_tag || fail("the value " + go_quote(text) + " does not fit its tag " + std::string(tag));
  }
  out = {YamlTag::String, Value(text)};
  return true;
}

// The name that a scalar makes as a key.
bool YamlBuilder::key_text(const YamlScalar& scalar, std::string& out) {
  switch (scalar.tag) {
    case YamlTag::Bool: out = scalar.value.as_bool() ? "true" : "false"; return true;
    case YamlTag::Int:
      if (!scalar.value.is_int()) return fail("an integer key is too large");
      out = std::to_string(scalar.value.as_int());
      return true;
    case YamlTag::Float: {
      const double v = scalar.value.as_double();
      out = std::isnan(v) ? ".nan" : std::isinf(v) ? v > 0 ? ".inf" : "-.inf" : format_go_g(static_cast<float>(v));
      return true;
    }
    case YamlTag::Null: return fail("null cannot be a key");
    default:
      if (!scalar.value.is_string()) return fail("a list or a mapping cannot be a key");
      out = scalar.value.as_string();
      return true;
  }
}

bool YamlBuilder::scalar(std::string_view tag, std::string_view anchor, std::string_view text, bool plain) {
  YamlScalar scalar;
  return resolve(tag, text, plain, scalar) && add(std::move(scalar), plain && text == "<<" && tag.empty(), anchor);
}

bool YamlBuilder::alias(std::string_view anchor) {
  const auto it = anchors_.find(std::string(anchor));
  if (it == anchors_.end()) return fail("unknown anchor " + go_quote(anchor) + ", or one whose value contains itself");
  if (static_cast<int>(stack_.size()) + nesting_of(it->second) > nesting_max)
    return fail("nested deeper than " + std::to_string(nesting_max) + " levels");
  if (!count_copy(it->second)) return false;
  return add({tag_of(it->second), it->second}, false, {});
}

bool YamlBuilder::add(YamlScalar scalar, bool merge_key, std::string_view anchor) {
  const bool is_key = awaits_key();
  if (!count(1) || !take(is_key ? sizeof(Value::Object::value_type) : sizeof(Value) + memory_of(scalar.value))) return false;
  if (!is_key && !scalar.finite) return fail("infinity and not-a-number have no JSON form");
  if (!anchor.empty()) {
    if (!count_copy(scalar.value)) return false;
    anchors_[std::string(anchor)] = scalar.value;
  }
  if (!is_key) return place(std::move(scalar.value), line_);
  Frame& frame = stack_.back();
  frame.merge = merge_key;
  frame.key_is_text = scalar.tag == YamlTag::String || scalar.tag == YamlTag::Timestamp;
  frame.has_key = true;
  return merge_key || key_text(scalar, frame.key);
}

bool YamlBuilder::open(Value container, std::string_view anchor) {
  if (!count(1) || !take(sizeof(Value))) return false;
  if (awaits_key()) return fail("a list or a mapping cannot be a key");
  if (stack_.size() >= static_cast<std::size_t>(nesting_max)) return fail("nested deeper than " + std::to_string(nesting_max) + " levels");
  if (!anchor.empty()) anchors_.erase(std::string(anchor));  // until it is closed, an alias to it is an error
  Frame& frame = stack_.emplace_back();
  frame.value = std::move(container);
  frame.anchor = anchor;
  frame.line = line_;
  return true;
}

bool YamlBuilder::close() {
  Frame done = std::move(stack_.back());
  stack_.pop_back();
  if (!done.sorted) (void)done.value.as_object().sort_unique();
  if (!done.anchor.empty()) {
    if (!count_copy(done.value)) return false;
    anchors_[done.anchor] = done.value;
  }
  return place(std::move(done.value), done.line);
}

bool YamlBuilder::place(Value value, int line) {
  if (stack_.empty()) {
    root_ = std::move(value);
    return true;
  }
  Frame& frame = stack_.back();
  if (frame.value.is_array()) {
    frame.value.as_array().push_back(std::move(value));
    return true;
  }
  frame.has_key = false;
  Value::Object& members = frame.value.as_object();
  if (frame.merge) {
    frame.sorted = false;
    if (duplicates_ != nullptr) keep_keys(frame);
    return merge(members, value);
  }
  if (duplicates_ != nullptr) note_key(frame, line);
  if (!members.empty() && frame.key <= std::prev(members.end())->first) frame.sorted = false;
  members.append(frame.key) = std::move(value);
  return true;
}

// "<<": a mapping, or a list of them of which the earlier ones win.
bool YamlBuilder::merge(Value::Object& into, const Value& from) {
  if (from.is_array()) {
    const Value::Array& all = from.as_array();
    for (auto it = all.rbegin(); it != all.rend(); ++it)
      if (!it->is_object() || !merge(into, *it)) return fail("a merge key needs a mapping or a list of mappings");
    return true;
  }
  if (!from.is_object()) return fail("a merge key needs a mapping or a list of mappings");
  if (!count_copy(from)) return false;
  for (const auto& [key, member] : from.as_object()) into.append(key) = member;
  return true;
}

void YamlBuilder::keep_keys(Frame& frame) {
  if (std::exchange(frame.keeps_keys, true)) return;
  for (const auto& [key, value] : frame.value.as_object()) frame.keys.insert(key);
}

// In order, as long as it lasts, no key can have come before.
void YamlBuilder::note_key(Frame& frame, int line) {
  const Value::Object& members = frame.value.as_object();
  if (!frame.keeps_keys && (members.empty() || std::prev(members.end())->first < frame.key)) return;
  keep_keys(frame);
  if (frame.keys.insert(frame.key).second || duplicates_->size() >= problems_max || duplicates_bytes_ > problems_bytes_max) return;
  duplicates_->push_back("line " + std::to_string(line) + ": key " + (frame.key_is_text ? go_quote(frame.key) : frame.key) + " already set in map");
  duplicates_bytes_ += duplicates_->back().size();
}

}  // namespace pintle::codec
