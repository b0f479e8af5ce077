#include "apiserver/registry/wire_metadata.h"

#include <fmt/format.h>

#include "codec/proto_wire.h"

namespace pintle::apiserver::registry {

namespace {

using codec::ProtoReader;
using codec::WireType;

// Numbers of meta/v1.ObjectMeta.
enum : uint32_t { meta_name = 1, meta_namespace = 3, meta_uid = 5, meta_resource_version = 6, meta_labels = 11 };
constexpr uint32_t object_metadata = 1;

Unexpected<Status> malformed() { return bad_request("malformed protobuf object"); }

// Calls visit(number, bytes, start of the field, its end) for each length-delimited field. False: malformed.
template <class Visit>
bool for_each_bytes(std::string_view message, Visit visit) {
  ProtoReader reader(message);
  while (!reader.at_end()) {
    const char* start = reader.position();
    uint32_t number = 0;
    WireType type{};
    if (!reader.tag(number, type)) return false;
    if (type != WireType::Bytes) {
      if (!reader.skip(number, type)) return false;
      continue;
    }
    std::string_view bytes;
    if (!reader.bytes(bytes)) return false;
    if (!visit(number, bytes, start, reader.position())) return false;
  }
  return true;
}

bool read_label(std::string_view entry, WireMetadata& out) {
  std::pair<std::string_view, std::string_view> label;
  if (!for_each_bytes(entry, [&](uint32_t number, std::string_view bytes, const char*, const char*) {
        if (number == 1) label.first = bytes;
        if (number == 2) label.second = bytes;
        return true;
      }))
    return false;
  out.labels.push_back(label);
  return true;
}

}  // namespace

std::string_view wire_object_meta(std::string_view wire) {
  ProtoReader reader(wire);
  while (!reader.at_end()) {
    uint32_t number = 0;
    WireType type{};
    std::string_view bytes;
    if (!reader.tag(number, type)) return {};
    if (number == object_metadata && type == WireType::Bytes) return reader.bytes(bytes) ? bytes : std::string_view();
    if (!reader.skip(number, type)) return {};
  }
  return {};
}

Result<WireMetadata> read_wire_metadata(std::string_view wire) {
  WireMetadata out;
  const bool found = for_each_bytes(wire, [&](uint32_t number, std::string_view bytes, const char*, const char*) {
    if (number == object_metadata) out.message = bytes;
    return true;
  });
  if (!found) return malformed();
  const bool read = for_each_bytes(out.message, [&](uint32_t number, std::string_view bytes, const char*, const char*) {
    switch (number) {
      case meta_name: out.name = bytes; break;
      case meta_namespace: out.ns = bytes; break;
      case meta_uid: out.uid = bytes; break;
      case meta_resource_version: out.resource_version = bytes; break;
      case meta_labels: return read_label(bytes, out);
      default: break;
    }
    return true;
  });
  if (!read) return malformed();
  return out;
}

Result<std::string> with_wire_resource_version(std::string_view wire, std::string_view version) {
  // The metadata field within the object, and the resourceVersion field (or its place by number) within the metadata.
  const char* meta_start = nullptr;
  const char* meta_end = nullptr;
  std::string_view meta;
  if (!for_each_bytes(wire,
                      [&](uint32_t number, std::string_view bytes, const char* start, const char* end) {
                        if (number == object_metadata) meta = bytes, meta_start = start, meta_end = end;
                        return true;
                      }) ||
      meta_start == nullptr)
    return malformed();
  const char* cut_start = meta.data();
  const char* cut_end = meta.data();
  if (!for_each_bytes(meta, [&](uint32_t number, std::string_view, const char* start, const char* end) {
        if (number < meta_resource_version) cut_start = cut_end = end;
        if (number == meta_resource_version) cut_start = start, cut_end = end;
        return true;
      }))
    return malformed();

  const std::size_t field_bytes = 1 + codec::varint_size(version.size()) + version.size();
  const std::size_t meta_bytes = meta.size() - static_cast<std::size_t>(cut_end - cut_start) + field_bytes;
  std::string out;
  out.reserve(wire.size() - static_cast<std::size_t>(meta_end - meta_start) + 1 + codec::varint_size(meta_bytes) + meta_bytes);
  out.append(wire.data(), meta_start);
  codec::append_tag(object_metadata, WireType::Bytes, out);
  codec::append_varint(meta_bytes, out);
  out.append(meta.data(), cut_start);
  codec::append_bytes_field(meta_resource_version, version, out);
  out.append(cut_end, meta.data() + meta.size());
  out.append(meta_end, wire.data() + wire.size());
  return out;
}

bool WireField::compile(const api::Type& type, std::string_view path) {
  numbers_.clear();
  const api::Type* at = &type;
  while (!path.empty()) {
    while (at->kind == api::Kind::Box || at->kind == api::Kind::Optional) at = at->elem;
    if (at->kind != api::Kind::Struct) return false;
    const auto dot = path.find('.');
    const api::Field* field = at->find_field(path.substr(0, dot));
    if (field == nullptr || field->proto == 0) return false;
    numbers_.push_back(field->proto);
    at = field->type;
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  while (at->kind == api::Kind::Box || at->kind == api::Kind::Optional) at = at->elem;
  kind_ = at->kind;
  return !numbers_.empty();
}

std::string_view WireField::read(std::string_view wire, std::string& scratch) const {
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    ProtoReader reader(wire);
    const bool leaf = i + 1 == numbers_.size();
    bool found = false;
    uint64_t value = 0;
    std::string_view next;
    while (!reader.at_end()) {
      uint32_t number = 0;
      WireType type{};
      if (!reader.tag(number, type)) return {};
      if (number != numbers_[i]) {
        if (!reader.skip(number, type)) return {};
        continue;
      }
      found = true;
      if (type == WireType::Bytes ? !reader.bytes(next) : type == WireType::Varint ? !reader.varint(value) : !reader.skip(number, type)) return {};
    }
    if (!found) return {};
    if (!leaf) {
      wire = next;
      continue;
    }
    switch (kind_) {
      case api::Kind::String: return next;
      case api::Kind::Bool: return value != 0 ? "true" : "false";
      case api::Kind::Int32:
      case api::Kind::Int64: {
        const std::size_t start = scratch.size();
        fmt::format_to(std::back_inserter(scratch), "{}", static_cast<int64_t>(value));
        return std::string_view(scratch).substr(start);
      }
      default: return {};
    }
  }
  return {};
}

}  // namespace pintle::apiserver::registry
