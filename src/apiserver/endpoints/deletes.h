// DELETE of an object and of a collection. A verb answers, or returns why it has not. The exchange outlives the task.
#pragma once

#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::endpoints {

rt::Task<Result<Unit>> remove_object(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);
rt::Task<Result<Unit>> remove_collection(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);

}  // namespace pintle::apiserver::endpoints
