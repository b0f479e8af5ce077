// JSON Patch (RFC 6902) and JSON merge patch (RFC 7386) on documents in memory, with the liberties that upstream's
// library takes: negative array indexes count from the end, and "replace" may make a member that was not there.
#pragma once

#include <cstddef>

#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery {

inline constexpr std::size_t json_patch_operations_max = 10000;        // then RequestEntityTooLarge
inline constexpr std::size_t json_patch_copy_bytes_max = 3 << 20;      // what "copy" may add, then Invalid

// `patch` is the array of operations. BadRequest if it is no array of objects; Invalid (422) if an operation is
// malformed, does not apply or is a test that fails.
Result<codec::Value> apply_json_patch(codec::Value document, const codec::Value& patch);

// BadRequest if `patch` is no object.
Result<codec::Value> apply_merge_patch(codec::Value document, const codec::Value& patch);

}  // namespace pintle::apimachinery
