// A struct to protobuf, byte for byte as upstream's gogo-generated code writes it: every scalar and struct that is no
// pointer (zero or not), pointers that are set, repeated fields one by one, maps in key order.
#include <bit>

#include "api/codec.h"
#include "api/type_plan.h"
#include "api/values.h"
#include "base/check.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

using codec::ProtoWriter;
using codec::WireType;

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}
void* mut(const void* p) { return const_cast<void*>(p); }

void write_field(ProtoWriter& w, uint32_t number, const Type& type, const void* p, bool keep_empty_bytes);

// Everything here is written from the back: the last field first.
void write_message(ProtoWriter& w, const Type& type, const void* p) {
  const auto& fields = plan_of(type).proto;
  for (auto it = fields.rbegin(); it != fields.rend(); ++it) write_field(w, it->proto, *it->type, static_cast<const char*>(p) + it->offset, false);
}

void write_items(ProtoWriter& w, uint32_t number, const Type& type, const void* p) {
  for (std::size_t i = type.list->size(p); i-- > 0;) write_field(w, number, *type.elem, type.list->at(mut(p), i), true);
}

void write_list(ProtoWriter& w, uint32_t number, const Type& type, const void* p, bool keep_empty) {
  if (!type.proto_wrapped) return write_items(w, number, type, p);
  if (!keep_empty && type.list->size(p) == 0) return;
  const std::size_t mark = w.size();
  write_items(w, 1, type, p);
  w.close_field(number, w.size() - mark);
}

void write_map(ProtoWriter& w, uint32_t number, const Type& type, const void* p) {
  for (std::size_t i = type.map->size(p); i-- > 0;) {
    const std::size_t mark = w.size();
    write_field(w, 2, *type.elem, type.map->value_at(mut(p), i), true);
    w.bytes_field(1, type.map->key_at(p, i));
    w.close_field(number, w.size() - mark);
  }
}

void write_time(ProtoWriter& w, const Time& time, int32_t nanos) {
  if (time.zero()) return;
  w.varint_field(2, static_cast<uint64_t>(static_cast<int64_t>(nanos)));
  w.varint_field(1, static_cast<uint64_t>(time.seconds));
}

void write_special(ProtoWriter& w, const Type& type, const void* p) {
  switch (type.kind) {
    case Kind::Quantity: return w.bytes_field(1, as<Quantity>(p).text());
    case Kind::IntOrString: {
      const auto& v = as<IntOrString>(p);
      w.bytes_field(3, v.string_value);
      w.varint_field(2, static_cast<uint64_t>(static_cast<int64_t>(v.int_value)));
      return w.varint_field(1, v.is_string ? 1 : 0);
    }
    case Kind::Time: return write_time(w, as<Time>(p), 0);
    case Kind::MicroTime: return write_time(w, as<MicroTime>(p), as<MicroTime>(p).nanos / 1000 * 1000);
    case Kind::Duration: return w.varint_field(1, static_cast<uint64_t>(as<Duration>(p).nanos));
    case Kind::RawExtension:
      if (!as<RawExtension>(p).raw.empty()) w.bytes_field(1, as<RawExtension>(p).raw);
      return;
    case Kind::FieldsV1:
      if (!as<FieldsV1>(p).raw.empty()) w.bytes_field(1, as<FieldsV1>(p).raw);
      return;
    case Kind::Json:
      if (!as<Json>(p).raw.empty()) w.bytes_field(1, as<Json>(p).raw);
      return;
    default: return write_message(w, type, p);
  }
}

void write_field(ProtoWriter& w, uint32_t number, const Type& type, const void* p, bool keep_empty) {
  switch (type.kind) {
    case Kind::Bool: return w.varint_field(number, as<bool>(p) ? 1 : 0);
    case Kind::Int32: return w.varint_field(number, static_cast<uint64_t>(static_cast<int64_t>(as<int32_t>(p))));
    case Kind::Int64: return w.varint_field(number, static_cast<uint64_t>(as<int64_t>(p)));
    case Kind::Uint64: return w.varint_field(number, as<uint64_t>(p));
    case Kind::Float32: w.fixed32(std::bit_cast<uint32_t>(as<float>(p))); return w.tag(number, WireType::Fixed32);
    case Kind::Float64: w.fixed64(std::bit_cast<uint64_t>(as<double>(p))); return w.tag(number, WireType::Fixed64);
    case Kind::String: return w.bytes_field(number, as<std::string>(p));
    case Kind::Bytes:
      if (keep_empty || !as<std::string>(p).empty()) w.bytes_field(number, as<std::string>(p));
      return;
    case Kind::Optional:
    case Kind::Box:
      if (const void* inner = type.pointer->get(mut(p))) write_field(w, number, *type.elem, inner, true);
      return;
    case Kind::List: return write_list(w, number, type, p, keep_empty);
    case Kind::Map: return write_map(w, number, type, p);
    default: {
      const std::size_t mark = w.size();
      write_special(w, type, p);
      w.close_field(number, w.size() - mark);
    }
  }
}

}  // namespace

void encode_proto(const Type& type, const void* object, std::string& out) {
  CHECK(type.rest_offset < 0, "a custom object travels as JSON alone");
  thread_local ProtoWriter writer;  // keeps its buffer from one object to the next
  writer.clear();
  write_special(writer, type, object);
  out += writer.view();
  writer.trim();
}

}  // namespace pintle::api
