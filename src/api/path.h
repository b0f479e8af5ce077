// Field paths: "spec.containers[0].image", "metadata.labels['app.kubernetes.io/name']" (quotes single or double; a key
// without dots and brackets may also follow a dot). Inlined structs have no part of their own, as in JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"
#include "base/status.h"

namespace pintle::api {

struct PathStep {
  std::string key;     // a field or a map key; or
  int64_t index = -1;  // an element
};
constexpr std::size_t path_steps_max = 64;
// BadRequest: the text is no path.
Result<std::vector<PathStep>> parse_path(std::string_view path);

// A value inside an object; `at` is null where the path leads through an unset pointer, a missing key or past a list's end.
struct Located {
  const Type* type = nullptr;
  void* at = nullptr;
};
// BadRequest: the type has no such path.
Result<Located> find_path(const Type& type, void* object, std::string_view path);
// The same, but pointers are set, keys inserted, and an index equal to the size appends, on the way.
Result<Located> make_path(const Type& type, void* object, std::string_view path);
// Sets the value at a path from a JSON literal.
Result<Unit> set_path(const Type& type, void* object, std::string_view path, std::string_view json);

// A scalar as field selectors compare it: strings as they are, numbers and booleans as in JSON, times RFC 3339, unset
// pointers and anything that is no scalar "".
std::string scalar_text(const Type& type, const void* at);

// The scalar at a path, read from an encoded message without decoding the rest. "" where the message does not have it;
// nullopt: the type has no such path, or the message is malformed.
std::optional<std::string> proto_field(const Type& type, std::string_view message, std::string_view path);

}  // namespace pintle::api
