// Byte streams and datagrams. Addresses are numeric ("127.0.0.1", "::1"); names are resolved by resolve(). All calls are made on an
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

struct Received {
  std::size_t bytes = 0;  // of the datagram; what did not fit into the buffer is lost
  Endpoint from;
};

// A UDP socket: whole messages, any of which may get lost, doubled or reordered. Used by one receiving and any number of
// sending tasks, all on the executor that made it.
class Datagram {
 public:
  virtual ~Datagram() = default;
  // The next datagram. ServiceUnavailable when the peer of a connected socket refuses; Cancelled after close().
  virtual Task<Result<Received>> receive_from(Context ctx, std::span<char> out) = 0;
  // Hands one datagram to the network. Success does not mean that it arrives. Connected sockets send to their peer
  // whatever `to` is.
  virtual Task<Result<Unit>> send_to(Context ctx, std::string_view data, Endpoint to) = 0;
  virtual Endpoint local() const = 0;
  virtual void close() = 0;
};

struct DatagramOptions {
  bool reuse_port = false;  // as ListenOptions
  // Connected: only this peer's datagrams are received, and its refusals are told. Port 0: not connected.
  Endpoint peer;
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
  // A datagram socket bound to `endpoint`; port 0 picks a free one (at random on the machine). A machine with several
  // addresses binds to one of them, so that answers leave from where the question went to.
  virtual Result<std::unique_ptr<Datagram>> bind_datagram(Endpoint endpoint, DatagramOptions options = {}) = 0;
  // Addresses of a host name, in the system's order. A numeric address answers itself.
  virtual Task<Result<std::vector<std::string>>> resolve(Context ctx, std::string host) = 0;
};

}  // namespace pintle::rt
