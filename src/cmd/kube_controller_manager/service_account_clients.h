// Clients with the identity of a service account of kube-system (--use-service-account-credentials): the account is made
// if it is not there, and a token of its own is asked for, again before it expires.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "client/kubeconfig.h"

namespace pintle::cmd {

class ServiceAccountClients {
 public:
  // `manager` asks for the tokens and outlives the clients; `connection` says where the server is.
  ServiceAccountClients(client::Client& manager, client::ConnectionConfig connection);
  rt::Task<Result<std::unique_ptr<client::Client>>> client_for(rt::Context ctx, std::string account);

 private:
  client::Client& manager_;
  client::ConnectionConfig connection_;
};

}  // namespace pintle::cmd
