// Listeners: the sockets of a DNS server. Belongs to one executor; stop() before the end.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/client_ranges.h"
#include "dns/responder.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::dns {

// Questions of UDP clients that wait for other servers; those past it are dropped, and their clients ask again.
constexpr std::size_t waiting_max = 4096;
// Open TCP connections; past it the newest is closed at once.
constexpr std::size_t connections_max = 512;
// Of these, one client's, so that nobody takes the others' place.
constexpr std::size_t waiting_per_client_max = 512;
constexpr std::size_t connections_per_client_max = 64;
// A TCP client that says nothing for this long is let go (RFC 7766 §6.2.3).
constexpr auto connection_idle = std::chrono::seconds(10);

class Listeners {
 public:
  // Clients out of `allowed` get REFUSED by UDP, no larger than what they sent; their connections are closed.
  Listeners(rt::Runtime& runtime, Responder& responder, const ClientRanges& allowed) : runtime_(runtime), responder_(responder), allowed_(allowed) {}
  // Opens UDP and TCP there; port 0 takes the same free port for both.
  Result<rt::Endpoint> open(rt::Endpoint endpoint);
  rt::Task<void> stop();

 private:
  using Counts = std::unordered_map<std::string, std::size_t>;  // by client
  static bool enter(Counts& counts, const std::string& client, std::size_t max);
  static void leave(Counts& counts, const std::string& client);
  rt::Task<void> serve_udp(rt::Datagram* socket);
  rt::Task<void> answer_udp(rt::Datagram* socket, std::string packet, rt::Endpoint client);
  rt::Task<void> serve_tcp(rt::Listener* listener);
  rt::Task<void> serve_connection(std::unique_ptr<rt::Stream> stream);

  rt::Runtime& runtime_;
  Responder& responder_;
  const ClientRanges& allowed_;
  std::vector<std::unique_ptr<rt::Datagram>> sockets_;
  std::vector<std::unique_ptr<rt::Listener>> listeners_;
  std::size_t waiting_ = 0;
  std::size_t connections_ = 0;
  Counts waiting_of_;
  Counts connections_of_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::dns
