// kubectl's client-side apply keeps what it last applied in an annotation. Server-side apply by kubectl respects what
// that states and keeps it up to date, so that users can change between the two.
#pragma once

#include <string_view>

#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/schema_view.h"
#include "codec/value.h"

namespace pintle::apimachinery {

inline constexpr std::string_view kubectl_manager = "kubectl";

// What the annotation of `live` states and the object still holds unchanged; nothing if it is of another version.
FieldSet unchanged_since_last_applied(const SchemaView& schema, const codec::Value& live, std::string_view api_version);

// If `live` has the annotation, that of `object` becomes `config`; it goes where that makes the annotations too large.
void refresh_last_applied(const codec::Value& live, const codec::Value& config, codec::Value& object);

}  // namespace pintle::apimachinery
