// The HTTPS server: HTTP/1.1 and HTTP/2 by ALPN on one port, over rt's network, so that the simulation serves too.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/http.h"
#include "rt/runtime.h"

namespace pintle::net {

// Limits of one server; what happens at each is in the comment.
struct ServerLimits {
  std::size_t header_bytes_max = 1 << 20;         // of one request's head: 431
  std::size_t header_bytes_free = 16 << 10;       // of a head, that do not count for the next
  std::size_t header_bytes_total_max = 16 << 20;  // of the heads of all requests that are being read or served: 431
  uint32_t streams_per_connection_max = 250;      // HTTP/2 SETTINGS
  std::size_t connections_max = 20000;            // then accepts wait
  rt::Duration handshake_timeout = std::chrono::seconds(10);
  rt::Duration header_timeout = std::chrono::seconds(32);
  rt::Duration idle_timeout = std::chrono::seconds(180);
  std::size_t write_buffer_max = 256 << 10;                // a stream: write() waits
  rt::Duration stall_timeout = std::chrono::seconds(180);  // of an answer of which the peer takes nothing: its stream or connection ends
};

struct ServerTls {
  std::string cert_file;  // PEM, chain; read again when the file changes
  std::string key_file;
  std::string client_ca_file;              // "": no client certificates are asked for; a certificate that does not verify is no identity
  std::string front_proxy_ca_file;         // "": none; certificates that these sign are told apart (PeerCertificates), and are no client's
  std::vector<std::string> cipher_suites;  // IANA names, TLS 1.2; empty: default
  int min_version = 12;                    // 12 or 13
};

struct ServerOptions {
  rt::Endpoint listen;
  std::optional<ServerTls> tls;  // nullopt: plain HTTP/1.1 and HTTP/2 prior knowledge (tests, loopback health ports)
  ServerLimits limits;
  // Told (on some executor) when changed certificate files cannot be used; the server goes on with what it has.
  std::function<void(const Status&)> on_reload_error;
};

class Server {
 public:
  virtual ~Server() = default;
  // Binds and serves on every executor of the runtime, until drain(). An error names the address or the file at fault.
  virtual rt::Task<Result<Unit>> start() = 0;
  virtual rt::Endpoint local() const = 0;
  // Stops accepting, sends GOAWAY / connection: close, waits up to `grace` for running requests, then ends them. Await it
  // before the server is destroyed.
  virtual rt::Task<void> drain(rt::Duration grace) = 0;
};
std::unique_ptr<Server> make_server(rt::Runtime& runtime, Handler& handler, ServerOptions options);

}  // namespace pintle::net
