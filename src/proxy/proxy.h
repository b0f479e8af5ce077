// The service proxy of a node: keeps the kernel's table kube-proxy (nftables, both IP families) as the cluster's Services
// and EndpointSlices say, tells load balancers whether the node has pods for them, and makes connection tracking forget
// UDP flows to endpoints that are gone. Event driven: nothing runs while nothing changes.
//
//   proxy::ProxySetup setup{.runtime = runtime, .client = client, .config = config, .node_name = name};
//   proxy::Proxy proxy(std::move(setup));
//   auto started = co_await proxy.start();   ...   co_await proxy.stop();
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/client.h"
#include "client/informers.h"
#include "component/metrics.h"
#include "os/nft.h"
#include "proxy/nftables/node_config.h"
#include "rt/runtime.h"

namespace pintle::proxy {

struct ProxySetup {
  rt::Runtime& runtime;
  client::Client& client;
  // Defaults applied. healthzBindAddress and metricsBindAddress "": no such port.
  nftables::Configuration config;
  std::string node_name;
  // Informers of the whole process, started by their owner, on the executor that calls start(); nullptr: the proxy makes
  // its own, with upstream's selectors.
  client::Informers* informers = nullptr;
  // Sets the kernel's limits of connection tracking as config.conntrack says.
  bool set_conntrack_limits = true;
  // For tests; nullptr: the kernel.
  std::unique_ptr<os::Nft> nft;
};

class Proxy {
 public:
  explicit Proxy(ProxySetup setup);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Returns when the health and metrics ports are open and the informers are asked for; rules follow as soon as the API
  // has been read. Invalid: the configuration; ServiceUnavailable: a port (with bindAddressHardFail), or no nftables.
  rt::Task<Result<Unit>> start();
  // Until the rules have been written for the first time.
  rt::Task<Result<Unit>> wait_synced(rt::Context ctx);
  // The rules stay: traffic flows on while the proxy is restarted.
  rt::Task<void> stop();

  const component::metrics::Registry& metrics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Removes table kube-proxy of both families; no error if there is none.
rt::Task<Result<Unit>> clean_up(rt::Runtime& runtime);

}  // namespace pintle::proxy
