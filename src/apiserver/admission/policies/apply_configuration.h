// What a mutation of patchType ApplyConfiguration does: an object merged by the schema, as server-side apply merges, but owned by nobody. Pure.
#pragma once

#include "api/type.h"
#include "apimachinery/apply/schema_view.h"
#include "apimachinery/cel/value.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::apiserver::admission::policies {

// "": the struct types within a value are named by the fields that they stand in (Object.spec within Object's field spec).
std::string check_type_names(const apimachinery::cel::Value& value, apimachinery::cel::Arena& arena);

// `live` with what `config` states; config's own apiVersion and kind count for nothing. `type`: of both; nullptr: the schema says it all.
// BadRequest in upstream's words: fields that are not declared, elements without their keys or with the keys of another, and whatever is owned as
// a whole (lists, maps and structs that are atomic), which a policy could only replace.
Result<codec::Value> apply_configuration(const apimachinery::SchemaView& schema, const api::Type* type, const codec::Value& live,
                                         codec::Value config);

}  // namespace pintle::apiserver::admission::policies
