#include "api/header.h"

#include "codec/json_reader.h"
#include "codec/json_text.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

using codec::JsonReader;
using codec::ProtoReader;
using codec::WireType;
using Token = JsonReader::Token;

constexpr uint32_t metadata_number = 1;  // of every kind
// meta/v1.ObjectMeta
constexpr uint32_t name_number = 1, namespace_number = 3, uid_number = 5, resource_version_number = 6, labels_number = 11;

bool read_string_or_skip(JsonReader& reader, std::string& out) {
  return reader.peek() == Token::String ? reader.read_string(out) : reader.skip_value();
}

bool read_metadata(JsonReader& reader, JsonHeader& header) {
  if (reader.peek() != Token::Object) return reader.skip_value();
  bool first = true;
  std::string_view key;
  if (!reader.enter_object()) return false;
  while (reader.next_key(first, key)) {
    std::string* into = key == "name"              ? &header.name
                        : key == "generateName"    ? &header.generate_name
                        : key == "namespace"       ? &header.namespace_name
                        : key == "uid"             ? &header.uid
                        : key == "resourceVersion" ? &header.resource_version
                                                   : nullptr;
    if (into != nullptr ? !read_string_or_skip(reader, *into) : !reader.skip_value()) return false;
  }
  return reader.ok();
}

// Calls on_field(number, wire, value) for each field, `value` being the bytes of a length-delimited one.
template <class F>
bool each_field(std::string_view message, F on_field) {
  ProtoReader reader(message);
  uint32_t number = 0;
  WireType wire{};
  while (!reader.at_end()) {
    std::string_view value;
    if (!reader.tag(number, wire)) return false;
    if (wire == WireType::Bytes ? !reader.bytes(value) : !reader.skip(number, wire)) return false;
    if (wire == WireType::Bytes) on_field(number, value);
  }
  return true;
}

// The message with its string field `wanted` set to `value`, in its place by number.
bool splice_field(std::string_view message, uint32_t wanted, std::string_view value, std::string& out) {
  ProtoReader reader(message);
  uint32_t number = 0;
  WireType wire{};
  bool written = false;
  while (!reader.at_end()) {
    const char* const start = reader.position();
    if (!reader.tag(number, wire) || !reader.skip(number, wire)) return false;
    if (!written && number >= wanted) {
      codec::append_bytes_field(wanted, value, out);
      written = true;
    }
    if (number != wanted) out.append(start, static_cast<std::size_t>(reader.position() - start));
  }
  if (!written) codec::append_bytes_field(wanted, value, out);
  return true;
}

Unexpected<Status> malformed() { return bad_request("protobuf: malformed message"); }

}  // namespace

Result<JsonHeader> peek_json(std::string_view json) {
  JsonReader reader(json);
  JsonHeader header;
  int missing = 3;
  bool first = true;
  std::string_view key;
  if (!reader.enter_object()) return Unexpected(reader.error());
  while (missing > 0 && reader.next_key(first, key)) {
    bool read = true;
    if (key == "apiVersion") {
      read = read_string_or_skip(reader, header.api_version);
      --missing;
    } else if (key == "kind") {
      read = read_string_or_skip(reader, header.kind);
      --missing;
    } else if (key == "metadata") {
      read = read_metadata(reader, header);
      --missing;
    } else {
      read = reader.skip_value();
    }
    if (!read) break;
  }
  if (!reader.ok()) return Unexpected(reader.error());
  return header;
}

Result<ProtoHeader> read_proto_header(std::string_view message) {
  std::string_view metadata;
  ProtoHeader header;
  bool ok = each_field(message, [&](uint32_t number, std::string_view value) {
    if (number == metadata_number) metadata = value;
  });
  bool labels_ok = true;
  ok = ok && each_field(metadata, [&](uint32_t number, std::string_view value) {
         if (number == name_number) header.name = value;
         if (number == namespace_number) header.namespace_name = value;
         if (number == uid_number) header.uid = value;
         if (number == resource_version_number) header.resource_version = value;
         if (number == labels_number) {
           auto& [label, text] = header.labels.emplace_back();
           labels_ok = each_field(value, [&](uint32_t n, std::string_view v) { (n == 1 ? label : text) = v; }) && labels_ok;
         }
       });
  if (!ok || !labels_ok) return malformed();
  return header;
}

Result<std::string> with_resource_version(const Type& type, std::string_view message, std::string_view version) {
  const Field* metadata = type.find_field("metadata");
  const Field* field = metadata == nullptr ? nullptr : metadata->type->find_field("resourceVersion");
  if (field == nullptr || field->proto == 0) return bad_request("the type has no metadata.resourceVersion");
  ProtoReader reader(message);
  uint32_t number = 0;
  WireType wire{};
  std::string out, meta;
  out.reserve(message.size() + version.size() + 8);
  bool written = false;
  while (!reader.at_end()) {
    const char* const start = reader.position();
    std::string_view value;
    if (!reader.tag(number, wire)) return malformed();
    if (number == metadata->proto && wire == WireType::Bytes && !written) {
      if (!reader.bytes(value) || !splice_field(value, field->proto, version, meta)) return malformed();
      codec::append_bytes_field(metadata->proto, meta, out);
      written = true;
      continue;
    }
    if (!reader.skip(number, wire)) return malformed();
    out.append(start, static_cast<std::size_t>(reader.position() - start));
  }
  if (written) return out;
  splice_field({}, field->proto, version, meta);
  std::string whole;
  codec::append_bytes_field(metadata->proto, meta, whole);
  return whole + out;
}

namespace {

// Whether a member `key` of metadata stands behind resourceVersion.
bool comes_after(const Type* metadata, std::string_view key) {
  if (metadata == nullptr) return key > "resourceVersion";
  const Field *field = metadata->find_field(key), *version = metadata->find_field("resourceVersion");
  return field != nullptr && version != nullptr && field > version;
}

}  // namespace

Result<std::string> with_resource_version_json(const Type* type, std::string_view json, std::string_view version) {
  const Field* metadata = type == nullptr ? nullptr : type->find_field("metadata");
  const Type* metadata_type = metadata == nullptr ? nullptr : metadata->type;
  JsonReader reader(json);
  bool first = true;
  std::string_view key;
  if (!reader.enter_object()) return Unexpected(reader.error());
  while (reader.next_key(first, key)) {
    if (key != "metadata" || reader.peek() != Token::Object) {
      if (!reader.skip_value()) break;
      continue;
    }
    bool first_member = true;
    if (!reader.enter_object()) break;
    std::size_t insert_at = reader.offset();  // behind '{' or behind the last member that comes before
    bool follows_member = false;
    std::string text;
    codec::append_json_string(version, text);
    bool passed = false;
    while (reader.next_key(first_member, key)) {
      const bool is_version = key == "resourceVersion";
      if (comes_after(metadata_type, key)) passed = true;
      reader.peek();
      const std::size_t value_at = reader.offset();
      if (!reader.skip_value()) return Unexpected(reader.error());
      if (is_version) return std::string(json.substr(0, value_at)) + text + std::string(json.substr(reader.offset()));
      if (!passed) {
        insert_at = reader.offset();
        follows_member = true;
      }
    }
    if (!reader.ok()) break;
    const bool last = json[reader.offset() - 1] == '}' && insert_at == reader.offset() - 1;
    const std::string member = "\"resourceVersion\":" + text;
    const std::string_view before = follows_member ? "," : "", after = follows_member || last ? "" : ",";
    return std::string(json.substr(0, insert_at)) + std::string(before) + member + std::string(after) + std::string(json.substr(insert_at));
  }
  if (!reader.ok()) return Unexpected(reader.error());
  return bad_request("the object has no metadata");
}

}  // namespace pintle::api
