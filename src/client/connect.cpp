#include "client/kubeconfig.h"

namespace pintle::client {

Result<std::unique_ptr<Client>> connect(rt::Runtime& runtime, ConnectionConfig config) {
  TRY_ASSIGN(std::shared_ptr<net::Transport> transport, net::make_transport(runtime, std::move(config.tls)));
  return std::make_unique<Client>(runtime, std::move(transport), std::move(config.client));
}

std::unique_ptr<Client> connect_in_process(rt::Runtime& runtime, net::Handler& handler, std::string user, ClientConfig config) {
  config.server = "";
  return std::make_unique<Client>(runtime, net::make_in_process_transport(runtime, handler, std::move(user)), std::move(config));
}

}  // namespace pintle::client
