// POST, PUT and PATCH of objects. A verb answers, or returns why it has not. The exchange outlives the task.
#pragma once

#include "apiserver/authorization/authorizer.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"

namespace pintle::apiserver {

class Writes {
 public:
  // nullptr: everything is allowed.
  explicit Writes(Authorizer* authorizer) : authorizer_(authorizer) {}

  rt::Task<Result<Unit>> create(Exchange& exchange, InstalledRegistry::Found found);
  // `part` nullptr: the object itself.
  rt::Task<Result<Unit>> update(Exchange& exchange, InstalledRegistry::Found found, const PartSubresource* part);
  rt::Task<Result<Unit>> patch(Exchange& exchange, InstalledRegistry::Found found, const PartSubresource* part);

 private:
  // Whether who may update or patch the exchange's object may also create it.
  rt::Task<Result<Unit>> may_create(Exchange& exchange) const;

  Authorizer* const authorizer_;
};

}  // namespace pintle::apiserver
