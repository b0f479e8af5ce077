// The scale subresource: an autoscaling/v1 Scale that stands for two numbers and a selector of the object.
#pragma once

#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::endpoints {

// Of the version that was found; nullptr: it has no scale.
const registry::ScaleFields* scale_fields(const registry::InstalledRegistry::Found& found);

// Of what has a scale. They answer, or return why they have not. The exchange outlives the task.
rt::Task<Result<Unit>> get_scale(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);
rt::Task<Result<Unit>> change_scale(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);

}  // namespace pintle::apiserver::endpoints
