// The walkers that read and write: JSON exactly as Go's encoder writes it, protobuf exactly as upstream's generated
// code writes it, and JSON straight from protobuf bytes without decoding in between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::api {

// What a decoder does about fields the type does not have, and about keys that come twice.
enum class Strictness { Ignore, Collect };

struct DecodeReport {
  // In document order, with upstream's form of the path: `unknown field "spec.bogus"`, `duplicate field "data.a"`.
  std::vector<std::string> problems;
};

constexpr int proto_depth_max = 1000;

// `json` must be UTF-8 (invalid sequences become U+FFFD, as in Go). apiVersion and kind at the root are skipped.
// BadRequest names the path of the field at fault. Field names match exactly (case included).
Result<Unit> decode_json(std::string_view json, const Type& type, void* into, Strictness strictness = Strictness::Ignore,
                         DecodeReport* report = nullptr);
Result<Unit> decode_value(const codec::Value& value, const Type& type, void* into, Strictness strictness = Strictness::Ignore,
                          DecodeReport* report = nullptr);
// The type's own message, without the k8s envelope. Unknown fields are skipped.
Result<Unit> decode_proto(std::string_view bytes, const Type& type, void* into);

// Appends. With `kind`, the object starts with "kind" and "apiVersion" as upstream's typed encoder writes them.
void encode_json(const Type& type, const void* object, std::string& out, const GroupVersionKind* kind = nullptr);
void encode_proto(const Type& type, const void* object, std::string& out);
codec::Value to_value(const Type& type, const void* object, const GroupVersionKind* kind = nullptr);
// Protobuf message bytes to JSON, streaming: the same text as decode_proto + encode_json.
Result<Unit> transcode_json(const Type& type, std::string_view proto, std::string& out, const GroupVersionKind* kind = nullptr);

// "k8s\0" + runtime.Unknown{typeMeta, raw}.
std::string encode_envelope(const GroupVersionKind& kind, std::string_view raw);
struct Envelope {
  std::string api_version;
  std::string kind;
  std::string_view raw;  // points into the input
  std::string_view content_encoding;
  std::string_view content_type;
};
Result<Envelope> decode_envelope(std::string_view bytes);
bool has_envelope(std::string_view bytes);  // begins with k8s\0

// Deep equality of two values of one type; quantities by value.
bool equal(const Type& type, const void* a, const void* b);

// "v1", "apps/v1".
std::string api_version(const GroupVersionKind& kind);

}  // namespace pintle::api
