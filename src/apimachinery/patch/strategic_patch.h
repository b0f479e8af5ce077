// Strategic merge patch: a merge patch that knows from the schema which lists merge, and by which key. Directives:
// $patch (replace, delete), $retainKeys, $deleteFromPrimitiveList/<field>, $setElementOrder/<field>.
#pragma once

#include <cstdint>

#include "api/type.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// Elements of lists that a patch may look at, some 30 steps each, over and over where it names one element again and again (see
// work_budget.h); then RequestEntityTooLarge.
inline constexpr uint64_t strategic_patch_steps_max = 2'000'000;

// `document` is an object of `type` as JSON; the result may hold members the type does not have or values of a wrong
// kind, which decoding it reports. BadRequest: a malformed directive. Invalid (422): a list of lists, an unknown $patch.
Result<codec::Value> apply_strategic_patch(codec::Value document, const codec::Value& patch, const api::Type& type);

}  // namespace pintle::apimachinery
