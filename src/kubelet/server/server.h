// KubeletServer: the kubelet's HTTPS server (port 10250), its local health port (10248) and, if asked for, the read-only
// port. Requests are authenticated and authorized before anything is looked at.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "kubelet/server/host.h"
#include "net/client.h"
#include "net/server.h"
#include "rt/runtime.h"

namespace pintle::kubelet::server {

struct ServingFiles {
  std::string cert_file;
  std::string key_file;
};

struct KubeletServerDeps {
  rt::Runtime& runtime;
  KubeletHost& host;  // lives on `home`; outlives the server
  rt::Executor& home;
  client::Client* client = nullptr;  // asked about tokens and rights; nullptr: no API server
  std::string cert_file;             // serving certificate and key; read again when they change
  std::string key_file;
};

class Access;
class Routes;

class KubeletServer {
 public:
  explicit KubeletServer(KubeletServerDeps deps);
  ~KubeletServer();
  // Binds the ports that the host's configuration names (0: none). An error names the address or file at fault.
  rt::Task<Result<Unit>> start();
  // Ends open streams. Await it before the destructor.
  rt::Task<void> stop();
  rt::Endpoint local() const;

 private:
  Result<net::ServerOptions> secure_options() const;
  rt::Task<Result<Unit>> start_plain(std::unique_ptr<net::Server>& server, net::Handler& handler, std::string address, int32_t port);

  KubeletServerDeps deps_;
  std::unique_ptr<net::Transport> runtime_transport_;  // to the runtime's streaming server
  std::unique_ptr<Access> access_;
  std::unique_ptr<Routes> secure_routes_;
  std::unique_ptr<Routes> read_only_routes_;
  std::unique_ptr<Routes> health_routes_;
  std::unique_ptr<net::Server> secure_;
  std::unique_ptr<net::Server> read_only_;
  std::unique_ptr<net::Server> health_;
};

}  // namespace pintle::kubelet::server
