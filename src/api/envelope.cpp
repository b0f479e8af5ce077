// The envelope of stored and sent protobuf objects: "k8s\0" and a runtime.Unknown message
// {1: typeMeta {1: apiVersion, 2: kind}, 2: raw, 3: contentEncoding, 4: contentType}.
#include "api/codec.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

constexpr std::string_view magic("k8s\0", 4);

using codec::ProtoReader;
using codec::WireType;

// Calls on_bytes(number, view) for each length-delimited field; false: malformed.
template <class F>
bool each_bytes_field(std::string_view message, F on_bytes) {
  ProtoReader reader(message);
  uint32_t number = 0;
  WireType wire{};
  std::string_view value;
  while (!reader.at_end()) {
    if (!reader.tag(number, wire)) return false;
    if (wire != WireType::Bytes) {
      if (!reader.skip(number, wire)) return false;
    } else {
      if (!reader.bytes(value)) return false;
      on_bytes(number, value);
    }
  }
  return true;
}

}  // namespace

std::string encode_envelope(const GroupVersionKind& kind, std::string_view raw) {
  std::string type_meta;
  codec::append_bytes_field(1, api_version(kind), type_meta);
  codec::append_bytes_field(2, kind.kind, type_meta);
  std::string out;
  out.reserve(magic.size() + type_meta.size() + raw.size() + 24);
  out += magic;
  codec::append_bytes_field(1, type_meta, out);
  codec::append_bytes_field(2, raw, out);
  codec::append_bytes_field(3, "", out);
  codec::append_bytes_field(4, "", out);
  return out;
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  if (!has_envelope(bytes)) return bad_request("protobuf: the k8s prefix is missing");
  Envelope envelope;
  std::string_view type_meta;
  bool well_formed = each_bytes_field(bytes.substr(magic.size()), [&](uint32_t number, std::string_view value) {
    if (number == 1) type_meta = value;
    if (number == 2) envelope.raw = value;
    if (number == 3) envelope.content_encoding = value;
    if (number == 4) envelope.content_type = value;
  });
  well_formed = well_formed && each_bytes_field(type_meta, [&](uint32_t number, std::string_view value) {
                  if (number == 1) envelope.api_version = value;
                  if (number == 2) envelope.kind = value;
                });
  if (!well_formed) return bad_request("protobuf: malformed envelope");
  return envelope;
}

bool has_envelope(std::string_view bytes) { return bytes.starts_with(magic); }

}  // namespace pintle::api
