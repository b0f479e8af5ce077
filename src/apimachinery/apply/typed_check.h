// Whether a configuration fits its schema: server-side apply merges typed values alone, so that a field which the schema does not have is
// refused, whatever fieldValidation says. Pure.
#pragma once

#include <string>

#include "apimachinery/apply/schema_view.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// So much is told of.
constexpr std::size_t typed_problems_max = 100;
constexpr std::size_t typed_problems_bytes_max = 256 << 10;

// What does not fit, in the words of upstream's structured merge: `.spec.a: field not declared in schema`, `.spec.b: expected string, got ...`,
// `.spec.c: duplicate entries for key [name="x"]`; several behind "errors:", a line each. "": it fits.
std::string typed_problems(const SchemaView& schema, const codec::Value& config);

}  // namespace pintle::apimachinery
