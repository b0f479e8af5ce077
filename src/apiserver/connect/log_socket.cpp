#include "apiserver/connect/log_socket.h"

#include "codec/base64.h"

namespace pintle::apiserver::connect {

namespace {

constexpr std::string_view base64_protocol = "base64.binary.k8s.io";

rt::Task<void> send_pieces(rt::Context ctx, net::WebSocket& socket, std::string protocol, std::shared_ptr<net::BodyReader> body) {
  const bool text = protocol == base64_protocol;
  while (true) {
    auto piece = co_await body->read(ctx);
    if (!piece || piece->empty()) break;
    std::vector<Bytes> message;
    message.push_back(text ? Bytes(codec::base64(piece->view())) : std::move(*piece));
    auto written = co_await socket.write(ctx, text, std::move(message));
    if (!written) co_return;
  }
}

}  // namespace

rt::Task<Result<Unit>> send_log_by_websocket(net::Request& request, net::ResponseWriter& writer, rt::Random& random,
                                             std::unique_ptr<net::BodyReader> body) {
  std::shared_ptr<net::BodyReader> shared = std::move(body);
  net::WebSocketHandler handler = [shared](rt::Context ctx, net::WebSocket& socket, std::string protocol) {
    return send_pieces(std::move(ctx), socket, std::move(protocol), shared);
  };
  std::vector<std::string> protocols{"binary.k8s.io", std::string(base64_protocol)};
  co_return co_await net::accept_websocket(request, writer, std::move(protocols), random, std::move(handler));
}

}  // namespace pintle::apiserver::connect
