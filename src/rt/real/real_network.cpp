#include "rt/real/real_network.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "rt/real/fd.h"
#include "rt/real/sockaddr.h"
#include "rt/real/socket.h"
#include "rt/sync.h"

namespace pintle::rt {

namespace {

RealExecutor& current_executor() { return static_cast<RealExecutor&>(Executor::current()); }

Result<std::shared_ptr<Fd>> make_socket(const SocketAddress& address, int type = SOCK_STREAM) {
  const int fd = ::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unexpected(io_status(errno, "socket"));
  return Fd::make(current_executor(), fd);
}

// A socket file that nobody listens on any more.
bool is_stale_socket(const std::string& path, const SocketAddress& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool refused = ::connect(fd, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

// Connects `fd`; the error carries `name`.
Task<Result<Unit>> connect_socket(Context ctx, std::shared_ptr<Fd> fd, SocketAddress address, std::string name) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  int failed = 0;
  if (::connect(fd->get(), address.get(), address.length) != 0) failed = errno;
  if (failed == EINPROGRESS || failed == EINTR) {
    CO_TRY(co_await fd->wait(Fd::Write, ctx));
    socklen_t length = sizeof failed;
    if (::getsockopt(fd->get(), SOL_SOCKET, SO_ERROR, &failed, &length) != 0) failed = errno;
  }
  if (failed != 0) co_return Unexpected(io_status(failed, "connect " + name));
  co_return Unit{};
}

Result<std::vector<std::string>> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (failed != 0) return error(Reason::ServiceUnavailable, "lookup " + host + ": " + ::gai_strerror(failed));
  std::vector<std::string> addresses;
  for (const addrinfo* item = list; item; item = item->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, item->ai_addr, item->ai_addrlen);
    auto address = to_endpoint(storage).address;
    if (!address.empty() && std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return error(Reason::ServiceUnavailable, "lookup " + host + ": no addresses");
  return addresses;
}

}  // namespace

Result<std::unique_ptr<Listener>> RealNetwork::listen(Endpoint endpoint, ListenOptions options) {
  TRY_ASSIGN(const SocketAddress address, to_sockaddr(endpoint));
  TRY_ASSIGN(auto fd, make_socket(address));
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd->get(), address.get(), address.length) != 0 || ::listen(fd->get(), options.backlog) != 0)
    return Unexpected(io_status(errno, "listen " + to_string(endpoint)));
  const Endpoint local = local_endpoint(fd->get());
  return std::make_unique<SocketListener>(std::move(fd), local, "");
}

Task<Result<std::unique_ptr<Stream>>> RealNetwork::connect(Context ctx, Endpoint endpoint) {
  CO_TRY_ASSIGN(const SocketAddress address, to_sockaddr(endpoint));
  CO_TRY_ASSIGN(auto fd, make_socket(address));
  tune_connection(fd->get());
  auto name = to_string(endpoint);
  CO_TRY(co_await connect_socket(ctx, fd, address, name));
  const Endpoint local = local_endpoint(fd->get());
  co_return std::make_unique<SocketStream>(std::move(fd), local, endpoint);
}

Result<std::unique_ptr<Listener>> RealNetwork::listen_unix(std::string path) {
  TRY_ASSIGN(const SocketAddress address, to_unix_sockaddr(path));
  TRY_ASSIGN(auto fd, make_socket(address));
  int failed = ::bind(fd->get(), address.get(), address.length) == 0 ? 0 : errno;
  if (failed == EADDRINUSE && is_stale_socket(path, address) && ::unlink(path.c_str()) == 0)
    failed = ::bind(fd->get(), address.get(), address.length) == 0 ? 0 : errno;
  if (failed == 0 && ::listen(fd->get(), ListenOptions{}.backlog) != 0) failed = errno;
  if (failed != 0) return Unexpected(io_status(failed, "listen unix://" + path));
  return std::make_unique<SocketListener>(std::move(fd), Endpoint{}, path);
}

Task<Result<std::unique_ptr<Stream>>> RealNetwork::connect_unix(Context ctx, std::string path) {
  CO_TRY_ASSIGN(const SocketAddress address, to_unix_sockaddr(path));
  CO_TRY_ASSIGN(auto fd, make_socket(address));
  auto name = "unix://" + path;
  CO_TRY(co_await connect_socket(ctx, fd, address, name));
  co_return std::make_unique<SocketStream>(std::move(fd), Endpoint{}, Endpoint{});
}

Result<std::unique_ptr<Datagram>> RealNetwork::bind_datagram(Endpoint endpoint, DatagramOptions options) {
  TRY_ASSIGN(const SocketAddress address, to_sockaddr(endpoint));
  TRY_ASSIGN(auto fd, make_socket(address, SOCK_DGRAM));
  const int on = 1;
  const int off = 0;
  if (options.reuse_port) ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd->get(), address.get(), address.length) != 0) return Unexpected(io_status(errno, "bind udp " + to_string(endpoint)));
  const bool connected = options.peer.port != 0;
  if (connected) {
    TRY_ASSIGN(const SocketAddress peer, to_sockaddr(options.peer));
    if (::connect(fd->get(), peer.get(), peer.length) != 0) return Unexpected(io_status(errno, "connect udp " + to_string(options.peer)));
  }
  const Endpoint local = local_endpoint(fd->get());
  return std::make_unique<SocketDatagram>(std::move(fd), local, connected, address.storage.ss_family == AF_INET6);
}

Task<Result<std::vector<std::string>>> RealNetwork::resolve(Context ctx, std::string host) {
  if (!host.empty() && to_sockaddr({host, 0})) {
    std::vector<std::string> itself;
    itself.push_back(std::move(host));
    co_return std::move(itself);
  }
  // Shared with the pool: a caller that gives up leaves the look-up behind.
  struct Lookup {
    Event done;
    Result<std::vector<std::string>> addresses;
  };
  auto lookup = std::make_shared<Lookup>();
  pool_.submit([lookup, host] {
    lookup->addresses = look_up(host);
    lookup->done.set();
  });
  CO_TRY(co_await lookup->done.wait(ctx));
  co_return std::move(lookup->addresses);
}

}  // namespace pintle::rt
