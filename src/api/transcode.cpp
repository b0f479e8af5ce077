// Protobuf bytes to JSON without a struct in between. JSON wants declaration order and protobuf comes by number, so a
// message is read once to note where each field starts, then written. It takes the form that our own and upstream's
// encoders write (each singular field once, repeated fields in one run, maps sorted); anything else goes the long way.
#include <bit>

#include "api/codec.h"
#include "api/json_encode.h"
#include "api/object.h"
#include "api/type_plan.h"
#include "api/values.h"
#include "codec/base64.h"
#include "codec/json_text.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

using codec::ProtoReader;
using codec::WireType;

// Where a field starts: a singular one at its value, a repeated one at its first tag.
struct Slot {
  const char* at = nullptr;
  const char* end = nullptr;      // of the message that holds it
  WireType wire = WireType::Varint;
};

bool is_repeated(const PlanField& field) {
  return field.kind == Kind::Map || (field.kind == Kind::List && !field.type->proto_wrapped);
}

// A false return: not the form above; nothing is said about whether the input is well formed.
class Transcoder {
 public:
  explicit Transcoder(std::string& out) : out_(out) {}

  bool message(const Type& type, std::string_view bytes, const GroupVersionKind* kind) {
    if (++depth_ > proto_depth_max) return false;
    const TypePlan& plan = plan_of(type);
    const std::size_t base = slots_.size();
    slots_.resize(base + plan.fields.size());
    if (!locate(plan, bytes, base, nullptr)) return false;
    open_json(kind, out_);
    for (std::size_t i = 0; i < plan.fields.size(); ++i)
      if (!field(plan.fields[i], slots_[base + i])) return false;
    out_ += '}';
    slots_.resize(base);
    --depth_;
    return true;
  }

 private:
  // Notes the fields of one message; those of an inlined one land among the fields of the outer one by `places`.
  bool locate(const TypePlan& plan, std::string_view bytes, std::size_t base, const std::vector<int>* places) {
    ProtoReader reader(bytes);
    const char* const end = bytes.data() + bytes.size();
    uint32_t number = 0, last = 0;
    WireType wire{};
    while (!reader.at_end()) {
      const char* const tag_at = reader.position();
      if (!reader.tag(number, wire)) return false;
      const PlanField* entry = plan.find_proto(number);
      if (entry != nullptr && entry->json_index < 0) {
        std::string_view inner;
        if (places != nullptr || number == last || wire != WireType::Bytes || !reader.bytes(inner)) return false;
        if (!locate(plan_of(*entry->type), inner, base, &entry->inlined)) return false;
      } else {
        if (entry != nullptr) {
          const int place = places == nullptr ? entry->json_index : (*places)[static_cast<std::size_t>(entry->json_index)];
          if (place < 0) return false;
          Slot& slot = slots_[base + static_cast<std::size_t>(place)];
          const bool repeated = is_repeated(*entry);
          if (slot.at == nullptr) {
            slot = {repeated ? tag_at : reader.position(), end, wire};
          } else if (!repeated || number != last) {
            return false;
          }
        }
        if (!reader.skip(number, wire)) return false;
      }
      last = number;
    }
    return true;
  }

  bool field(const PlanField& field, Slot slot) {
    const std::size_t start = out_.size();
    if (slot.at == nullptr && field.omit_empty && may_be_empty(field.kind)) return true;
    if (out_.back() != '{') out_ += ',';
    out_ += field.json_key;
    const std::size_t value_at = out_.size();
    const bool done = slot.at == nullptr ? absent(*field.type, field.empty_as_list) : present(field, slot);
    if (!done) return false;
    if (field.omit_empty && is_empty_scalar(field.kind, std::string_view(out_).substr(value_at))) out_.resize(start);
    else if (field.omit_zero) return drop_zero(field, slot, start);
    return true;
  }

  static bool may_be_empty(Kind kind) { return kind <= Kind::Bytes || kind == Kind::Optional || kind == Kind::Box || kind == Kind::List || kind == Kind::Map; }

  // A scalar that was written (as every scalar is) and is empty all the same.
  static bool is_empty_scalar(Kind kind, std::string_view json) {
    switch (kind) {
      case Kind::Bool: return json == "false";
      case Kind::Int32:
      case Kind::Int64:
      case Kind::Uint64: return json == "0";
      case Kind::Float32:
      case Kind::Float64: return json == "0" || json == "-0";
      case Kind::String: return json == "\"\"";
      case Kind::Bytes:
      case Kind::List: return json == "null";
      default: return false;
    }
  }

  bool drop_zero(const PlanField& field, Slot slot, std::size_t start) {
    bool zero = slot.at == nullptr;
    if (!zero && (field.kind == Kind::Time || field.kind == Kind::MicroTime)) {
      zero = out_.ends_with(":null");
    } else if (!zero) {
      std::string_view bytes;
      Object object(*field.type);
      if (slot.wire != WireType::Bytes || !ProtoReader({slot.at, static_cast<std::size_t>(slot.end - slot.at)}).bytes(bytes)) return false;
      if (!decode_proto(bytes, *field.type, object.data())) return false;
      zero = is_zero(*field.type, object.data());
    }
    if (zero) out_.resize(start);
    return true;
  }

  // What the default value of a type looks like.
  bool absent(const Type& type, bool empty_as_container) {
    switch (type.kind) {
      case Kind::Bool: out_ += "false"; return true;
      case Kind::Int32:
      case Kind::Int64:
      case Kind::Uint64:
      case Kind::Float32:
      case Kind::Float64:
      case Kind::IntOrString: out_ += '0'; return true;
      case Kind::String: out_ += "\"\""; return true;
      case Kind::Quantity: out_ += "\"0\""; return true;
      case Kind::Duration: out_ += "\"0s\""; return true;
      case Kind::Struct: return message(type, {}, nullptr);
      case Kind::Union: return false;
      case Kind::List: out_ += empty_as_container ? "[]" : "null"; return true;
      case Kind::Map: out_ += empty_as_container ? "{}" : "null"; return true;
      default: out_ += "null"; return true;
    }
  }

  bool present(const PlanField& field, Slot slot) {
    ProtoReader reader({slot.at, static_cast<std::size_t>(slot.end - slot.at)});
    if (field.kind == Kind::Map) return map(*field.type, reader);
    if (is_repeated(field)) return list(*field.type, reader);
    return value(*field.type, reader, slot.wire);
  }

  // A run of one repeated field, the reader at its first tag.
  bool list(const Type& type, ProtoReader& reader) {
    uint32_t run = 0, number = 0;
    WireType wire{};
    if (!reader.tag(run, wire)) return false;
    if (wire == WireType::Bytes && type.elem->kind <= Kind::Float64) return false;   // packed
    out_ += '[';
    for (;;) {
      if (!value(*type.elem, reader, wire)) return false;
      if (reader.at_end()) break;
      if (!reader.tag(number, wire) || number != run) break;
      out_ += ',';
    }
    out_ += ']';
    return true;
  }

  bool map(const Type& type, ProtoReader& reader) {
    uint32_t run = 0, number = 0;
    WireType wire{};
    std::string_view entry, key, last;
    if (!reader.tag(run, wire)) return false;
    out_ += '{';
    for (bool first = true;; first = false) {
      if (wire != WireType::Bytes || !reader.bytes(entry)) return false;
      ProtoReader fields(entry);
      // {1: key, 2: value}, in this order and nothing else.
      if (!fields.tag(number, wire) || number != 1 || wire != WireType::Bytes || !fields.bytes(key)) return false;
      if (!first && key <= last) return false;
      last = key;
      codec::append_json_string(key, out_);
      out_ += ':';
      if (!fields.tag(number, wire) || number != 2) return false;
      if (type.elem->kind == Kind::Bytes) {
        if (wire != WireType::Bytes || !fields.bytes(entry)) return false;
        out_ += '"';
        codec::append_base64(entry, out_);
        out_ += '"';
      } else if (!value(*type.elem, fields, wire)) {
        return false;
      }
      if (!fields.at_end()) return false;
      if (reader.at_end() || !reader.tag(number, wire) || number != run) break;
      out_ += ',';
    }
    out_ += '}';
    return true;
  }

  bool value(const Type& type, ProtoReader& reader, WireType wire) {
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    std::string_view bytes;
    switch (type.kind) {
      case Kind::Optional:
      case Kind::Box:
        if (type.elem->kind == Kind::List || type.elem->kind == Kind::Map || type.elem->kind == Kind::Bytes) return false;
        return value(*type.elem, reader, wire);
      case Kind::Bool:
        if (wire != WireType::Varint || !reader.varint(u64)) return false;
        out_ += u64 != 0 ? "true" : "false";
        return true;
      case Kind::Int32:
        if (wire != WireType::Varint || !reader.varint(u64)) return false;
        codec::append_json_int(static_cast<int32_t>(u64), out_);
        return true;
      case Kind::Int64:
        if (wire != WireType::Varint || !reader.varint(u64)) return false;
        codec::append_json_int(static_cast<int64_t>(u64), out_);
        return true;
      case Kind::Uint64:
        if (wire != WireType::Varint || !reader.varint(u64)) return false;
        codec::append_json_uint(u64, out_);
        return true;
      case Kind::Float32:
        if (wire != WireType::Fixed32 || !reader.fixed32(u32)) return false;
        codec::append_json_float(std::bit_cast<float>(u32), out_);
        return true;
      case Kind::Float64:
        if (wire != WireType::Fixed64 || !reader.fixed64(u64)) return false;
        codec::append_json_double(std::bit_cast<double>(u64), out_);
        return true;
      default: break;
    }
    return wire == WireType::Bytes && reader.bytes(bytes) && of_bytes(type, bytes);
  }

  bool of_bytes(const Type& type, std::string_view bytes) {
    switch (type.kind) {
      case Kind::String: codec::append_json_string(bytes, out_); return true;
      case Kind::Struct: return message(type, bytes, nullptr);
      case Kind::Bytes: {
        if (bytes.empty()) {
          out_ += "null";
          return true;
        }
        out_ += '"';
        codec::append_base64(bytes, out_);
        out_ += '"';
        return true;
      }
      case Kind::Map: return false;
      default: return small(type, bytes);
    }
  }

  // The kinds with a form of their own are small: read and written like any decoder would.
  bool small(const Type& type, std::string_view bytes) {
    if (type.kind == Kind::Time || type.kind == Kind::MicroTime) {
      MicroTime time;
      if (!decode_proto(bytes, type, &time)) return false;
      write_json(type, &time, out_);
      return true;
    }
    if (type.kind == Kind::IntOrString) {
      IntOrString value;
      if (!decode_proto(bytes, type, &value)) return false;
      write_json(type, &value, out_);
      return true;
    }
    Object object(type);
    if (!decode_proto(bytes, type, object.data())) return false;
    write_json(type, object.data(), out_);
    return true;
  }

  std::string& out_;
  std::vector<Slot> slots_;   // a stack: the fields of each message that is open
  int depth_ = 0;
};

}  // namespace

Result<Unit> transcode_json(const Type& type, std::string_view proto, std::string& out, const GroupVersionKind* kind) {
  const std::size_t start = out.size();
  if (type.kind == Kind::Struct) {
    if (Transcoder(out).message(type, proto, kind)) return Unit();
    out.resize(start);
  }
  Object object(type);
  TRY(decode_proto(proto, type, object.data()));
  encode_json(type, object.data(), out, kind);
  return Unit();
}

}  // namespace pintle::api
