// JSON Patch (RFC 6902) and JSON merge patch (RFC 7386) on documents in memory, with the liberties that upstream's
// library takes: negative array indexes count from the end, and "replace" may make a member that was not there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery {

inline constexpr std::size_t json_patch_operations_max = 10000;    // then RequestEntityTooLarge
inline constexpr std::size_t json_patch_copy_bytes_max = 3 << 20;  // of memory, that "copy" may add, then Invalid
// What inserting into, removing from and moving within the document may move about (see work_budget.h), then RequestEntityTooLarge:
// the front of 200,000 elements takes fifty of them.
inline constexpr uint64_t json_patch_steps_max = 20'000'000;

// `patch` is the array of operations. BadRequest if it is no array of objects; Invalid (422) if an operation is
// malformed, does not apply, is a test that fails or would nest the document deeper than codec::nesting_max.
Result<codec::Value> apply_json_patch(codec::Value document, const codec::Value& patch);

// Whether that is why apply_json_patch() refused: an operation "test" that found another value.
bool is_failed_test(const Status& refusal);

// BadRequest if `patch` is no object. Linear in both. The result is nested no deeper than the deeper of the two.
Result<codec::Value> apply_merge_patch(codec::Value document, const codec::Value& patch);

}  // namespace pintle::apimachinery
