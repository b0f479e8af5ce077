// The pieces of the JSON encoder that the transcoder and the defaulting walker share.
#pragma once

#include <string>
#include <string_view>

#include "api/type.h"

namespace pintle::api {

// Go's omitempty: false, 0, "", empty containers, nil pointers; a struct is never empty.
bool is_empty(const Type& type, const void* p);
// Go's omitzero: also a struct whose members are all zero.
bool is_zero(const Type& type, const void* p);

void write_json(const Type& type, const void* p, std::string& out);
// `{"kind":"Pod","apiVersion":"v1"`, or `{` without a kind.
void open_json(const GroupVersionKind* kind, std::string& out);
// The object in a k8s envelope as JSON; null if its kind is unknown or its bytes are bad.
void write_raw_envelope(std::string_view bytes, std::string& out);

}  // namespace pintle::api
