// ResourceHandler: serves the paths of resources: finds the resource and the route, holds it to what was authorized, hands the request to
// the verb, and answers where the verb returns why it has not.
#pragma once

#include "apiserver/endpoints/actions.h"
#include "apiserver/endpoints/route.h"
#include "apiserver/endpoints/watches.h"
#include "apiserver/endpoints/writes.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/types/options.h"

namespace pintle::apiserver::endpoints {

// All outlive the handler.
struct ResourceHandlerDeps {
  rt::Runtime& runtime;
  registry::InstalledRegistry& registry;
  const ApiServerOptions& options;
  connect::Connector* connector = nullptr;          // nullptr: nothing leads out of this server
  authorization::Authorizer* authorizer = nullptr;  // nullptr: everything is allowed
};

class ResourceHandler {
 public:
  explicit ResourceHandler(ResourceHandlerDeps deps);

  // Answers the exchange, whatever happens. `exchange.info.is_resource`.
  rt::Task<void> serve(exchange::Exchange& exchange);
  // True for requests that may last: watches, proxies, streams into pods. They have no deadline and count against no
  // limit of requests in flight.
  static bool long_running(const RequestInfo& info);
  // Whether the request's body is read before it takes a seat: all of resources but what the Connector streams.
  static bool takes_body(const exchange::Exchange& exchange);
  // True for a request with a body whose decoding, merging and checking may use a processor for many milliseconds in one go: its
  // size says so, or that of the object it changes, or its kind.
  bool takes_long(const exchange::Exchange& exchange) const;

 private:
  using Found = registry::InstalledRegistry::Found;

  // What the route says, and nothing else: whatever these start, it was authorized.
  rt::Task<Result<Unit>> carry_out(exchange::Exchange& exchange);
  rt::Task<Result<Unit>> dispatch(exchange::Exchange& exchange, const Found& found, const Route& route);
  rt::Task<Result<Unit>> dispatch_subresource(exchange::Exchange& exchange, const Found& found, const Route& route);

  registry::InstalledRegistry& registry_;
  Watches watches_;
  Writes writes_;
  Actions actions_;
};

}  // namespace pintle::apiserver::endpoints
