// Reads and restamps metadata in an object's protobuf bytes without decoding the object: ObjectMeta is field 1 of every
// kind. Everything returned points into the input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/type.h"
#include "base/status.h"

namespace pintle::apiserver::registry {

struct WireMetadata {
  std::string_view message;  // the ObjectMeta itself
  std::string_view ns, name, uid;
  std::string_view resource_version;
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // in wire order
};
// The ObjectMeta message alone; "" if there is none.
std::string_view wire_object_meta(std::string_view wire);
// BadRequest on malformed bytes.
Result<WireMetadata> read_wire_metadata(std::string_view wire);
// The same object with metadata.resourceVersion = `version`; allocated exactly.
Result<std::string> with_wire_resource_version(std::string_view wire, std::string_view version);

// A field by its path ("spec.nodeName"), compiled against the type once.
class WireField {
 public:
  // False if the type has no such path.
  bool compile(const api::Type& type, std::string_view path);
  // A string is a view of `wire`, a boolean "true" or "false" of static storage, an integer is appended to `scratch` and
  // returned as a view of it (reserve first: growth would move it). "" when absent.
  std::string_view read(std::string_view wire, std::string& scratch) const;

 private:
  std::vector<uint32_t> numbers_;
  api::Kind kind_ = api::Kind::String;
};

}  // namespace pintle::apiserver::registry
