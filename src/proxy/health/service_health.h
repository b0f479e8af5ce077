// The health check node ports: for each load-balanced service with external policy Local, a port on which the load
// balancer asks whether this node has a ready pod of it. Belongs to one executor, but for what its servers read.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/server.h"
#include "proxy/nftables/table.h"
#include "proxy/types/service_port.h"
#include "rt/runtime.h"

namespace pintle::proxy::health {

// The page of one service's port.
struct ServicePage {
  int status = 503;
  std::string body;
};
ServicePage service_page(const ServiceName& name, std::size_t local_endpoints, bool proxy_healthy);

class ServiceHealth {
 public:
  // `proxy_healthy` is asked on any executor.
  ServiceHealth(rt::Runtime& runtime, std::function<bool()> proxy_healthy);
  ~ServiceHealth();

  struct Failure {
    ServiceName service;
    uint16_t port = 0;
    Status status;
  };
  // Opens, closes and updates ports so that they are those of `checks`, on each of `addresses`. What could not be
  // opened is told and tried again by the next call.
  rt::Task<std::vector<Failure>> sync(std::map<ServiceName, nftables::HealthCheck> checks, std::vector<std::string> addresses);
  rt::Task<void> stop();

 private:
  struct Port;
  rt::Task<Result<Unit>> open(Port& port, std::vector<std::string> addresses);
  rt::Task<void> close(std::unique_ptr<Port> port);
  rt::Runtime& runtime_;
  const std::function<bool()> proxy_healthy_;
  std::map<ServiceName, std::unique_ptr<Port>> ports_;
};

}  // namespace pintle::proxy::health
