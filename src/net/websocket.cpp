#include "net/websocket.h"

namespace pintle::net {

namespace {
constexpr std::size_t read_bytes = 16 << 10;
constexpr uint16_t protocol_error = 1002;
constexpr uint16_t not_utf8 = 1007;
constexpr uint16_t too_big = 1009;
}  // namespace

WebSocket::WebSocket(std::unique_ptr<rt::Stream> stream, rt::Random& random, WebSocketOptions options)
    : stream_(std::move(stream)), random_(random), options_(options) {}

// Reads more bytes behind in_.
rt::Task<Result<Unit>> WebSocket::fill(rt::Context ctx) {
  if (taken_ > 0) {
    in_.erase(0, taken_);
    taken_ = 0;
  }
  std::string more(read_bytes, '\0');
  auto n = co_await stream_->read(ctx, more);
  if (!n) co_return Unexpected(n.error());
  if (*n == 0) co_return error(Reason::ServiceUnavailable, "the peer ended the stream without closing the WebSocket");
  in_.append(more.data(), *n);
  co_return Unit{};
}

// What was read of a frame stays in head_ and payload_ when `ctx` ends the wait: the next read() goes on from there.
rt::Task<Result<Unit>> WebSocket::read_head(rt::Context ctx) {
  while (!head_) {
    auto head = parse_ws_head(std::string_view(in_).substr(taken_), options_.server);
    if (!head) co_return Unexpected(head.error());
    head_ = std::move(*head);
    if (head_) {
      taken_ += head_->head_bytes;
    } else {
      CO_TRY(co_await fill(ctx));
    }
  }
  co_return Unit{};
}

rt::Task<Result<std::string>> WebSocket::read_payload(rt::Context ctx) {
  while (payload_.size() < head_->length) {
    if (taken_ == in_.size()) CO_TRY(co_await fill(ctx));
    const std::size_t n = std::min<std::size_t>(head_->length - payload_.size(), in_.size() - taken_);
    payload_.append(in_, taken_, n);
    taken_ += n;
  }
  if (head_->mask) apply_ws_mask(payload_, *head_->mask);
  head_.reset();
  if (taken_ == in_.size()) {
    in_ = std::string();  // nothing is kept while idle
    taken_ = 0;
  }
  co_return std::exchange(payload_, {});
}

rt::Task<void> WebSocket::fail(rt::Context ctx, uint16_t code, std::string why) {
  ended_ = true;
  (void)co_await close(ctx, code, std::move(why));
  stream_->shutdown_write();
}

// What is wrong with the frame that begins here; "": nothing.
std::string WebSocket::violation(const Result<Unit>& known, uint16_t& code) const {
  code = protocol_error;
  if (!known) return known.error().message;
  if (is_control(head_->opcode)) return "";
  if ((head_->opcode == WsOpcode::Continuation) != in_message_) return in_message_ ? "a new message inside a message" : "a continuation of nothing";
  if (head_->length + partial_.size() <= options_.message_bytes_max) return "";
  code = too_big;
  return "message too large";
}

rt::Task<Result<bool>> WebSocket::control(rt::Context ctx, WsOpcode opcode, std::string payload) {
  if (opcode == WsOpcode::Pong) co_return false;
  if (opcode == WsOpcode::Ping) {
    std::vector<Bytes> echo;
    echo.push_back(Bytes(std::move(payload)));
    if (!close_sent_) CO_TRY(co_await send(ctx, WsOpcode::Pong, std::move(echo)));
    co_return false;
  }
  auto parsed = parse_ws_close(payload);
  if (!parsed) {
    co_await fail(ctx, protocol_error, parsed.error().message);
    co_return Unexpected(parsed.error());
  }
  closed_ = std::move(*parsed);
  ended_ = true;
  (void)co_await close(ctx, closed_.code, "");
  stream_->shutdown_write();
  co_return true;
}

rt::Task<Result<std::optional<WebSocketMessage>>> WebSocket::read(rt::Context ctx) {
  while (!ended_) {
    auto known = co_await read_head(ctx);
    if (!known && known.error().reason != Reason::BadRequest) co_return Unexpected(known.error());
    uint16_t code = 0;
    std::string why = violation(known, code);
    if (!why.empty()) {
      co_await fail(ctx, code, why);
      co_return bad_request(std::move(why));
    }
    const WsFrameHead head = *head_;
    auto payload = co_await read_payload(ctx);
    if (!payload) co_return Unexpected(payload.error());
    if (is_control(head.opcode)) {
      auto last = co_await control(ctx, head.opcode, std::move(*payload));
      if (!last) co_return Unexpected(last.error());
      continue;
    }
    if (!in_message_) partial_text_ = head.opcode == WsOpcode::Text;
    in_message_ = !head.fin;
    if (partial_.empty()) {
      partial_ = std::move(*payload);
    } else {
      partial_ += *payload;
    }
    if (!head.fin) continue;
    WebSocketMessage message;
    message.text = partial_text_;
    std::string whole = std::exchange(partial_, {});
    if (message.text && !is_utf8(whole)) {
      std::string complaint = "a text message is not UTF-8";
      co_await fail(ctx, not_utf8, complaint);
      co_return bad_request(std::move(complaint));
    }
    message.data = Bytes(std::move(whole));
    co_return std::optional<WebSocketMessage>(std::move(message));
  }
  co_return std::optional<WebSocketMessage>();
}

rt::Task<Result<Unit>> WebSocket::send(rt::Context ctx, WsOpcode opcode, std::vector<Bytes> data) {
  CO_TRY_ASSIGN(auto lock, co_await writing_.lock(ctx));
  if (close_sent_) co_return error(Reason::ServiceUnavailable, "the WebSocket is closed");
  if (opcode == WsOpcode::Close) close_sent_ = true;
  WsFrameHead head;
  head.opcode = opcode;
  for (const auto& piece : data) head.length += piece.size();
  if (!options_.server) {
    head.mask.emplace();
    random_.fill(std::as_writable_bytes(std::span(*head.mask)));
    std::size_t offset = 0;
    for (auto& piece : data) {
      std::string masked(piece.view());
      apply_ws_mask(masked, *head.mask, offset);
      offset += masked.size();
      piece = Bytes(std::move(masked));
    }
  }
  data.insert(data.begin(), Bytes(format_ws_head(head)));
  co_return co_await stream_->write(ctx, std::move(data));
}

rt::Task<Result<Unit>> WebSocket::write(rt::Context ctx, bool text, std::vector<Bytes> data) {
  return send(std::move(ctx), text ? WsOpcode::Text : WsOpcode::Binary, std::move(data));
}

rt::Task<Result<Unit>> WebSocket::ping(rt::Context ctx) { return send(std::move(ctx), WsOpcode::Ping, {}); }

rt::Task<Result<Unit>> WebSocket::close(rt::Context ctx, uint16_t code, std::string reason) {
  if (close_sent_) co_return Unit{};
  WsClose what;
  what.code = code;
  what.reason = std::move(reason);
  std::vector<Bytes> data;
  data.push_back(Bytes(format_ws_close(what)));
  co_return co_await send(ctx, WsOpcode::Close, std::move(data));
}

}  // namespace pintle::net
