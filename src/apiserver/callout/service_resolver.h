// ServiceResolver: where the Services are that webhooks and aggregated APIs name, from the watch caches.
#pragma once

#include <cstdint>
#include <string>

#include "api/gen/core_v1.h"
#include "apiserver/types/resource_reader.h"
#include "base/status.h"
#include "rt/runtime.h"

namespace pintle::apiserver::callout {

struct ServiceName {
  std::string ns;
  std::string name;
  int32_t port = 443;
  // What its certificate must be for.
  std::string tls_name() const { return name + "." + ns + ".svc"; }
};

// The port of a service by its number. ServiceUnavailable if it has none such.
Result<const api::core_v1::ServicePort*> find_service_port(const api::core_v1::Service& service, int32_t port);

// Thread-safe. `reader` and `random` outlive it.
class ServiceResolver {
 public:
  // `by_endpoints`: to a ready endpoint rather than the cluster IP (--enable-aggregator-routing). `own_origin`: "https://host:port" of this server,
  // where default/kubernetes leads; "": as any other service.
  ServiceResolver(const ResourceReader& reader, rt::Random& random, bool by_endpoints, std::string own_origin)
      : reader_(reader), random_(random), by_endpoints_(by_endpoints), own_origin_(std::move(own_origin)) {}

  // "https://host:port"; the host of an ExternalName service is a name. NotFound, ServiceUnavailable or InternalError in upstream's words.
  Result<std::string> resolve(const ServiceName& wanted) const;

 private:
  Result<std::string> endpoint(const ServiceName& wanted, const api::core_v1::Service& service) const;

  const ResourceReader& reader_;
  rt::Random& random_;
  const bool by_endpoints_;
  const std::string own_origin_;
};

}  // namespace pintle::apiserver::callout
