// POST, PUT and PATCH of objects. A verb answers, or returns why it has not. The exchange outlives the task.
#pragma once

#include "apiserver/authorization/authorizer.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver::endpoints {

class Writes {
 public:
  // nullptr: everything is allowed.
  explicit Writes(authorization::Authorizer* authorizer) : authorizer_(authorizer) {}

  rt::Task<Result<Unit>> create(exchange::Exchange& exchange, registry::InstalledRegistry::Found found);
  // `part` nullptr: the object itself.
  rt::Task<Result<Unit>> update(exchange::Exchange& exchange, registry::InstalledRegistry::Found found, const registry::PartSubresource* part);
  rt::Task<Result<Unit>> patch(exchange::Exchange& exchange, registry::InstalledRegistry::Found found, const registry::PartSubresource* part);

 private:
  // Whether who may update or patch the exchange's object may also create it.
  rt::Task<Result<Unit>> may_create(exchange::Exchange& exchange) const;

  authorization::Authorizer* const authorizer_;
};

}  // namespace pintle::apiserver::endpoints
