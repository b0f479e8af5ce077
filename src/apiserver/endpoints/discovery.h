// Discovery: what this server serves, in the plain form (/api, /apis, one document a group version) and the aggregated
// one. Documents are made from the table of served resources at each request; only their entity tags are kept.
#pragma once

#include <string>
#include <string_view>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/published/further.h"
#include "apiserver/registry/installed_registry.h"
#include "rt/task.h"

namespace pintle::apiserver::endpoints {

class Discovery {
 public:
  // `server_address`: host:port that clients are told. `registry` outlives this.
  // `further` (nullptr: none) too: what aggregated servers serve is told of among the rest.
  Discovery(const registry::InstalledRegistry& registry, const published::FurtherServers* further, std::string server_address)
      : registry_(registry), further_(further), server_address_(std::move(server_address)) {}
  // False if `path` (without a slash at its end) is no path of discovery; the exchange is then untouched.
  bool handles(std::string_view path) const;
  rt::Task<void> serve(exchange::Exchange& exchange, std::string path);

 private:
  rt::Task<void> serve_aggregated(exchange::Exchange& exchange, const apimachinery::ServedSet& served, bool core, bool v2);
  std::vector<std::shared_ptr<const published::FurtherVersion>> further() const;

  const registry::InstalledRegistry& registry_;
  const published::FurtherServers* further_;
  std::string server_address_;
};

}  // namespace pintle::apiserver::endpoints
