#include "rt/real/sockaddr.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <cstring>

#include "base/ip_address.h"

namespace pintle::rt {

Result<SocketAddress> to_sockaddr(const Endpoint& endpoint) {
  SocketAddress out;
  std::string text = endpoint.address.empty() ? "::" : endpoint.address;
  uint32_t scope_id = 0;
  if (const auto zone = text.find('%'); zone != std::string::npos) {
    scope_id = ::if_nametoindex(text.c_str() + zone + 1);
    text.resize(zone);
  }
  const auto address = parse_address(text);
  if (!address) return error(Reason::Invalid, "\"" + endpoint.address + "\" is not an IP address");
  if (address->is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = scope_id;
    std::memcpy(&v6.sin6_addr, address->bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, address->bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
  }
  return out;
}

Result<SocketAddress> to_unix_sockaddr(const std::string& path) {
  SocketAddress out;
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return error(Reason::Invalid, "socket path must be 1-" + std::to_string(sizeof address.sun_path - 1) + " bytes long");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return out;
}

Endpoint to_endpoint(const sockaddr_storage& storage) {
  const auto endpoint = [](const void* bytes, std::size_t size, in_port_t port) {
    const auto address = IpAddress::from_wire({static_cast<const char*>(bytes), size});
    return Endpoint{address->to_string(), ntohs(port)};
  };
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return endpoint(&v4.sin_addr, sizeof v4.sin_addr, v4.sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return endpoint(&v6.sin6_addr, sizeof v6.sin6_addr, v6.sin6_port);
  }
  return {};
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return to_endpoint(storage);
}

void tune_connection(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that lost power without a word is noticed within some two minutes, as by Go's clients and servers.
  const int idle_s = 15, interval_s = 15, probes = 9;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace pintle::rt
