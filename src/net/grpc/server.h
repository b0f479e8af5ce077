// Server: gRPC on a unix socket (device plugins, plugin registration, fake runtimes of tests): unary calls and calls whose
// answer is a stream. One executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::net::grpc {

constexpr std::size_t request_bytes_max = 16 << 20;  // of one request; then ResourceExhausted

class ServerConnection;

// Sends the answers of one call.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // Waits while the client does not read; an error means that it is gone.
  virtual rt::Task<Result<Unit>> write(std::string message) = 0;
};

class Server {
 public:
  // The context is done when the client cancels, its deadline passes, or the server stops.
  using Unary = std::function<rt::Task<Result<std::string>>(rt::Context, std::string request)>;
  using Streaming = std::function<rt::Task<Result<Unit>>(rt::Context, std::string request, StreamWriter&)>;

  explicit Server(rt::Runtime& runtime);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before start(). `method` is "/package.Service/Name"; any other is answered with Unimplemented.
  void on(std::string method, Unary handler);
  void on_stream(std::string method, Streaming handler);
  // Listens on a unix socket at `path`.
  Result<Unit> start(std::string path);
  // Ends every connection and waits for the handlers.
  rt::Task<void> stop();

 private:
  friend class ServerConnection;
  rt::Task<void> accept_loop();

  rt::Runtime& runtime_;
  std::map<std::string, Unary, std::less<>> unary_;
  std::map<std::string, Streaming, std::less<>> streaming_;
  std::unique_ptr<rt::Listener> listener_;
  std::map<ServerConnection*, std::shared_ptr<ServerConnection>> connections_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::net::grpc
