// What the server's accept loop and the two protocols know of each other. All on the connection's executor.
#pragma once

#include <memory>
#include <string>

#include "net/http.h"
#include "net/server.h"

namespace pintle::net {

struct ConnectionDeps {
  rt::Runtime& runtime;
  Handler& handler;
  const ServerLimits& limits;
};

// What every request of one connection has in common.
struct PeerInfo {
  rt::Endpoint remote;
  rt::Endpoint local;
  std::string scheme = "https";
  std::shared_ptr<const PeerCertificates> peer;
  std::string peer_error;
};

class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // Serves until the connection ends; all its handlers have returned then. `received` is what was read before.
  virtual rt::Task<void> run(rt::Context ctx, std::string received) = 0;
  // Takes no new request; run() returns when the running ones are answered.
  virtual void begin_drain() = 0;
  // Ends it at once: contexts are cancelled, the stream is closed.
  virtual void abort() = 0;
};

std::unique_ptr<ServerConnection> make_http1_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream);
std::unique_ptr<ServerConnection> make_http2_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream);

// After the last byte was written: tells the peer, and gives it this long to take in what is under way before close().
constexpr rt::Duration linger_time = std::chrono::seconds(1);

}  // namespace pintle::net
