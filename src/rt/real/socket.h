// TCP and Unix sockets as Stream and Listener, UDP sockets as Datagram.
#pragma once

#include "rt/network.h"
#include "rt/real/fd.h"

namespace pintle::rt {

class SocketStream final : public Stream {
 public:
  explicit SocketStream(std::shared_ptr<Fd> fd, Endpoint local, Endpoint remote);
  ~SocketStream() override;
  Task<Result<std::size_t>> read(Context ctx, std::span<char> out) override;
  Task<Result<Unit>> write(Context ctx, std::string_view data) override;
  Task<Result<Unit>> write(Context ctx, std::vector<Bytes> data) override;
  void shutdown_write() override;
  void close() override;
  Endpoint local() const override { return local_; }
  Endpoint remote() const override { return remote_; }

 private:
  std::shared_ptr<Fd> fd_;
  Endpoint local_;
  Endpoint remote_;
  uint32_t reads_at_once_ = 0;
  // The last read took all there was: the next one waits before it asks the system.
  bool drained_ = false;
};

class SocketListener final : public Listener {
 public:
  // `unix_path`: removed on close; empty for TCP.
  SocketListener(std::shared_ptr<Fd> fd, Endpoint local, std::string unix_path);
  ~SocketListener() override;
  Task<Result<std::unique_ptr<Stream>>> accept(Context ctx) override;
  Endpoint local() const override { return local_; }
  void close() override;

 private:
  std::shared_ptr<Fd> fd_;
  Endpoint local_;
  std::string unix_path_;
};

class SocketDatagram final : public Datagram {
 public:
  // `v6`: an IPv6 socket, which reaches IPv4 peers by mapped addresses.
  SocketDatagram(std::shared_ptr<Fd> fd, Endpoint local, bool connected, bool v6)
      : fd_(std::move(fd)), local_(std::move(local)), connected_(connected), v6_(v6) {}
  ~SocketDatagram() override { fd_->close(); }
  Task<Result<Received>> receive_from(Context ctx, std::span<char> out) override;
  Task<Result<Unit>> send_to(Context ctx, std::string_view data, Endpoint to) override;
  Endpoint local() const override { return local_; }
  void close() override { fd_->close(); }

 private:
  std::shared_ptr<Fd> fd_;
  Endpoint local_;
  const bool connected_;
  const bool v6_;
  uint32_t receives_at_once_ = 0;
};

}  // namespace pintle::rt
