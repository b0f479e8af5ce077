// Answers that hold objects of a resource: one, a page of a list, those of a resource that stores nothing. Each sends the answer; an error
// says that nothing has been sent yet. A peer that is gone needs nothing.
#pragma once

#include <vector>

#include "apiserver/endpoints/object_forms.h"
#include "apiserver/exchange/exchange.h"

namespace pintle::apiserver::endpoints {

// NotAcceptable if the Accept header names nothing that a resource has; BadRequest.
Result<ObjectForm> object_form(const exchange::Exchange& exchange, const registry::InstalledRegistry::Found& found);

// The body of an answer that is the object.
std::vector<Bytes> object_body(const ObjectForm& form, const storage::CachedObject& object);

// Exchange and form outlive the tasks; objects are in the storage version.
rt::Task<Result<Unit>> answer_object(exchange::Exchange& exchange, const ObjectForm& form, int code, api::Object object);
rt::Task<Result<Unit>> answer_written(exchange::Exchange& exchange, const ObjectForm& form, int code, registry::Written written);
rt::Task<Result<Unit>> answer_list(exchange::Exchange& exchange, const ObjectForm& form, registry::ListAnswer listed);
rt::Task<Result<Unit>> answer_objects(exchange::Exchange& exchange, const ObjectForm& form, std::vector<api::Object> objects);

}  // namespace pintle::apiserver::endpoints
