// Datagram sockets of simulated machines. What travels may be lost or doubled (LinkPlan), and is overtaken freely; a
// blocked direction and a machine that is down swallow it.
#include <algorithm>

#include "rt/real/sockaddr.h"
#include "rt/sim/machine.h"
#include "rt/sim/sim_datagram.h"

namespace pintle::rt {

namespace {

// What a socket holds for a slow reader; more is lost, as from a full receive buffer.
constexpr std::size_t waiting_max = 256;

bool is_wildcard(const std::string& address) { return address.empty() || address == "0.0.0.0" || address == "::"; }
bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }
bool overlap(const std::string& a, const std::string& b) { return a == b || is_wildcard(a) || is_wildcard(b); }

}  // namespace

Result<std::shared_ptr<SimNetwork::DatagramSocket>> SimNetwork::bind_datagram(Host host, Endpoint endpoint, DatagramOptions options) {
  TRY(to_sockaddr(endpoint));
  const std::string name = "bind udp " + to_string(endpoint);
  if (!is_wildcard(endpoint.address) && !is_loopback(endpoint.address) && endpoint.address != host.machine->address())
    return error(Reason::ServiceUnavailable, name + ": Cannot assign requested address");
  if (endpoint.port == 0) endpoint.port = host.machine->next_port();
  for (const auto& other : datagram_sockets_) {
    if (other->host.machine != host.machine || other->local.port != endpoint.port || !overlap(other->local.address, endpoint.address)) continue;
    if (other->reuse_port && options.reuse_port) continue;
    return error(Reason::ServiceUnavailable, name + ": Address already in use");
  }
  auto socket = std::make_shared<DatagramSocket>();
  socket->host = host;
  socket->local = std::move(endpoint);
  socket->peer = options.peer;
  socket->reuse_port = options.reuse_port;
  datagram_sockets_.push_back(socket);
  return socket;
}

void SimNetwork::close_datagram(DatagramSocket& socket) {
  if (std::exchange(socket.closed, true)) return;
  socket.arrived.set();
  std::erase_if(datagram_sockets_, [&](const auto& other) { return other.get() == &socket; });
}

void SimNetwork::drop_datagram_sockets(const Machine& machine) {
  std::erase_if(datagram_sockets_, [&](const auto& socket) { return socket->host.machine == &machine; });
}

void SimNetwork::send_datagram(std::shared_ptr<DatagramSocket> from, Endpoint to, std::string data) {
  Machine* sender = from->host.machine;
  Machine* target = find_machine(sender, to.address);
  if (!target) return;
  const LinkPlan& plan = link(sender, target);
  if (scheduler_.random().chance(plan.losses)) {
    scheduler_.note("net " + sender->name() + " loses a datagram");
    return;
  }
  Endpoint source = from->local;
  if (is_wildcard(source.address)) source.address = target == sender ? to.address : sender->address();
  const int copies = scheduler_.random().chance(plan.doubles) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const TimePoint when = scheduler_.now() + latency(sender, target, data.size());
    scheduler_.add_timer(nullptr, when, [this, from, source, target, to, data] { datagram_arrives(from, source, target, to, data); });
  }
}

void SimNetwork::datagram_arrives(const std::shared_ptr<DatagramSocket>& from, Endpoint source, Machine* to, const Endpoint& target,
                                  std::string data) {
  if (blocked(from->host.machine, to) || !to->up()) return;
  std::vector<DatagramSocket*> found;
  for (const auto& socket : datagram_sockets_) {
    if (socket->host.machine != to || socket->local.port != target.port || !overlap(socket->local.address, target.address)) continue;
    if (socket->peer.port != 0 && socket->peer != source) continue;
    found.push_back(socket.get());
  }
  scheduler_.note("net datagram " + to_string(source) + ">" + to_string(target) + " " + std::to_string(data.size()));
  if (found.empty()) {
    if (from->peer.port == 0) return;
    from->refused = true;
    from->arrived.set();
    return;
  }
  DatagramSocket& socket = *found[scheduler_.random().below(found.size())];
  if (socket.waiting.size() >= waiting_max) return;
  socket.waiting.push_back({std::move(source), std::move(data)});
  socket.arrived.set();
}

Task<Result<Received>> SimDatagram::receive_from(Context ctx, std::span<char> out) {
  auto socket = socket_;
  while (true) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (socket->closed) co_return error(Reason::Cancelled, "socket closed");
    if (!socket->waiting.empty()) {
      auto message = std::move(socket->waiting.front());
      socket->waiting.pop_front();
      Received received{std::min(out.size(), message.data.size()), std::move(message.from)};
      message.data.copy(out.data(), received.bytes);
      co_return std::move(received);
    }
    if (std::exchange(socket->refused, false)) co_return error(Reason::ServiceUnavailable, "receive: Connection refused");
    socket->arrived.reset();
    CO_TRY(co_await socket->arrived.wait(ctx));
  }
}

Task<Result<Unit>> SimDatagram::send_to(Context ctx, std::string_view data, Endpoint to) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  if (socket_->closed) co_return error(Reason::Cancelled, "socket closed");
  if (socket_->peer.port != 0) to = socket_->peer;
  CO_TRY(to_sockaddr(to));
  network_.send_datagram(socket_, std::move(to), std::string(data));
  co_return Unit{};
}

Result<std::unique_ptr<Datagram>> MachineNetwork::bind_datagram(Endpoint endpoint, DatagramOptions options) {
  TRY_ASSIGN(auto socket, network_.bind_datagram(host(), std::move(endpoint), std::move(options)));
  return std::make_unique<SimDatagram>(network_, std::move(socket));
}

}  // namespace pintle::rt
