// Connector: answers the subresources that lead out of this server: pods' log, exec, attach and portforward, and proxy of
// pods, services and nodes. Runs on every executor; holds no state of a request.
#pragma once

#include <memory>
#include <string>

#include "apiserver/authorization/authorizer.h"
#include "apiserver/connect/kubelet_client.h"
#include "apiserver/connect/target.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/admission_gate.h"
#include "apiserver/types/registry.h"

namespace pintle::apiserver::connect {

struct ConnectorDeps {
  rt::Runtime& runtime;
  Registry& registry;
  const ApiServerOptions& options;
  authorization::Authorizer* authorizer = nullptr;  // nullptr: everything is allowed
};

class Connector {
 public:
  static Result<std::unique_ptr<Connector>> make(ConnectorDeps deps);
  explicit Connector(ConnectorDeps deps) : deps_(deps) {}

  static bool handles(std::string_view group, std::string_view resource, std::string_view subresource);
  // They answer the exchange, or return why they have not. `options` are those of the request, as admission passed them.
  rt::Task<Result<Unit>> serve(exchange::Exchange& exchange, registry::Admitted options);
  rt::Task<Result<Unit>> log(exchange::Exchange& exchange);
  rt::Task<void> close();

 private:
  struct Target {
    std::string origin;
    std::string address;  // that the origin's name was checked to be; "": the origin names an address
    net::ForwardingTransport* transport = nullptr;
  };
  rt::Task<Result<api::core_v1::Pod>> pod_of(exchange::Exchange& exchange, std::string name);
  rt::Task<Result<std::string>> kubelet_of(exchange::Exchange& exchange, std::string node_name);
  // Where a GET does what otherwise needs "create".
  rt::Task<Result<Unit>> may_create(exchange::Exchange& exchange);

  rt::Task<Result<Unit>> exec(exchange::Exchange& exchange, const registry::Admitted& admitted);
  rt::Task<Result<Unit>> port_forward(exchange::Exchange& exchange);
  rt::Task<Result<Unit>> proxy(exchange::Exchange& exchange);
  rt::Task<Result<Unit>> forward_upgrade(exchange::Exchange& exchange, std::string url);

  rt::Task<Result<Target>> proxy_target(exchange::Exchange& exchange);
  rt::Task<Result<Target>> pod_target(exchange::Exchange& exchange, ProxyName name);
  rt::Task<Result<Target>> service_target(exchange::Exchange& exchange, ProxyName name);
  rt::Task<Result<Target>> node_target(exchange::Exchange& exchange, ProxyName name);

  ConnectorDeps deps_;
  std::unique_ptr<KubeletClient> kubelets_;
  std::unique_ptr<net::ForwardingTransport> plain_;  // to pods and services; their certificates are not checked, as upstream
};

}  // namespace pintle::apiserver::connect
