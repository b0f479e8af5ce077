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

// What protobuf has for a field. A singular one: its bytes, or its number in `n`. A repeated one: from its first tag to
// the end of the message.
struct Slot {
  const char* at = nullptr;
  uint64_t n = 0;  // length or number
  WireType wire = WireType::Varint;

  std::string_view bytes() const { return {at, static_cast<std::size_t>(n)}; }
  bool empty() const { return n == 0; }
};

bool read_slot(ProtoReader& reader, WireType wire, Slot& slot) {
  slot.wire = wire;
  switch (wire) {
    case WireType::Varint: return reader.varint(slot.n);
    case WireType::Fixed64: return reader.fixed64(slot.n);
    case WireType::Fixed32: {
      uint32_t n = 0;
      if (!reader.fixed32(n)) return false;
      slot.n = n;
      return true;
    }
    case WireType::Bytes: {
      std::string_view view;
      if (!reader.bytes(view)) return false;
      slot.at = view.data();
      slot.n = view.size();
      return true;
    }
    default: return false;
  }
}

bool is_repeated(const PlanField& field) { return field.kind == Kind::Map || (field.kind == Kind::List && !field.type->proto_wrapped); }

constexpr std::size_t mask_bits = 64;

// A false return: not the form above; nothing is said about whether the input is well formed.
class Transcoder {
 public:
  explicit Transcoder(std::string& out) : out_(out) {}

  bool message(const Type& type, std::string_view bytes, const GroupVersionKind* kind) {
    const TypePlan& plan = plan_of(type);
    if (++depth_ > proto_depth_max || plan.fields.size() > mask_bits) return false;
    const std::size_t base = top_;
    top_ += plan.fields.size();
    if (slots_.size() < top_) slots_.resize(top_ * 2);
    uint64_t present = 0;
    if (!locate(plan, bytes, base, nullptr, present)) return false;
    open_json(kind, out_);
    bool first = kind == nullptr;
    for (uint64_t todo = present | plan.always_written; todo != 0; todo &= todo - 1) {
      const auto i = static_cast<std::size_t>(__builtin_ctzll(todo));
      if (!field(plan.fields[i], slots_[base + i], (present >> i & 1) != 0, first)) return false;
    }
    out_ += '}';
    top_ = base;
    --depth_;
    return true;
  }

 private:
  // Notes the fields of one message; those of an inlined one land among the fields of the outer one by `places`.
  bool locate(const TypePlan& plan, std::string_view bytes, std::size_t base, const std::vector<int>* places, uint64_t& present) {
    ProtoReader reader(bytes);
    const char* const end = bytes.data() + bytes.size();
    uint64_t seen = 0;
    uint32_t number = 0, last = 0;
    WireType wire{};
    while (!reader.at_end()) {
      const char* const tag_at = reader.position();
      if (!reader.tag(number, wire)) return false;
      const PlanField* entry = plan.find_proto(number);
      if (entry == nullptr) {
        if (!reader.skip(number, wire)) return false;
      } else if (entry->json_index < 0) {
        std::string_view inner;
        if (places != nullptr || number == last || wire != WireType::Bytes || !reader.bytes(inner)) return false;
        if (!locate(plan_of(*entry->type), inner, base, &entry->inlined, present)) return false;
      } else {
        if (wire != entry->wire) return false;
        const int place = places == nullptr ? entry->json_index : (*places)[static_cast<std::size_t>(entry->json_index)];
        if (place < 0) return false;
        const uint64_t bit = uint64_t{1} << place;
        Slot& slot = slots_[base + static_cast<std::size_t>(place)];
        const bool repeated = is_repeated(*entry);
        if ((seen & bit) != 0 && (!repeated || number != last)) return false;
        if (repeated) {
          if ((seen & bit) == 0) slot = {tag_at, static_cast<uint64_t>(end - tag_at), wire};
          present |= bit;
          if (!reader.skip(number, wire)) return false;
        } else {
          if (!read_slot(reader, wire, slot)) return false;
          // Scalars are always in the message; the empty ones may be left out.
          const bool may_be_left_out = entry->omit_empty && (entry->kind <= Kind::Bytes || entry->kind == Kind::List);
          if (!may_be_left_out || !slot.empty()) present |= bit;
        }
        seen |= bit;
      }
      last = number;
    }
    return true;
  }

  bool field(const PlanField& field, Slot slot, bool present, bool& first) {
    const std::size_t start = out_.size();
    out_.append(field.json_key, first ? 1 : 0, std::string::npos);
    if (!present) {
      if (!absent(*field.type, field.empty_as_list)) return false;
    } else if (field.kind == Kind::Map) {
      if (!map(*field.type, slot.bytes())) return false;
    } else if (is_repeated(field)) {
      if (!list(*field.type, slot.bytes(), field.item_kind)) return false;
    } else if (!value(*field.type, slot)) {
      return false;
    }
    if (field.omit_zero && (!present || is_zero_value(field, slot))) {
      out_.resize(start);
      return true;
    }
    first = false;
    return true;
  }

  bool is_zero_value(const PlanField& field, Slot slot) {
    if (field.kind == Kind::Time || field.kind == Kind::MicroTime) return out_.ends_with(":null");
    if (slot.wire != WireType::Bytes) return slot.n == 0;
    Object object(*field.type);
    return decode_proto(slot.bytes(), *field.type, object.data()) && is_zero(*field.type, object.data());
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

  // A run of one repeated field, from its first tag. `kind`: what its items show.
  bool list(const Type& type, std::string_view run_bytes, const GroupVersionKind* kind) {
    ProtoReader reader(run_bytes);
    uint32_t run = 0, number = 0;
    WireType wire{};
    Slot item;
    if (!reader.tag(run, wire)) return false;
    out_ += '[';
    for (;;) {
      if (!read_slot(reader, wire, item)) return false;
      if (kind == nullptr ? !value(*type.elem, item) : wire != WireType::Bytes || !message(*type.elem, item.bytes(), kind)) return false;
      if (reader.at_end()) break;
      if (!reader.tag(number, wire) || number != run) break;
      out_ += ',';
    }
    out_ += ']';
    return true;
  }

  bool map(const Type& type, std::string_view run_bytes) {
    ProtoReader reader(run_bytes);
    uint32_t run = 0, number = 0;
    WireType wire{};
    std::string_view entry, key, last;
    if (!reader.tag(run, wire)) return false;
    out_ += '{';
    for (bool first = true;; first = false) {
      if (wire != WireType::Bytes || !reader.bytes(entry)) return false;
      ProtoReader fields(entry);
      Slot item;
      // {1: key, 2: value}, in this order and nothing else.
      if (!fields.tag(number, wire) || number != 1 || wire != WireType::Bytes || !fields.bytes(key)) return false;
      if (!first && key <= last) return false;
      last = key;
      codec::append_json_string(key, out_);
      out_ += ':';
      if (!fields.tag(number, wire) || number != 2 || !read_slot(fields, wire, item) || !fields.at_end()) return false;
      if (type.elem->kind == Kind::Bytes && wire == WireType::Bytes && item.empty()) {
        out_ += "\"\"";
      } else if (!value(*type.elem, item)) {
        return false;
      }
      if (reader.at_end() || !reader.tag(number, wire) || number != run) break;
      out_ += ',';
    }
    out_ += '}';
    return true;
  }

  bool value(const Type& type, Slot slot) {
    switch (type.kind) {
      case Kind::Optional:
      case Kind::Box:
        if (type.elem->kind == Kind::List || type.elem->kind == Kind::Map || type.elem->kind == Kind::Bytes) return false;
        return value(*type.elem, slot);
      case Kind::Bool: out_ += slot.n != 0 ? "true" : "false"; break;
      case Kind::Int32: codec::append_json_int(static_cast<int32_t>(slot.n), out_); break;
      case Kind::Int64: codec::append_json_int(static_cast<int64_t>(slot.n), out_); break;
      case Kind::Uint64: codec::append_json_uint(slot.n, out_); break;
      case Kind::Float32: codec::append_json_float(std::bit_cast<float>(static_cast<uint32_t>(slot.n)), out_); return slot.wire == WireType::Fixed32;
      case Kind::Float64: codec::append_json_double(std::bit_cast<double>(slot.n), out_); return slot.wire == WireType::Fixed64;
      default: return slot.wire == WireType::Bytes && of_bytes(type, slot.bytes());
    }
    return slot.wire == WireType::Varint;
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
    if (type.kind == Kind::Time) return small_as<Time>(type, bytes);
    if (type.kind == Kind::MicroTime) return small_as<MicroTime>(type, bytes);
    if (type.kind == Kind::Quantity) return small_as<Quantity>(type, bytes);
    if (type.kind == Kind::IntOrString) return small_as<IntOrString>(type, bytes);
    Object object(type);
    if (!decode_proto(bytes, type, object.data())) return false;
    write_json(type, object.data(), out_);
    return true;
  }

  template <class T>
  bool small_as(const Type& type, std::string_view bytes) {
    T value;
    if (!decode_proto(bytes, type, &value)) return false;
    write_json(type, &value, out_);
    return true;
  }

  std::string& out_;
  std::vector<Slot> slots_;  // a stack: the fields of each message that is open
  std::size_t top_ = 0;
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
