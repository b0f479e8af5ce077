// Server: the cluster's DNS in process: a zone kept from the API by informers, served by UDP and TCP, other names forwarded.
// Made, started and stopped on one executor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "client/client.h"
#include "component/metrics.h"
#include "dns/cache.h"
#include "dns/zone.h"
#include "rt/runtime.h"

namespace pintle::dns {

struct DnsSetup {
  rt::Runtime& runtime;
  client::Client& client;
  // Where clients' packets arrive: the node's address and a port that the DNS service's EndpointSlice names.
  std::vector<rt::Endpoint> listen;
  ZoneOptions zone;
  // Servers for names outside the cluster; empty: those of `resolv_conf`, read again whenever it changes.
  std::vector<rt::Endpoint> upstreams;
  std::string resolv_conf = "/etc/resolv.conf";
  // "example.com" -> servers.
  std::map<std::string, std::vector<rt::Endpoint>> stub_domains;
  // Who is answered, besides loopback and this server's own addresses; empty: whoever reaches it.
  std::vector<IpPrefix> allow_from;
  // The addresses of the cluster's nodes too. Takes the right to list and watch nodes.
  bool allow_nodes = false;
  CacheLimits cache;
  component::metrics::Registry* metrics = nullptr;
};

class Server {
 public:
  explicit Server(DnsSetup setup);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Opens the sockets and begins to follow the API; the answers about the cluster come when its objects are known.
  // Fails when a socket cannot be opened or a stub domain is no domain name.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();
  // The cluster's objects are known.
  bool ready() const;
  // Where it listens, with the ports that were chosen.
  const std::vector<rt::Endpoint>& endpoints() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pintle::dns
