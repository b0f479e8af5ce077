#include "rt/real/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "rt/real/sockaddr.h"
#include "rt/sync.h"

namespace pintle::rt {

namespace {

using namespace std::chrono_literals;

// Buffers of one sendmsg().
constexpr std::size_t gather_max = 64;
// A peer that always has data ready lets other tasks run after this many reads.
constexpr uint32_t reads_at_once_max = 16;
// How long accept() waits when the process is out of descriptors.
constexpr auto accept_backoff = 50ms;

bool out_of_resources(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM;
}

// The connection was gone before it was accepted: take the next one.
bool accept_again(int error_number) {
  return error_number == EINTR || error_number == ECONNABORTED || error_number == EPROTO || error_number == EPERM;
}

}  // namespace

SocketStream::SocketStream(std::shared_ptr<Fd> fd, Endpoint local, Endpoint remote)
    : fd_(std::move(fd)), local_(std::move(local)), remote_(std::move(remote)) {}

SocketStream::~SocketStream() { fd_->close(); }

Task<Result<std::size_t>> SocketStream::read(Context ctx, std::span<char> out) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto fd = fd_;
  if (drained_) {
    reads_at_once_ = 0;
  } else if (++reads_at_once_ >= reads_at_once_max) {
    reads_at_once_ = 0;
    co_await yield();
  }
  if (std::exchange(drained_, false)) CO_TRY(co_await fd->wait(Fd::Read, ctx));
  while (fd->is_open()) {
    const ssize_t got = ::recv(fd->get(), out.data(), out.size(), MSG_DONTWAIT);
    if (got >= 0) {
      drained_ = got > 0 && static_cast<std::size_t>(got) < out.size();
      co_return static_cast<std::size_t>(got);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return Unexpected(io_status(errno, "read"));
    CO_TRY(co_await fd->wait(Fd::Read, ctx));
  }
  co_return error(Reason::Cancelled, "connection closed");
}

Task<Result<Unit>> SocketStream::write(Context ctx, std::string_view data) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto fd = fd_;
  while (fd->is_open()) {
    if (data.empty()) co_return Unit{};
    const ssize_t sent = ::send(fd->get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      data.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return Unexpected(io_status(errno, "write"));
    CO_TRY(co_await fd->wait(Fd::Write, ctx));
  }
  co_return error(Reason::Cancelled, "connection closed");
}

Task<Result<Unit>> SocketStream::write(Context ctx, std::vector<Bytes> data) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto fd = fd_;
  std::size_t next = 0;    // the first buffer not wholly sent
  std::size_t offset = 0;  // sent of it
  while (fd->is_open()) {
    while (next < data.size() && offset == data[next].size()) {
      ++next;
      offset = 0;
    }
    if (next == data.size()) co_return Unit{};
    ssize_t sent;
    {
      iovec vectors[gather_max];
      const std::size_t count = std::min(gather_max, data.size() - next);
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view part = data[next + i].view().substr(i == 0 ? offset : 0);
        vectors[i] = {const_cast<char*>(part.data()), part.size()};
      }
      msghdr message{};
      message.msg_iov = vectors;
      message.msg_iovlen = count;
      sent = ::sendmsg(fd->get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return Unexpected(io_status(errno, "write"));
      CO_TRY(co_await fd->wait(Fd::Write, ctx));
      continue;
    }
    auto left = static_cast<std::size_t>(sent);
    while (left > 0) {
      const std::size_t part = std::min(left, data[next].size() - offset);
      offset += part;
      left -= part;
      if (offset == data[next].size()) {
        data[next++] = Bytes();
        offset = 0;
      }
    }
  }
  co_return error(Reason::Cancelled, "connection closed");
}

void SocketStream::shutdown_write() {
  if (fd_->is_open()) ::shutdown(fd_->get(), SHUT_WR);
}

void SocketStream::close() { fd_->close(); }

SocketListener::SocketListener(std::shared_ptr<Fd> fd, Endpoint local, std::string unix_path)
    : fd_(std::move(fd)), local_(std::move(local)), unix_path_(std::move(unix_path)) {}

SocketListener::~SocketListener() { close(); }

Task<Result<std::unique_ptr<Stream>>> SocketListener::accept(Context ctx) {
  auto fd = fd_;
  while (fd->is_open()) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int made = ::accept4(fd->get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (made >= 0) {
      if (peer.ss_family != AF_UNIX) tune_connection(made);
      auto stream = Fd::make(static_cast<RealExecutor&>(Executor::current()), made);
      co_return std::make_unique<SocketStream>(std::move(stream), local_endpoint(made), to_endpoint(peer));
    }
    if (accept_again(errno)) continue;
    if (out_of_resources(errno)) {
      CO_TRY(co_await sleep_for(ctx, accept_backoff));
    } else if (errno == EAGAIN) {
      CO_TRY(co_await fd->wait(Fd::Read, ctx));
    } else {
      co_return Unexpected(io_status(errno, "accept"));
    }
  }
  co_return error(Reason::Cancelled, "listener closed");
}

void SocketListener::close() {
  if (!fd_->is_open()) return;
  fd_->close();
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Task<Result<Received>> SocketDatagram::receive_from(Context ctx, std::span<char> out) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto fd = fd_;
  if (++receives_at_once_ >= reads_at_once_max) {
    receives_at_once_ = 0;
    co_await yield();
  }
  while (fd->is_open()) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(fd->get(), out.data(), out.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
    if (got >= 0) {
      Received received{static_cast<std::size_t>(got), to_endpoint(from)};
      co_return std::move(received);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      receives_at_once_ = 0;
      CO_TRY(co_await fd->wait(Fd::Read, ctx));
      continue;
    }
    // Refusals of earlier peers are nobody's business on a socket that serves many.
    if (!connected_ && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH)) continue;
    co_return Unexpected(io_status(errno, "receive"));
  }
  co_return error(Reason::Cancelled, "socket closed");
}

Task<Result<Unit>> SocketDatagram::send_to(Context ctx, std::string_view data, Endpoint to) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto fd = fd_;
  SocketAddress address;
  if (!connected_) {
    if (v6_ && to.address.find(':') == std::string::npos) to.address = "::ffff:" + to.address;
    CO_TRY_ASSIGN(address, to_sockaddr(to));
  }
  while (fd->is_open()) {
    const ssize_t sent = ::sendto(fd->get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL, connected_ ? nullptr : address.get(),
                                  connected_ ? 0 : address.length);
    if (sent >= 0) co_return Unit{};
    if (errno == EINTR) continue;
    // A full socket buffer loses the datagram, as a full queue further on would.
    if (errno == EAGAIN || errno == ENOBUFS) co_return Unit{};
    if (!connected_ && errno == ECONNREFUSED) continue;  // told about an earlier datagram
    co_return Unexpected(io_status(errno, "send"));
  }
  co_return error(Reason::Cancelled, "socket closed");
}

}  // namespace pintle::rt
