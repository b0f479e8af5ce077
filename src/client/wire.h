// The wire forms of a request: what is asked for, how objects are written, how answers and failures are read.
// Internal to the client.
#pragma once

#include <string>
#include <string_view>

#include "api/object.h"
#include "base/bytes.h"
#include "base/status.h"
#include "client/client.h"

namespace pintle::client::wire {

inline constexpr std::string_view json_media = "application/json";
inline constexpr std::string_view proto_media = "application/vnd.kubernetes.protobuf";

enum class Ask { Object, List };  // a watch asks for objects
// The Accept header for objects of `type`: protobuf where the type has it, the metadata alone for PartialObjectMetadata.
std::string accept(const api::Type& type, Ask ask);

struct Body {
  Bytes bytes;
  std::string content_type;
};
Body encode(const api::Object& object);

// `content_type` is the answer's header. InternalError: the server sent something else than it was asked for.
Result<api::Object> decode_object(std::string_view content_type, std::string_view body, const api::Type& type);
Result<RawList> decode_list(std::string_view content_type, std::string_view body, const api::Type& type);
// One object of a watch event: an envelope (protobuf) or JSON text.
Result<api::Object> decode_proto_object(std::string_view envelope, const api::Type& type);

// The failure that an answer with this code tells: its metav1.Status, or what the code alone says, as client-go words it.
Status decode_failure(int code, std::string_view content_type, std::string_view body);
// From a Status object as such (ERROR events).
Status decode_status(bool proto, std::string_view body);

const api::meta_v1::ObjectMeta* meta_of(const api::Object& object);

}  // namespace pintle::client::wire
