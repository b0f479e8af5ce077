#include "apiserver/connect/tunnel.h"

#include "net/forward.h"
#include "net/text.h"
#include "net/websocket.h"
#include "rt/sync.h"

namespace pintle::apiserver::connect {

namespace {

constexpr std::string_view tunnel_prefix = "SPDY/3.1+";
constexpr std::string_view protocol_suffix = ".k8s.io";
constexpr std::size_t copy_bytes = 16 << 10;

// The SPDY protocols that the client offers inside its tunnel.
std::vector<std::string> tunnelled_protocols(const net::Request& request) {
  std::vector<std::string> out;
  for (const auto line : request.headers.get_all("sec-websocket-protocol"))
    for (const auto protocol : net::split_list(line))
      if (protocol.starts_with(tunnel_prefix) && protocol.ends_with(protocol_suffix)) out.emplace_back(protocol.substr(tunnel_prefix.size()));
  return out;
}

rt::Task<void> to_kubelet(rt::Context ctx, net::WebSocket* socket, rt::Stream* stream) {
  while (true) {
    auto message = co_await socket->read(ctx);
    if (!message || !*message) break;
    auto wrote = co_await stream->write(ctx, (*message)->data.view());
    if (!wrote) break;
  }
  stream->close();
}

rt::Task<void> to_client(rt::Context ctx, net::WebSocket* socket, rt::Stream* stream, rt::Context reading) {
  std::string buffer(copy_bytes, '\0');
  while (true) {
    auto n = co_await stream->read(ctx, buffer);
    if (!n || *n == 0) break;
    std::vector<Bytes> data;
    data.push_back(Bytes(buffer.substr(0, *n)));
    auto wrote = co_await socket->write(ctx, false, std::move(data));
    if (!wrote) break;
  }
  reading.cancel();
}

rt::Task<void> carry(std::shared_ptr<std::unique_ptr<rt::Stream>> stream, rt::Context ctx, net::WebSocket* socket) {
  const rt::Context reading = ctx.child();
  rt::TaskGroup group;
  group.spawn(to_kubelet(reading, socket, stream->get()));
  group.spawn(to_client(ctx, socket, stream->get(), reading));
  co_await group.join();
}

}  // namespace

bool wants_tunnel(const net::Request& request) { return net::is_websocket_request(request) && !tunnelled_protocols(request).empty(); }

rt::Task<Result<Unit>> tunnel_spdy(rt::Context ctx, net::Request& request, net::ResponseWriter& writer, rt::Runtime& runtime, net::Transport& kubelet,
                                   std::string url) {
  net::ClientRequest dial;
  dial.method = "POST";
  dial.url = std::move(url);
  dial.upgrade = true;
  dial.headers.add("Connection", "Upgrade");
  dial.headers.add("Upgrade", "SPDY/3.1");
  for (const std::string& protocol : tunnelled_protocols(request)) dial.headers.add("X-Stream-Protocol-Version", protocol);
  auto response = co_await kubelet.send(ctx, std::move(dial));
  if (!response) co_return internal("error dialing backend: " + response.error().message);
  if (response->status != 101) co_return co_await net::pass_answer(ctx, *response, writer);
  std::vector<std::string> protocols;
  protocols.push_back(std::string(tunnel_prefix) + std::string(net::trim(response->headers.get("x-stream-protocol-version"))));
  auto stream = std::make_shared<std::unique_ptr<rt::Stream>>(std::move(response->upgraded));
  net::WebSocketHandler handler = [stream, ctx](rt::Context, net::WebSocket& socket, std::string) { return carry(stream, ctx, &socket); };
  (void)co_await net::accept_websocket(request, writer, std::move(protocols), runtime.random(),
                                       std::move(handler));  // answers a malformed handshake itself
  co_return Unit{};
}

}  // namespace pintle::apiserver::connect
