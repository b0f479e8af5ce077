// The opening handshake (RFC 6455 section 4), both ends, and the choice of a subprotocol.
#include <openssl/evp.h>

#include <algorithm>

#include "net/text.h"
#include "net/websocket.h"

namespace pintle::net {

namespace {

constexpr std::string_view handshake_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t error_body_max = 4096;
constexpr rt::Duration close_time = std::chrono::seconds(5);

std::string accept_key(std::string_view key) {
  std::string text(key);
  text += handshake_guid;
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha1(), nullptr);
  digest.resize(size);
  return base64(digest);
}

// The protocols that the client names, over all its header lines, in order.
std::vector<std::string_view> offered_protocols(const Headers& headers) {
  std::vector<std::string_view> out;
  for (auto line : headers.get_all("sec-websocket-protocol")) {
    for (auto protocol : split_list(line)) out.push_back(protocol);
  }
  return out;
}

constexpr const char* websocket_version = "13";

struct Agreement {
  std::string accept;
  std::string protocol;
};

Result<Agreement> agree(const Request& request, const std::vector<std::string>& protocols) {
  if (request.http_major != 1) return error(Reason::MethodNotAllowed, "a WebSocket needs HTTP/1.1");
  if (request.method != "GET") return error(Reason::MethodNotAllowed, "a WebSocket is opened with GET");
  if (!is_websocket_request(request)) return bad_request("no request for an upgrade to websocket");
  const auto key = request.headers.get("sec-websocket-key");
  if (key.size() != 24 || !key.ends_with("==")) return bad_request("malformed Sec-WebSocket-Key");
  if (request.headers.get("sec-websocket-version") != websocket_version) return bad_request("unsupported Sec-WebSocket-Version");
  Agreement out;
  out.accept = accept_key(key);
  const auto offered = offered_protocols(request.headers);
  for (auto protocol : offered) {
    if (std::find(protocols.begin(), protocols.end(), protocol) == protocols.end()) continue;
    out.protocol = std::string(protocol);
    return out;
  }
  if (!offered.empty()) return bad_request("none of the offered WebSocket protocols is supported");
  return out;
}

struct Session {
  rt::Random& random;
  WebSocketHandler handler;
  WebSocketOptions options;
  std::string protocol;
};

rt::Task<void> run_session(std::shared_ptr<Session> session, rt::Context ctx, std::unique_ptr<rt::Stream> stream) {
  WebSocket socket(std::move(stream), session->random, session->options);
  co_await session->handler(ctx, socket, session->protocol);
  // A handler that has not closed has ended well; the peer gets a moment to answer.
  const rt::Context bounded = rt::Context::background().with_timeout(close_time);
  (void)co_await socket.close(bounded, 1000, "");
  while (true) {
    auto message = co_await socket.read(bounded);
    if (!message || !*message) break;
  }
}

}  // namespace

bool is_websocket_request(const Request& request) {
  bool upgrades = false, to_websocket = false;
  for (auto value : request.headers.get_all("connection")) upgrades |= list_has(value, "upgrade");
  for (auto value : request.headers.get_all("upgrade")) to_websocket |= list_has(value, "websocket");
  return upgrades && to_websocket;
}

rt::Task<Result<Unit>> accept_websocket(Request& request, ResponseWriter& writer, std::vector<std::string> protocols, rt::Random& random,
                                        WebSocketHandler handler, WebSocketOptions options) {
  auto agreed = agree(request, protocols);
  if (!agreed) {
    if (request.headers.get("sec-websocket-version") != websocket_version) writer.headers().set("Sec-WebSocket-Version", websocket_version);
    (void)co_await respond(writer, agreed.error().http(), "text/plain; charset=utf-8", Bytes(agreed.error().message));
    co_return Unexpected(agreed.error());
  }
  writer.headers().set("Upgrade", "websocket");
  writer.headers().set("Connection", "Upgrade");
  writer.headers().set("Sec-WebSocket-Accept", agreed->accept);
  if (!agreed->protocol.empty()) writer.headers().set("Sec-WebSocket-Protocol", agreed->protocol);
  options.server = true;
  auto session = std::make_shared<Session>(Session{random, std::move(handler), options, agreed->protocol});
  UpgradeHandler upgraded = [session](rt::Context ctx, std::unique_ptr<rt::Stream> stream) {
    return run_session(session, std::move(ctx), std::move(stream));
  };
  co_return co_await writer.upgrade(std::move(upgraded));
}

namespace {

Result<std::string> check_answer(const Response& response, std::string_view key, const std::vector<std::string>& protocols) {
  if (response.headers.get("sec-websocket-accept") != accept_key(key)) return bad_request("the server's Sec-WebSocket-Accept does not match");
  std::string protocol(response.headers.get("sec-websocket-protocol"));
  if (!protocol.empty() && std::find(protocols.begin(), protocols.end(), protocol) == protocols.end()) {
    return bad_request("the server chose a WebSocket protocol that was not offered");
  }
  return protocol;
}

}  // namespace

rt::Task<Result<WebSocketConnection>> dial_websocket(Transport& transport, rt::Context ctx, std::string url, Headers headers,
                                                     std::vector<std::string> protocols, rt::Random& random, WebSocketOptions options) {
  std::string nonce(16, '\0');
  random.fill(std::as_writable_bytes(std::span(nonce)));
  const std::string key = base64(nonce);
  headers.set("Connection", "Upgrade");
  headers.set("Upgrade", "websocket");
  headers.set("Sec-WebSocket-Version", websocket_version);
  headers.set("Sec-WebSocket-Key", key);
  std::string offered;
  for (const auto& protocol : protocols) offered += (offered.empty() ? "" : ", ") + protocol;
  if (!offered.empty()) headers.set("Sec-WebSocket-Protocol", offered);
  ClientRequest request;
  request.url = std::move(url);
  request.headers = std::move(headers);
  request.upgrade = true;
  auto response = co_await transport.send(ctx, std::move(request));
  if (!response) co_return Unexpected(response.error());
  if (response->status != 101 || !response->upgraded) {
    std::string said;
    auto piece = co_await response->body->read(ctx);
    if (piece) said = std::string(piece->view().substr(0, error_body_max));
    co_return Unexpected(Status{Reason::Unknown, response->status, "the server refused the WebSocket: " + said, {}});
  }
  CO_TRY_ASSIGN(std::string protocol, check_answer(*response, key, protocols));
  options.server = false;
  WebSocketConnection made;
  made.socket = std::make_unique<WebSocket>(std::move(response->upgraded), random, options);
  made.protocol = std::move(protocol);
  co_return std::move(made);
}

}  // namespace pintle::net
