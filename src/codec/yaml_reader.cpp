// YAML to Value: yaml-cpp finds the events, this file gives them go-yaml's meaning.
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cmath>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include "codec/base64.h"
#include "codec/json_text.h"
#include "codec/path_frame.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

namespace pintle::codec {
namespace {

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

// Thrown through yaml-cpp, which knows no other way to stop.
struct YamlError {
  std::string message;
};

std::size_t count_nodes(const Value& value) {
  std::size_t n = 1;
  if (value.is_array())
    for (const Value& item : value.as_array()) n += count_nodes(item);
  if (value.is_object())
    for (const auto& [key, member] : value.as_object()) n += count_nodes(member);
  return n;
}

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(Problems* problems) : problems_(problems) {}

  Value root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    at_ = mark;
    add({YamlTag::Null, Value()}, "", anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    at_ = mark;
    add(scalar(tag, text), tag == "?" ? text : "", anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    at_ = mark;
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) fail("an anchor's value contains itself");
    count(count_nodes(it->second));
    Value copy = it->second;
    const YamlTag tag = copy.is_null() ? YamlTag::Null : copy.is_bool() ? YamlTag::Bool : copy.is_int() ? YamlTag::Int : copy.is_double() ? YamlTag::Float : YamlTag::String;
    add({tag, std::move(copy)}, "", 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    at_ = mark;
    open(Value(Value::Array{}), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    at_ = mark;
    open(Value(Value::Object{}), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A container that is open. A mapping holds its next key while the value is awaited.
  struct Frame {
    Value value;
    YAML::anchor_t anchor = 0;
    std::string key;
    bool has_key = false;
    bool merge = false;
    std::vector<std::string> keys_in_order;   // only where duplicates are reported
  };

  [[noreturn]] void fail(std::string_view what) {
    throw YamlError{"invalid YAML at line " + std::to_string(at_.line + 1) + ": " + std::string(what)};
  }
  void count(std::size_t n) {
    nodes_ += n;
    if (nodes_ > yaml_nodes_max) fail("the document stands for too many values");
  }

  YamlScalar scalar(const std::string& tag, const std::string& text) {
    if (tag == "?" || tag.empty()) return resolve_yaml_scalar(text);
    if (!tag.starts_with(core_tag)) return {YamlTag::String, Value(text)};   // quoted ("!"), or a tag of somebody's own
    const std::string_view name = std::string_view(tag).substr(core_tag.size());
    if (name == "str") return {YamlTag::String, Value(text)};
    if (name == "binary") {
      auto bytes = decode_base64(text);
      if (!bytes) fail("a !!binary value is not base64");
      return {YamlTag::String, Value(std::move(*bytes))};
    }
    YamlScalar found = resolve_yaml_scalar(text);
    if (name == "float" && found.tag == YamlTag::Int) return {YamlTag::Float, Value(found.value.as_double())};
    constexpr std::pair<std::string_view, YamlTag> tags[] = {
        {"null", YamlTag::Null}, {"bool", YamlTag::Bool}, {"int", YamlTag::Int}, {"float", YamlTag::Float}, {"timestamp", YamlTag::Timestamp}};
    for (const auto& [wanted, yaml_tag] : tags)
      if (name == wanted && found.tag != yaml_tag) fail("a value does not fit its tag !!" + std::string(name));
    return found;
  }

  // The name that a scalar makes as a key.
  std::string key_text(const YamlScalar& scalar) {
    switch (scalar.tag) {
      case YamlTag::Bool: return scalar.value.as_bool() ? "true" : "false";
      case YamlTag::Int:
        if (scalar.value.is_int()) return std::to_string(scalar.value.as_int());
        fail("an integer key is too large");
      case YamlTag::Float:
        if (!scalar.finite) return std::isnan(scalar.value.as_double()) ? ".nan" : scalar.value.as_double() > 0 ? ".inf" : "-.inf";
        return format_go_g(static_cast<float>(scalar.value.as_double()));
      case YamlTag::Null: fail("null cannot be a key");
      default:
        if (!scalar.value.is_string()) fail("a list or a mapping cannot be a key");
        return scalar.value.as_string();
    }
  }

  void add(YamlScalar scalar, std::string_view plain_text, YAML::anchor_t anchor) {
    count(1);
    const bool is_key = !stack_.empty() && stack_.back().value.is_object() && !stack_.back().has_key;
    if (!is_key && !scalar.finite) fail("infinity and not-a-number have no JSON form");
    if (anchor != 0) anchors_[anchor] = scalar.value;
    if (!is_key) return place(std::move(scalar.value));
    Frame& frame = stack_.back();
    frame.merge = plain_text == "<<";
    frame.key = frame.merge ? "<<" : key_text(scalar);
    frame.has_key = true;
  }

  void open(Value container, YAML::anchor_t anchor) {
    count(1);
    if (!stack_.empty() && stack_.back().value.is_object() && !stack_.back().has_key) fail("a list or a mapping cannot be a key");
    if (stack_.size() >= static_cast<std::size_t>(yaml_depth_max)) fail("nested too deep");
    stack_.push_back({std::move(container), anchor, {}, false, false, {}});
  }

  void close() {
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    if (done.value.is_object() && done.value.as_object().sort_unique() && problems_ != nullptr) report(done);
    if (done.anchor != 0) {
      count(count_nodes(done.value));
      anchors_[done.anchor] = done.value;
    }
    place(std::move(done.value));
  }

  void place(Value value) {
    if (stack_.empty()) {
      root = std::move(value);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.value.is_array()) {
      frame.value.as_array().push_back(std::move(value));
      return;
    }
    frame.has_key = false;
    if (frame.merge) return merge(frame.value.as_object(), value);
    if (problems_ != nullptr) frame.keys_in_order.push_back(frame.key);
    frame.value.as_object().append(frame.key) = std::move(value);
  }

  // "<<": a mapping, or a list of them of which the earlier ones win.
  void merge(Value::Object& into, const Value& from) {
    if (from.is_array()) {
      const Value::Array& all = from.as_array();
      for (auto it = all.rbegin(); it != all.rend(); ++it) {
        if (!it->is_object()) fail("a merge key needs mappings");
        merge(into, *it);
      }
      return;
    }
    if (!from.is_object()) fail("a merge key needs mappings");
    count(count_nodes(from));
    for (const auto& [key, member] : from.as_object()) into.append(key) = member;
  }

  void report(const Frame& done) {
    // The path of the mapping, from the frames around it.
    std::vector<PathFrame> path;
    path.reserve(stack_.size());
    for (const Frame& frame : stack_) {
      const PathFrame* parent = path.empty() ? nullptr : &path.back();
      if (frame.value.is_array()) path.push_back({parent, {}, static_cast<int64_t>(frame.value.as_array().size())});
      else path.push_back({parent, frame.key, -1});
    }
    FlatMap<bool> seen;
    for (const std::string& key : done.keys_in_order) seen.append(key);
    seen.sort_unique();
    for (const std::string& key : done.keys_in_order) {
      bool& mark = seen[key];
      if (mark) problems_->duplicate_field(path.empty() ? nullptr : &path.back(), key);
      mark = true;
    }
  }

  Problems* problems_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Value> anchors_;
  std::size_t nodes_ = 0;
  YAML::Mark at_;
};

// Reads the text where it lies.
struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

// YAML's character set; yaml-cpp does not look. Returns the offset of the first byte outside it, or npos.
std::size_t find_forbidden(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n = utf8_length(text.substr(i));
    const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    const bool c1 = c == 0xC2 && n == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0 && text[i + 1] != '\x85';
    if (n == 0 || control || c1) return i;
    i += n;
  }
  return std::string_view::npos;
}

}  // namespace

Result<Value> parse_yaml(std::string_view text, std::vector<std::string>* duplicates) {
  std::vector<std::string> unused;
  Problems problems(duplicates != nullptr ? *duplicates : unused);
  Builder builder(duplicates != nullptr ? &problems : nullptr);
  if (const std::size_t at = find_forbidden(text); at != text.npos)
    return bad_request("invalid YAML at offset " + std::to_string(at) + ": a control character or a byte that is not UTF-8");
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    return std::move(builder.root);
  } catch (const YamlError& e) {
    return bad_request(e.message);
  } catch (const YAML::Exception& e) {
    return bad_request("invalid YAML at line " + std::to_string(e.mark.line + 1) + ", column " + std::to_string(e.mark.column + 1) + ": " + e.msg);
  } catch (const std::exception& e) {
    return bad_request(std::string("invalid YAML: ") + e.what());
  }
}

std::vector<std::string_view> split_yaml(std::string_view stream) {
  std::vector<std::string_view> documents;
  std::size_t from = 0;
  const auto add = [&](std::size_t to) {
    const std::string_view document = stream.substr(from, to - from);
    // Something but blank lines and comments?
    for (std::size_t at = 0; at < document.size();) {
      const std::size_t end = std::min(document.find('\n', at), document.size());
      const std::size_t first = document.find_first_not_of(" \t\r", at);
      if (first < end && document[first] != '#') {
        documents.push_back(document);
        return;
      }
      at = end + 1;
    }
  };
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = std::min(stream.find('\n', at), stream.size());
    const std::string_view line = stream.substr(at, end - at);
    if (line.starts_with("---") && (line.size() == 3 || line.find_first_not_of(" \t\r", 3) == line.npos ||
                                    line[line.find_first_not_of(" \t\r", 3)] == '#')) {
      add(at);
      from = std::min(end + 1, stream.size());
    }
    at = end + 1;
  }
  add(stream.size());
  return documents;
}

}  // namespace pintle::codec
