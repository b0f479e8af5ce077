// WebSocket (RFC 6455) over an upgraded stream, either end. Used by exec, attach, port-forward and watches of browsers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http.h"
#include "net/websocket_frame.h"
#include "rt/clock.h"
#include "rt/sync.h"

namespace pintle::net {

struct WebSocketOptions {
  bool server = true;
  std::size_t message_bytes_max = 4 << 20;  // a longer one ends the connection with 1009
};

struct WebSocketMessage {
  bool text = false;
  Bytes data;
};

// One task reads, any number write: messages are whole on the wire. `random` outlives it (a client masks).
class WebSocket {
 public:
  WebSocket(std::unique_ptr<rt::Stream> stream, rt::Random& random, WebSocketOptions options = {});

  // The next message, its fragments joined; nullopt once the peer has closed (closed() says how). Pings are answered on
  // the way. Errors: BadRequest on a violation (the peer was told), ServiceUnavailable if it is gone, Cancelled/Timeout.
  rt::Task<Result<std::optional<WebSocketMessage>>> read(rt::Context ctx);
  // Sends one message made of all the pieces.
  rt::Task<Result<Unit>> write(rt::Context ctx, bool text, std::vector<Bytes> data);
  rt::Task<Result<Unit>> ping(rt::Context ctx);
  // Tells the peer; read() goes on until its answer. Nothing may be written afterwards.
  rt::Task<Result<Unit>> close(rt::Context ctx, uint16_t code, std::string reason);
  // Ends the stream at once.
  void abort() { stream_->close(); }
  // What the peer's close frame said, once read() has returned nullopt.
  const WsClose& closed() const { return closed_; }

 private:
  rt::Task<Result<Unit>> read_head(rt::Context ctx);
  rt::Task<Result<std::string>> read_payload(rt::Context ctx);
  rt::Task<Result<Unit>> fill(rt::Context ctx);
  rt::Task<Result<Unit>> send(rt::Context ctx, WsOpcode opcode, std::vector<Bytes> data);
  // Answers a control frame; true: it was the close.
  rt::Task<Result<bool>> control(rt::Context ctx, WsOpcode opcode, std::string payload);
  std::string violation(const Result<Unit>& known, uint16_t& code) const;
  // Ends the connection with that code.
  rt::Task<void> fail(rt::Context ctx, uint16_t code, std::string why);

  std::unique_ptr<rt::Stream> stream_;
  rt::Random& random_;
  const WebSocketOptions options_;
  rt::AsyncMutex writing_;
  std::string in_;
  std::size_t taken_ = 0;            // of in_
  std::optional<WsFrameHead> head_;  // of the frame that is being read
  std::string payload_;              // and what is there of it, still masked
  std::string partial_;              // fragments so far
  bool partial_text_ = false;
  bool in_message_ = false;
  bool close_sent_ = false;
  bool ended_ = false;
  WsClose closed_;
};

// Whether the request asks for WebSocket.
bool is_websocket_request(const Request& request);
using WebSocketHandler = std::function<rt::Task<void>(rt::Context, WebSocket&, std::string protocol)>;
// Answers the handshake and runs `handler` until it returns, then closes. The protocol is the first that the client
// names and `protocols` holds; a client that names none gets "". Answers 400 or 405 itself when the handshake is
// malformed, names only unknown protocols, or comes over HTTP/2; the Result then says why.
rt::Task<Result<Unit>> accept_websocket(Request& request, ResponseWriter& writer, std::vector<std::string> protocols, rt::Random& random,
                                        WebSocketHandler handler, WebSocketOptions options = {});

struct WebSocketConnection {
  std::unique_ptr<WebSocket> socket;
  std::string protocol;
};
// Opens a WebSocket; `url` is http or https. An answer other than 101 is an error with its code and the body's start.
rt::Task<Result<WebSocketConnection>> dial_websocket(Transport& transport, rt::Context ctx, std::string url, Headers headers,
                                                     std::vector<std::string> protocols, rt::Random& random, WebSocketOptions options = {});

}  // namespace pintle::net
