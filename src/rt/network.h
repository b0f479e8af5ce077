// Byte streams. Addresses are numeric ("127.0.0.1", "::1"); names are resolved by resolve(). All calls are made on an
// executor and resume on it. A Stream is used by one reading and one writing task at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::rt {

struct Endpoint {
  std::string address;
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
// "127.0.0.1:6443", "[::1]:6443".
std::string to_string(const Endpoint& endpoint);

class Stream {
 public:
  virtual ~Stream() = default;
  // Reads at least one byte into `out`; 0 at the end of the stream. Fails with Cancelled/Timeout from `ctx`.
  virtual Task<Result<std::size_t>> read(Context ctx, std::span<char> out) = 0;
  // Writes everything.
  virtual Task<Result<Unit>> write(Context ctx, std::string_view data) = 0;
  // Writes every buffer in turn (gathered into few system calls).
  virtual Task<Result<Unit>> write(Context ctx, std::vector<Bytes> data) = 0;
  // No more writes; the peer reads the end of the stream.
  virtual void shutdown_write() = 0;
  // Ends both directions at once; pending reads and writes fail with Cancelled.
  virtual void close() = 0;
  virtual Endpoint local() const = 0;
  virtual Endpoint remote() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // The next connection; it lives on the executor that called accept().
  virtual Task<Result<std::unique_ptr<Stream>>> accept(Context ctx) = 0;
  virtual Endpoint local() const = 0;
  virtual void close() = 0;
};

struct ListenOptions {
  // Several listeners of one process may share the port, one an executor: the kernel spreads connections (SO_REUSEPORT).
  bool reuse_port = false;
  int backlog = 1024;
};

class Network {
 public:
  virtual ~Network() = default;
  // Port 0 picks a free one; Listener::local() tells which.
  virtual Result<std::unique_ptr<Listener>> listen(Endpoint endpoint, ListenOptions options = {}) = 0;
  virtual Task<Result<std::unique_ptr<Stream>>> connect(Context ctx, Endpoint endpoint) = 0;
  virtual Result<std::unique_ptr<Listener>> listen_unix(std::string path) = 0;
  virtual Task<Result<std::unique_ptr<Stream>>> connect_unix(Context ctx, std::string path) = 0;
  // Addresses of a host name, in the system's order. A numeric address answers itself.
  virtual Task<Result<std::vector<std::string>>> resolve(Context ctx, std::string host) = 0;
};

}  // namespace pintle::rt
