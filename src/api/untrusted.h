// Decoding what a client chose, and reading back what was kept as it came: what codec.h does for bytes that somebody of ours wrote,
// with a budget of memory and without the belief that embedded JSON is JSON.
#pragma once

#include <string_view>

#include "api/codec.h"
#include "codec/limits.h"

namespace pintle::api {

// As decode_json. RequestEntityTooLarge where the structs would take more than codec::decoded_bytes_max, texts aside.
Result<Unit> decode_untrusted_json(std::string_view json, const Type& type, void* into, Strictness strictness = Strictness::Ignore,
                                   DecodeReport* report = nullptr);
Result<Unit> decode_untrusted_value(const codec::Value& value, const Type& type, void* into, Strictness strictness = Strictness::Ignore,
                                    DecodeReport* report = nullptr);
// As decode_proto, with that budget; nested no deeper than codec::nesting_max, lists and maps counted; and BadRequest where raw
// extensions, field sets or JSON values hold no JSON.
Result<Unit> decode_untrusted_proto(std::string_view bytes, const Type& type, void* into);

// As to_value. BadRequest where embedded JSON is none, has a number that no double holds or is nested too deep: raw extensions are kept
// to the byte, so that only reading them tells.
Result<codec::Value> to_document(const Type& type, const void* object, const GroupVersionKind* kind = nullptr);

// Objects in envelopes inside raw extensions inside one another; what is deeper is written as null.
constexpr int envelopes_nested_max = 4;

}  // namespace pintle::api
