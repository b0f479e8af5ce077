// GET of an object and of a collection. A verb answers, or returns why it has not (ResourceHandler tells the client). The exchange outlives
// the task.
#pragma once

#include "apiserver/endpoints/object_answers.h"
#include "apiserver/types/request_parameters.h"

namespace pintle::apiserver::endpoints {

// What a request on a collection asks for, checked against what the resource offers.
struct CollectionRequest {
  ObjectForm form;
  ListParameters parameters;
  registry::Selection selection;
};
// `watch`: the verb is one. NotAcceptable, BadRequest or Invalid.
Result<CollectionRequest> read_collection_request(const exchange::Exchange& exchange, const registry::InstalledRegistry::Found& found, bool watch);

rt::Task<Result<Unit>> get_object(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);
rt::Task<Result<Unit>> list_objects(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);
// Both verbs of a resource that stores nothing.
rt::Task<Result<Unit>> get_virtual(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);

}  // namespace pintle::apiserver::endpoints
