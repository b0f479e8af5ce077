// The proxy's own HTTP ports: /healthz and /livez on one, /metrics and /proxyMode on the other.
#pragma once

#include "component/metrics.h"
#include "net/http.h"
#include "proxy/health/proxy_health.h"
#include "proxy/types/metrics.h"
#include "rt/runtime.h"

namespace pintle::proxy::health {

// Both are asked on any executor.
class HealthHandler : public net::Handler {
 public:
  HealthHandler(const rt::Clock& clock, const ProxyHealth& health, Metrics& metrics) : clock_(clock), health_(health), metrics_(metrics) {}
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;

 private:
  const rt::Clock& clock_;
  const ProxyHealth& health_;
  Metrics& metrics_;
};

class MetricsHandler : public net::Handler {
 public:
  explicit MetricsHandler(const component::metrics::Registry& registry) : registry_(registry) {}
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;

 private:
  const component::metrics::Registry& registry_;
};

}  // namespace pintle::proxy::health
