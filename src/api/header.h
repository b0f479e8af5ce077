// What the server needs of an object without decoding it: its header, from JSON and from protobuf bytes, and a new
// resourceVersion spliced into bytes that are otherwise kept.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/type.h"
#include "base/status.h"

namespace pintle::api {

// The head of a JSON object; members that are missing, or no strings, are "".
struct JsonHeader {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string generate_name;
  std::string namespace_name;
  std::string uid;
  std::string resource_version;
};
// Reads only as far as apiVersion, kind and metadata have been seen: the rest is not checked. BadRequest: no JSON object.
Result<JsonHeader> peek_json(std::string_view json);

// The head of an encoded object whose field 1 is an ObjectMeta; the views point into the message.
struct ProtoHeader {
  std::string_view name;
  std::string_view namespace_name;
  std::string_view uid;
  std::string_view resource_version;
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // in message order
};
Result<ProtoHeader> read_proto_header(std::string_view message);

// The same object with metadata.resourceVersion `version`; every other byte is as it was. The bytes are the type's own
// message, without envelope; an object's or a list's.
Result<std::string> with_resource_version(const Type& type, std::string_view message, std::string_view version);
// For compact JSON. A missing member goes where the encoder would write it: by the type's declaration, or by name where
// `type` is null (custom resources).
Result<std::string> with_resource_version_json(const Type* type, std::string_view json, std::string_view version);

}  // namespace pintle::api
