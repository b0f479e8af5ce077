// FieldSet to and from the JSON of metav1.FieldsV1: {"f:metadata":{"f:labels":{".":{},"f:app":{}}}}.
#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/path_element.h"
#include "codec/json_reader.h"
#include "codec/json_text.h"

namespace pintle::apimachinery {
namespace {

constexpr int depth_max = 200;  // deeper than any schema; then BadRequest

// Reads the object that the reader stands at: its nodes into `set`, and whether "." is among them into `self`.
bool read_set(codec::JsonReader& reader, int depth, FieldSet& set, bool& self) {
  if (depth > depth_max || !reader.enter_object()) return false;
  bool first = true;
  std::string_view key;
  while (reader.next_key(first, key)) {
    if (key == ".") {
      self = true;
      if (!reader.skip_value()) return false;
      continue;
    }
    auto element = path_element::parse_text(key);
    FieldSet children;
    bool member = false;
    if (!element || !read_set(reader, depth + 1, children, member)) return false;
    member |= children.empty();
    set.append(std::move(*element), member, std::move(children));
  }
  set.sort();
  return reader.ok();
}

}  // namespace

void FieldSet::append_json(bool self, std::string& out, std::string& scratch) const {
  out += '{';
  bool first = true;
  if (self && !nodes_.empty()) {
    out += "\".\":{}";
    first = false;
  }
  for (const Node& node : nodes_) {
    if (!first) out += ',';
    first = false;
    if (path_element::is_field(node.element)) {  // the common case, without the detour
      scratch.assign("f:");
      scratch += path_element::field_name(node.element);
    } else {
      scratch.clear();
      path_element::append_text(node.element, scratch);
    }
    codec::append_json_string(scratch, out);
    out += ':';
    node.children.append_json(node.member, out, scratch);
  }
  out += '}';
}

std::string FieldSet::to_fields_v1() const {
  std::string out;
  std::string scratch;
  out.reserve(512);
  append_json(false, out, scratch);
  return out;
}

Result<FieldSet> FieldSet::parse_fields_v1(std::string_view json) {
  FieldSet set;
  if (json.empty()) return set;
  codec::JsonReader reader(json);
  bool self = false;
  if (!read_set(reader, 0, set, self) || !reader.finish()) return bad_request("fieldsV1 is not a set of fields");
  return set;
}

}  // namespace pintle::apimachinery
