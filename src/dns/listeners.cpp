#include "dns/listeners.h"

#include "component/log.h"

namespace pintle::dns {

namespace {

// A query longer than this is not one that clients send.
constexpr std::size_t query_bytes_max = 4096;
constexpr int port_tries_max = 16;

}  // namespace

Result<rt::Endpoint> Listeners::open(rt::Endpoint endpoint) {
  const bool any_port = endpoint.port == 0;
  for (int tried = 1;; ++tried) {
    TRY_ASSIGN(auto listener, runtime_.network().listen(endpoint));
    rt::Endpoint chosen = listener->local();
    chosen.address = endpoint.address;
    auto socket = runtime_.network().bind_datagram(chosen);
    // Somebody else's UDP socket may have the port that was free for TCP.
    if (!socket && any_port && tried < port_tries_max) continue;
    if (!socket) return Unexpected(std::move(socket).error());
    tasks_.spawn(serve_udp(socket->get()));
    tasks_.spawn(serve_tcp(listener.get()));
    sockets_.push_back(std::move(*socket));
    listeners_.push_back(std::move(listener));
    return chosen;
  }
}

rt::Task<void> Listeners::stop() {
  co_await tasks_.close();
  sockets_.clear();
  listeners_.clear();
}

rt::Task<void> Listeners::serve_udp(rt::Datagram* socket) {
  const rt::Context ctx = tasks_.context();
  std::string buffer(query_bytes_max, '\0');
  while (!ctx.done()) {
    auto got = co_await socket->receive_from(ctx, buffer);
    if (!got) {
      if (ctx.done() || got.error().reason == Reason::Cancelled) co_return;
      component::log::error("DNS socket failed", got.error());
      (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
      continue;
    }
    const auto packet = std::string_view(buffer).substr(0, got->bytes);
    if (!allowed_.contains(got->from.address)) {
      const std::string refusal = responder_.refuse_stranger(packet);
      if (!refusal.empty()) (void)co_await socket->send_to(ctx, refusal, std::move(got->from));
      continue;
    }
    const auto reply = responder_.answer_now(packet, Protocol::Udp);
    if (!reply) {
      if (waiting_ < waiting_max && enter(waiting_of_, got->from.address, waiting_per_client_max))
        tasks_.spawn(answer_udp(socket, std::string(packet), std::move(got->from)));
    } else if (!reply->empty()) {
      (void)co_await socket->send_to(ctx, *reply, std::move(got->from));
    }
  }
}

bool Listeners::enter(Counts& counts, const std::string& client, std::size_t max) {
  std::size_t& count = counts[client];
  if (count >= max) return false;
  ++count;
  return true;
}

void Listeners::leave(Counts& counts, const std::string& client) {
  const auto it = counts.find(client);
  if (--it->second == 0) counts.erase(it);
}

rt::Task<void> Listeners::answer_udp(rt::Datagram* socket, std::string packet, rt::Endpoint client) {
  ++waiting_;
  const rt::Context ctx = tasks_.context();
  const std::string reply = co_await responder_.answer_later(ctx, std::move(packet), Protocol::Udp);
  const std::string address = client.address;
  if (!reply.empty()) (void)co_await socket->send_to(ctx, reply, std::move(client));
  leave(waiting_of_, address);
  --waiting_;
}

rt::Task<void> Listeners::serve_tcp(rt::Listener* listener) {
  const rt::Context ctx = tasks_.context();
  while (!ctx.done()) {
    auto stream = co_await listener->accept(ctx);
    if (!stream) co_return;
    const std::string client = (*stream)->remote().address;
    if (connections_ >= connections_max || !allowed_.contains(client) || !enter(connections_of_, client, connections_per_client_max)) continue;
    tasks_.spawn(serve_connection(std::move(*stream)));
  }
}

rt::Task<void> Listeners::serve_connection(std::unique_ptr<rt::Stream> stream) {
  ++connections_;
  const std::string client = stream->remote().address;
  const rt::Context ctx = tasks_.context();
  while (true) {
    const rt::Context idle = ctx.with_timeout(connection_idle);
    auto packet = co_await read_framed(idle, stream.get());
    if (!packet) break;
    std::string reply = co_await responder_.answer_later(ctx, std::move(*packet), Protocol::Tcp);
    if (reply.empty()) break;
    const rt::Context slow = ctx.with_timeout(connection_idle);
    auto sent = co_await write_framed(slow, stream.get(), std::move(reply));
    if (!sent) break;
  }
  leave(connections_of_, client);
  --connections_;
}

}  // namespace pintle::dns
