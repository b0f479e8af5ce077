// The values that expressions see of a request, as upstream's AdmissionRequest in JSON: what is empty is not there.
#pragma once

#include "apimachinery/cel/authorizer.h"
#include "apimachinery/cel/value.h"
#include "apiserver/admission/expressions/subject.h"

namespace pintle::apiserver::admission::expressions {

namespace cel = apimachinery::cel;

// Null for no object. What they are given outlives the values.
cel::Value object_or_null(const api::Object* object, const api::GroupVersionKind* kind, cel::Arena& arena);
// The kind of the object as it is shown.
const api::GroupVersionKind& shown_kind(const Subject& subject);
cel::Value request_value(const Subject& subject, cel::Arena& arena);
cel::Value params_value(const Subject& subject, cel::Arena& arena);
// Where a request is: one about a namespace is in that.
std::string_view request_namespace(const AdmissionAttributes& attributes);
// What `authorizer.requestResource` asks about, but for the verb.
cel::AccessQuestion request_resource_question(const AdmissionAttributes& attributes);

}  // namespace pintle::apiserver::admission::expressions
