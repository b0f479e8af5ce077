// A struct to JSON, byte for byte as Go's encoder writes the type.
#include "api/json_encode.h"
#include <utility>

#include "api/codec.h"
#include "api/rest.h"
#include "api/type_plan.h"
#include "api/untrusted.h"
#include "api/values.h"
#include "base/check.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::api {
namespace {

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}
// The descriptor's operations take void* for reading, too.
void* mut(const void* p) { return const_cast<void*>(p); }

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  out += text;
  out += '"';
}

void append_quoted_time(const Time& time, std::string& out) {
  out += '"';
  append_time(time, out);
  out += '"';
}

void append_quoted_micro_time(const MicroTime& time, std::string& out) {
  out += '"';
  append_micro_time(time, out);
  out += '"';
}

void encode_struct(const Type& type, const void* p, std::string& out, std::string_view opening);

// Items that show what they are.
void encode_kinds(const Type& type, const void* p, const GroupVersionKind& kind, std::string& out) {
  std::string opening;
  open_json(&kind, opening);
  const std::size_t n = type.list->size(p);
  for (std::size_t i = 0; i < n; ++i) {
    out += i == 0 ? '[' : ',';
    encode_struct(*type.elem, type.list->at(mut(p), i), out, opening);
  }
  out += ']';
}

void encode_list(const Type& type, const void* p, bool empty_as_list, std::string& out) {
  const std::size_t n = type.list->size(p);
  if (n == 0) {
    out += empty_as_list ? "[]" : "null";
    return;
  }
  const char* item = static_cast<const char*>(type.list->at(mut(p), 0));
  for (std::size_t i = 0; i < n; ++i, item += type.elem->size) {
    out += i == 0 ? '[' : ',';
    write_json(*type.elem, item, out);
  }
  out += ']';
}

void encode_map(const Type& type, const void* p, bool empty_as_map, std::string& out) {
  const std::size_t n = type.map->size(p);
  if (n == 0) {
    out += empty_as_map ? "{}" : "null";
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    out += i == 0 ? '{' : ',';
    codec::append_json_string(type.map->key_at(p, i), out);
    out += ':';
    const void* value = type.map->value_at(mut(p), i);
    // An empty byte string is there, if it is a map's: null would be a different object.
    if (type.elem->kind == Kind::Bytes && as<std::string>(value).empty()) {
      out += "\"\"";
    } else {
      write_json(*type.elem, value, out);
    }
  }
  out += '}';
}

void encode_struct(const Type& type, const void* p, std::string& out, std::string_view opening) {
  out += opening;
  bool first = out.back() == '{';
  for (const PlanField& field : plan_of(type).fields) {
    const void* at = static_cast<const char*>(p) + field.offset;
    if (field.omit_empty && is_empty(*field.type, at)) continue;
    if (field.omit_zero && is_zero(*field.type, at)) continue;
    out.append(field.json_key, first ? 1 : 0, std::string::npos);
    first = false;
    if (field.item_kind != nullptr && !is_empty(*field.type, at)) {
      encode_kinds(*field.type, at, *field.item_kind, out);
    } else if (field.kind == Kind::List) {
      encode_list(*field.type, at, field.empty_as_list, out);
    } else if (field.kind == Kind::Map) {
      encode_map(*field.type, at, field.empty_as_list, out);
    } else {
      write_json(*field.type, at, out);
    }
  }
  if (type.rest_offset >= 0) {
    const codec::Value& members = as<Rest>(static_cast<const char*>(p) + type.rest_offset).members;
    if (members.is_object()) {
      for (const auto& [name, value] : members.as_object()) {
        if (!std::exchange(first, false)) out += ',';
        codec::append_json_string(name, out);
        out += ':';
        codec::append_json(value, out);
      }
    }
  }
  out += '}';
}

void encode_union(const Type& type, const void* p, std::string& out) {
  const TypePlan& plan = plan_of(type);
  const PlanField *one = plan.find_proto(1), *two = plan.find_proto(2);
  CHECK(one != nullptr && two != nullptr, "a union has the fields 1 and 2");
  const void* first = static_cast<const char*>(p) + one->offset;
  const void* second = static_cast<const char*>(p) + two->offset;
  if (type.union_kind == UnionKind::OrBool) {
    if (!is_empty(*two->type, second)) return write_json(*two->type, second, out);
    out += as<bool>(first) ? "true" : "false";
    return;
  }
  const bool has_list = !is_empty(*two->type, second);
  write_json(has_list ? *two->type : *one->type, has_list ? second : first, out);
}

void encode_raw_extension(const RawExtension& value, std::string& out) {
  if (value.raw.empty()) {
    out += "null";
  } else if (value.content_type.empty() || value.content_type == "application/json") {
    codec::append_compact_json(value.raw, out);
  } else {
    write_raw_envelope(value.raw, out);
  }
}

// How many envelopes this thread is writing, one inside the other.
thread_local int envelopes_open = 0;
struct OpenEnvelope {
  OpenEnvelope() { ++envelopes_open; }
  ~OpenEnvelope() { --envelopes_open; }
};

}  // namespace

void write_raw_envelope(std::string_view bytes, std::string& out) {
  const OpenEnvelope open;
  if (envelopes_open > envelopes_nested_max) {
    out += "null";
    return;
  }
  const auto envelope = decode_envelope(bytes);
  if (envelope && envelope->content_type == "application/json") {
    codec::JsonReader reader(envelope->raw);
    if (!reader.skip_value() || !reader.finish()) {
      out += "null";
      return;
    }
    codec::append_compact_json(envelope->raw, out);
    return;
  }
  if (envelope) {
    const std::size_t slash = envelope->api_version.find('/');
    const std::string_view all = envelope->api_version;
    const std::string_view group = slash == all.npos ? std::string_view() : all.substr(0, slash);
    const std::string_view version = slash == all.npos ? all : all.substr(slash + 1);
    const KindInfo* info = find_kind(group, version, envelope->kind);
    if (info != nullptr) {
      Object object(*info->type);  // nobody has looked into it yet
      if (decode_untrusted_proto(envelope->raw, *info->type, object.data())) return encode_json(*info->type, object.data(), out, &info->gvk);
    }
  }
  out += "null";
}

bool is_empty(const Type& type, const void* p) {
  switch (type.kind) {
    case Kind::Bool: return !as<bool>(p);
    case Kind::Int32: return as<int32_t>(p) == 0;
    case Kind::Int64: return as<int64_t>(p) == 0;
    case Kind::Uint64: return as<uint64_t>(p) == 0;
    case Kind::Float32: return as<float>(p) == 0;
    case Kind::Float64: return as<double>(p) == 0;
    case Kind::String:
    case Kind::Bytes: return as<std::string>(p).empty();
    case Kind::Optional:
    case Kind::Box: return type.pointer->get(mut(p)) == nullptr;
    case Kind::List: return type.list->size(p) == 0;
    case Kind::Map: return type.map->size(p) == 0;
    default: return false;  // structs, as Go sees them
  }
}

bool is_zero(const Type& type, const void* p) {
  switch (type.kind) {
    case Kind::Struct:
    case Kind::Union:
      for (const PlanField& field : plan_of(type).fields)
        if (!is_zero(*field.type, static_cast<const char*>(p) + field.offset)) return false;
      return type.rest_offset < 0 || as<Rest>(static_cast<const char*>(p) + type.rest_offset) == Rest();
    case Kind::Quantity: return as<Quantity>(p).is_zero();
    case Kind::IntOrString: return as<IntOrString>(p) == IntOrString();
    case Kind::Time: return as<Time>(p).zero();
    case Kind::MicroTime: return as<MicroTime>(p).zero();
    case Kind::Duration: return as<Duration>(p).nanos == 0;
    case Kind::RawExtension: return as<RawExtension>(p).raw.empty();
    case Kind::FieldsV1: return as<FieldsV1>(p).raw.empty();
    case Kind::Json: return as<Json>(p).raw.empty();
    default: return is_empty(type, p);
  }
}

void write_json(const Type& type, const void* p, std::string& out) {
  switch (type.kind) {
    case Kind::Bool: out += as<bool>(p) ? "true" : "false"; return;
    case Kind::Int32: return codec::append_json_int(as<int32_t>(p), out);
    case Kind::Int64: return codec::append_json_int(as<int64_t>(p), out);
    case Kind::Uint64: return codec::append_json_uint(as<uint64_t>(p), out);
    case Kind::Float32: return codec::append_json_float(as<float>(p), out);
    case Kind::Float64: return codec::append_json_double(as<double>(p), out);
    case Kind::String: return codec::append_json_string(as<std::string>(p), out);
    case Kind::Bytes:
      if (as<std::string>(p).empty()) {
        out += "null";
        return;
      }
      out += '"';
      codec::append_base64(as<std::string>(p), out);
      out += '"';
      return;
    case Kind::Struct: return encode_struct(type, p, out, "{");
    case Kind::Union: return encode_union(type, p, out);
    case Kind::Optional:
    case Kind::Box:
      if (const void* inner = type.pointer->get(mut(p))) {
        // A pointer to an empty list or map is not a nil one.
        if (type.elem->kind == Kind::List) return encode_list(*type.elem, inner, true, out);
        if (type.elem->kind == Kind::Map) return encode_map(*type.elem, inner, true, out);
        return write_json(*type.elem, inner, out);
      }
      out += "null";
      return;
    case Kind::List: return encode_list(type, p, false, out);
    case Kind::Map: return encode_map(type, p, false, out);
    case Kind::Quantity: return append_quoted(as<Quantity>(p).text(), out);
    case Kind::IntOrString: {
      const auto& v = as<IntOrString>(p);
      return v.is_string ? codec::append_json_string(v.string_value, out) : codec::append_json_int(v.int_value, out);
    }
    case Kind::Time:
      if (as<Time>(p).zero()) break;
      return append_quoted_time(as<Time>(p), out);
    case Kind::MicroTime:
      if (as<MicroTime>(p).zero()) break;
      return append_quoted_micro_time(as<MicroTime>(p), out);
    case Kind::Duration: return append_quoted(format_duration(as<Duration>(p)), out);
    case Kind::RawExtension: return encode_raw_extension(as<RawExtension>(p), out);
    case Kind::FieldsV1:
      if (as<FieldsV1>(p).raw.empty()) break;
      return codec::append_compact_json(as<FieldsV1>(p).raw, out);
    case Kind::Json:
      if (as<Json>(p).raw.empty()) break;
      return codec::append_compact_json(as<Json>(p).raw, out);
  }
  out += "null";
}

void open_json(const GroupVersionKind* kind, std::string& out) {
  out += '{';
  if (kind == nullptr) return;
  out += "\"kind\":";
  codec::append_json_string(kind->kind, out);
  out += ",\"apiVersion\":";
  codec::append_json_string(api_version(*kind), out);
}

void encode_json(const Type& type, const void* object, std::string& out, const GroupVersionKind* kind) {
  if (type.kind != Kind::Struct) return write_json(type, object, out);
  std::string opening;
  open_json(kind, opening);
  encode_struct(type, object, out, opening);
}

Result<codec::Value> to_document(const Type& type, const void* object, const GroupVersionKind* kind) {
  std::string text;
  encode_json(type, object, text, kind);
  return codec::parse_json(text);
}

codec::Value to_value(const Type& type, const void* object, const GroupVersionKind* kind) {
  auto value = to_document(type, object, kind);
  CHECK(value.has_value(), "our own JSON is well formed");
  return std::move(*value);
}

std::string api_version(const GroupVersionKind& kind) {
  if (kind.group.empty()) return std::string(kind.version);
  std::string out(kind.group);
  out += '/';
  out += kind.version;
  return out;
}

}  // namespace pintle::api
