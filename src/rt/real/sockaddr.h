// Socket addresses of the system and ours.
#pragma once

#include <sys/socket.h>

#include "base/status.h"
#include "rt/network.h"

namespace pintle::rt {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Invalid unless the address is numeric (an IPv6 zone "%eth0" is kept); "" is every address of both families.
Result<SocketAddress> to_sockaddr(const Endpoint& endpoint);
Result<SocketAddress> to_unix_sockaddr(const std::string& path);
// An IPv4-mapped IPv6 address comes out as IPv4; a Unix address as {"", 0}.
Endpoint to_endpoint(const sockaddr_storage& storage);
Endpoint local_endpoint(int fd);
void tune_connection(int fd);

}  // namespace pintle::rt
