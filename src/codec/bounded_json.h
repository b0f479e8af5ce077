// JSON from somebody who may send anything, as a document.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/value.h"

namespace pintle::codec {

// As parse_json (json.h), and RequestEntityTooLarge where the document would take more than `bytes_max` of memory.
Result<Value> parse_json_within(std::size_t bytes_max, std::string_view text, std::vector<std::string>* duplicates = nullptr);

// What a value takes beside its own sizeof(Value): members, elements, texts too long to stand in the value itself.
std::size_t memory_of(const Value& value);
// Containers inside containers: 0 for a scalar, 1 for [] and {}.
int nesting_of(const Value& value);

}  // namespace pintle::codec
