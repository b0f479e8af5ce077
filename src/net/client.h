// The HTTP client: TLS with client certificates, HTTP/2 where the peer offers it, connection reuse.
#pragma once

#include <memory>
#include <string>

#include "net/http.h"
#include "rt/runtime.h"

namespace pintle::net {

struct ClientOptions {
  std::string ca_file;  // PEM; "" with empty ca_pem: the system's store
  std::string ca_pem;
  std::string cert_file;  // client certificate and key; read again when the files change
  std::string key_file;
  std::string cert_pem;
  std::string key_pem;
  std::string server_name;  // SNI and verification; "": the URL's host
  bool insecure_skip_verify = false;
  bool http2 = true;
  rt::Duration dial_timeout = std::chrono::seconds(30);
  rt::Duration idle_timeout = std::chrono::seconds(90);
  std::size_t connections_per_host_max = 64;
};

// InvalidArgument-like BadRequest if a certificate or key cannot be read; names the file.
Result<std::unique_ptr<Transport>> make_transport(rt::Runtime& runtime, ClientOptions options);
// Hands requests to a handler of this process: no socket, no TLS; bodies are passed by reference.
std::unique_ptr<Transport> make_in_process_transport(rt::Runtime& runtime, Handler& handler, std::string user);

}  // namespace pintle::net
