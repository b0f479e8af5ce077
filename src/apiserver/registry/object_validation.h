// Validation that every object goes through. Metadata comes first, then the strategy's own rules; what the schema states
// of the fields is asked only where those found nothing, as strategies say the same in upstream's words.
#pragma once

#include "api/object.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::registry {

void validate_new_metadata(const Resource& resource, const api::Object& object, FieldErrors& errors);
// `main`: a write to the main resource rather than to a part.
void validate_changed_metadata(const api::Object& object, const api::Object& old, bool main, FieldErrors& errors);
void validate_by_schema(const api::Object& object, const api::Object* old, FieldErrors& errors);

}  // namespace pintle::apiserver::registry
