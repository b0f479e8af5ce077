// Protobuf into a struct, with proto2's rules: unknown fields passed over, a message that comes twice merged, the last
// of a scalar taken, repeated scalars packed or not.
#include <algorithm>
#include <bit>
#include <vector>

#include "api/codec.h"
#include "api/decode_budget.h"
#include "api/type_plan.h"
#include "api/untrusted.h"
#include "api/values.h"
#include "codec/json_reader.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

using codec::ProtoReader;
using codec::WireType;

template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

// One JSON value and nothing else, nested no deeper than any document may be.
bool is_json(std::string_view text) {
  codec::JsonReader reader(text);
  return reader.skip_value() && reader.finish();
}

class ProtoDecoder {
 public:
  // `trusted`: our own bytes, or those of a server we believe.
  explicit ProtoDecoder(bool trusted) : trusted_(trusted), budget_(trusted ? DecodeBudget::unlimited : codec::decoded_bytes_max) {}

  bool message(const Type& type, void* p, std::string_view bytes) {
    if (!enter()) return false;
    const TypePlan& plan = plan_of(type);
    ProtoReader reader(bytes);
    uint32_t number = 0;
    WireType wire{};
    std::vector<const PlanField*> unsorted;  // maps whose entries came in bad order: put right at the end
    while (!reader.at_end()) {
      if (!reader.tag(number, wire)) return false;
      const PlanField* field = plan.find_proto(number);
      if (field == nullptr) {
        if (!reader.skip(number, wire)) return false;
        continue;
      }
      void* at = static_cast<char*>(p) + field->offset;
      // Lists and maps are levels of their own in JSON. Bytes we trust have fewer than proto_depth_max levels without them.
      const bool is_level = !trusted_ && (field->kind == Kind::Map || field->kind == Kind::List);
      if (is_level && !enter()) return false;
      if (field->kind == Kind::Map) {
        bool sorted = true;
        if (wire != WireType::Bytes || !map_entry(*field->type, at, reader, sorted)) return false;
        if (!sorted && std::find(unsorted.begin(), unsorted.end(), field) == unsorted.end()) unsorted.push_back(field);
      } else if (!value(*field->type, at, reader, wire)) {
        return false;
      }
      depth_ -= is_level;
    }
    for (const PlanField* field : unsorted) field->type->map->sort_unique(static_cast<char*>(p) + field->offset);
    --depth_;
    return true;
  }

  // A message of a kind with a form of its own, or a plain one.
  bool special(const Type& type, void* p, std::string_view bytes) {
    switch (type.kind) {
      case Kind::Quantity: return quantity(as<Quantity>(p), bytes);
      case Kind::IntOrString: return int_or_string(as<IntOrString>(p), bytes);
      case Kind::Time: return time(as<Time>(p), bytes, false);
      case Kind::MicroTime: return time(as<MicroTime>(p), bytes, true);
      case Kind::Duration: {
        uint64_t nanos = 0;
        if (!varint_member(bytes, 1, nanos)) return false;
        as<Duration>(p).nanos = static_cast<int64_t>(nanos);
        return true;
      }
      case Kind::RawExtension: {
        auto& raw = as<RawExtension>(p);
        if (!bytes_member(bytes, 1, raw.raw)) return false;
        raw.content_type = has_envelope(raw.raw) ? "application/vnd.kubernetes.protobuf" : "";
        return raw.content_type.empty() ? sound_json(raw.raw) : true;
      }
      case Kind::FieldsV1: return bytes_member(bytes, 1, as<FieldsV1>(p).raw) && sound_json(as<FieldsV1>(p).raw);
      case Kind::Json: return bytes_member(bytes, 1, as<Json>(p).raw) && sound_json(as<Json>(p).raw);
      case Kind::List: return wrapped_list(type, p, bytes);
      default: return message(type, p, bytes);
    }
  }

  Status error() const {
    if (budget_.exceeded()) return budget_.error();
    if (!message_.empty()) return Status{Reason::BadRequest, 0, message_, {}};
    return Status{Reason::BadRequest, 0, too_deep_ ? "protobuf: nested too deep" : "protobuf: malformed message", {}};
  }

 private:
  bool enter() {
    too_deep_ = ++depth_ > (trusted_ ? proto_depth_max : codec::nesting_max);
    return !too_deep_;
  }

  // What is JSON by its type is copied into answers as it is.
  bool sound_json(std::string_view text) {
    if (trusted_ || text.empty() || is_json(text)) return true;
    if (message_.empty()) message_ = "protobuf: an embedded value is not JSON";
    return false;
  }

  bool value(const Type& type, void* p, ProtoReader& reader, WireType wire) {
    switch (type.kind) {
      case Kind::Optional:
      case Kind::Box: {
        void* inner = type.pointer->get(p);
        if (inner == nullptr && type.kind == Kind::Box && !budget_.take(type.elem->size)) return false;
        return value(*type.elem, inner != nullptr ? inner : type.pointer->emplace(p), reader, wire);
      }
      case Kind::List:
        if (type.proto_wrapped) break;
        if (wire == WireType::Bytes && wire_of(type.elem->kind) != WireType::Bytes) return packed(type, p, reader);
        if (!budget_.take(type.elem->size)) return false;
        return value(*type.elem, type.list->push_back(p), reader, wire);
      case Kind::Map: {  // behind a pointer; the message loop has the others
        bool sorted = true;
        if (wire != WireType::Bytes || !map_entry(type, p, reader, sorted)) return false;
        if (!sorted) type.map->sort_unique(p);
        return true;
      }
      default: break;
    }
    if (wire != wire_of(type.kind)) {
      if (message_.empty()) message_ = "protobuf: a field has the wrong wire type";
      return false;
    }
    return scalar(type, p, reader);
  }

  bool packed(const Type& type, void* p, ProtoReader& reader) {
    std::string_view bytes;
    if (!reader.bytes(bytes)) return false;
    ProtoReader items(bytes);
    while (!items.at_end())
      if (!budget_.take(type.elem->size) || !scalar(*type.elem, type.list->push_back(p), items)) return false;
    return true;
  }

  bool scalar(const Type& type, void* p, ProtoReader& reader) {
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    std::string_view bytes;
    switch (type.kind) {
      case Kind::Bool:
        if (!reader.varint(u64)) return false;
        as<bool>(p) = u64 != 0;
        return true;
      case Kind::Int32:
        if (!reader.varint(u64)) return false;
        as<int32_t>(p) = static_cast<int32_t>(u64);
        return true;
      case Kind::Int64:
      case Kind::Uint64:
        if (!reader.varint(u64)) return false;
        as<uint64_t>(p) = u64;
        return true;
      case Kind::Float32:
        if (!reader.fixed32(u32)) return false;
        as<float>(p) = std::bit_cast<float>(u32);
        return true;
      case Kind::Float64:
        if (!reader.fixed64(u64)) return false;
        as<double>(p) = std::bit_cast<double>(u64);
        return true;
      case Kind::String:
      case Kind::Bytes:
        if (!reader.bytes(bytes)) return false;
        as<std::string>(p).assign(bytes);
        return true;
      default: return reader.bytes(bytes) && special(type, p, bytes);
    }
  }

  bool map_entry(const Type& type, void* map, ProtoReader& reader, bool& sorted) {
    std::string_view entry, key;
    if (!reader.bytes(entry) || !view_member(entry, 1, key)) return false;
    const std::size_t n = type.map->size(map);
    sorted = n == 0 || type.map->key_at(map, n - 1) < key;
    if (!budget_.take(sizeof(std::string) + type.elem->size)) return false;
    void* at = type.map->append(map, key);
    ProtoReader fields(entry);
    uint32_t number = 0;
    WireType wire{};
    while (!fields.at_end()) {
      if (!fields.tag(number, wire)) return false;
      if (number == 2 ? !value(*type.elem, at, fields, wire) : !fields.skip(number, wire)) return false;
    }
    return true;
  }

  bool wrapped_list(const Type& type, void* p, std::string_view bytes) {
    ProtoReader reader(bytes);
    uint32_t number = 0;
    WireType wire{};
    while (!reader.at_end()) {
      if (!reader.tag(number, wire)) return false;
      if (number == 1 && !budget_.take(type.elem->size)) return false;
      if (number == 1 ? !value(*type.elem, type.list->push_back(p), reader, wire) : !reader.skip(number, wire)) return false;
    }
    return true;
  }

  // The last member with the number in a message of few members; untouched if there is none.
  static bool view_member(std::string_view message, uint32_t wanted, std::string_view& out) {
    ProtoReader reader(message);
    uint32_t number = 0;
    WireType wire{};
    while (!reader.at_end()) {
      if (!reader.tag(number, wire)) return false;
      if (number == wanted && wire == WireType::Bytes ? !reader.bytes(out) : !reader.skip(number, wire)) return false;
    }
    return true;
  }
  static bool bytes_member(std::string_view message, uint32_t wanted, std::string& out) {
    std::string_view view;
    if (!view_member(message, wanted, view)) return false;
    out.assign(view);
    return true;
  }
  static bool varint_member(std::string_view message, uint32_t wanted, uint64_t& out) {
    ProtoReader reader(message);
    uint32_t number = 0;
    WireType wire{};
    while (!reader.at_end()) {
      if (!reader.tag(number, wire)) return false;
      if (number == wanted && wire == WireType::Varint ? !reader.varint(out) : !reader.skip(number, wire)) return false;
    }
    return true;
  }

  bool quantity(Quantity& out, std::string_view bytes) {
    std::string_view text;
    if (!view_member(bytes, 1, text)) return false;
    auto parsed = Quantity::parse(text.empty() ? "0" : text);
    if (!parsed) {
      message_ = "protobuf: " + parsed.error().message;
      return false;
    }
    out = std::move(*parsed);
    return true;
  }

  static bool int_or_string(IntOrString& out, std::string_view bytes) {
    uint64_t kind = 0, number = 0;
    std::string text;
    if (!varint_member(bytes, 1, kind) || !varint_member(bytes, 2, number) || !bytes_member(bytes, 3, text)) return false;
    out = {kind == 1, static_cast<int32_t>(number), std::move(text)};
    return true;
  }

  static bool time(Time& out, std::string_view bytes, bool micro) {
    uint64_t seconds = 0, nanos = 0;
    if (!varint_member(bytes, 1, seconds) || !varint_member(bytes, 2, nanos)) return false;
    auto fraction = static_cast<int32_t>(nanos);
    if (!micro || fraction < 0 || fraction > 999999999) fraction = 0;
    const Time value = bytes.empty() ? Time() : time_from_unix(static_cast<int64_t>(seconds), fraction / 1000 * 1000);
    out.seconds = value.seconds;
    out.nanos = value.nanos;
    return true;
  }

  bool trusted_;
  DecodeBudget budget_;
  int depth_ = 0;
  bool too_deep_ = false;
  std::string message_;
};

Result<Unit> decode(bool trusted, std::string_view bytes, const Type& type, void* into) {
  ProtoDecoder decoder(trusted);
  if (decoder.special(type, into, bytes)) return Unit();
  return Unexpected(decoder.error());
}

}  // namespace

Result<Unit> decode_proto(std::string_view bytes, const Type& type, void* into) { return decode(true, bytes, type, into); }
Result<Unit> decode_untrusted_proto(std::string_view bytes, const Type& type, void* into) {
  if (type.rest_offset >= 0) return error(Reason::UnsupportedMediaType, "a custom object travels as JSON alone");
  return decode(false, bytes, type, into);
}

}  // namespace pintle::api
