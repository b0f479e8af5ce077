#include "net/spdy.h"

#include <algorithm>

namespace pintle::net {

namespace {

constexpr std::size_t read_bytes = 16 << 10;
constexpr std::size_t waiting_streams_max = 128;  // opened by the peer and not accepted yet; then the session waits

Status gone() { return Status{Reason::ServiceUnavailable, 0, "the SPDY connection has ended", {}}; }

}  // namespace

rt::Task<Result<Bytes>> SpdyStream::read(rt::Context ctx) {
  while (in_.empty() && !in_ended_ && !failure_) {
    readable_.reset();
    CO_TRY(co_await readable_.wait(ctx));
  }
  if (!in_.empty()) {
    Bytes piece = in_.pop();
    room_.set();
    co_return piece;
  }
  if (in_ended_) co_return Bytes();
  co_return Unexpected(*failure_);
}

rt::Task<Result<Unit>> SpdyStream::write(rt::Context ctx, Bytes data) {
  while (!data.empty()) {
    if (failure_) co_return Unexpected(*failure_);
    if (session_ == nullptr || out_ended_) co_return Unexpected(gone());
    Bytes part = data.size() > spdy_data_frame_bytes ? data.substr(0, spdy_data_frame_bytes) : data;
    data = part.size() == data.size() ? Bytes() : data.substr(part.size());
    CO_TRY(co_await session_->send_data(ctx, id_, 0, std::move(part)));
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> SpdyStream::finish(rt::Context ctx) {
  if (out_ended_ || session_ == nullptr) co_return Unit{};
  out_ended_ = true;
  SpdySession* session = session_;
  Bytes nothing;
  session->forget_if_done(*this);
  co_return co_await session->send_data(std::move(ctx), id_, spdy_fin, std::move(nothing));
}

rt::Task<void> SpdyStream::reset(rt::Context ctx) {
  if (session_ == nullptr) co_return;
  SpdySession* session = session_;
  in_ended_ = out_ended_ = true;
  discard();
  session->forget_if_done(*this);
  (void)co_await session->send(std::move(ctx), spdy_rst_stream(id_, SpdyReset::Cancel));
}

void SpdyStream::discard() {
  discarded_ = true;
  in_.clear();
  room_.set();
  readable_.set();
}

SpdySession::SpdySession(std::unique_ptr<rt::Stream> stream, bool server)
    : stream_(std::move(stream)), server_(server), next_id_(server ? 2 : 1), arrived_(waiting_streams_max) {}

SpdySession::~SpdySession() {
  for (auto& [id, stream] : streams_) stream->session_ = nullptr;
}

SpdyStreamPtr SpdySession::find(uint32_t id) const {
  const auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second;
}

rt::Task<Result<Unit>> SpdySession::run(rt::Context ctx) {
  auto ended = co_await read_frames(ctx);
  ended_ = true;
  stream_->close();
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    if (!stream->failure_) stream->failure_ = ended ? gone() : ended.error();
    stream->session_ = nullptr;
    stream->readable_.set();
    stream->room_.set();
    stream->answered_.set();
  }
  arrived_.close();
  co_return ended;
}

rt::Task<Result<Unit>> SpdySession::fill(rt::Context ctx, std::size_t bytes) {
  while (in_.size() - taken_ < bytes) {
    in_.erase(0, taken_);
    taken_ = 0;
    std::string more(read_bytes, '\0');
    auto n = co_await stream_->read(ctx, more);
    if (!n) co_return Unexpected(n.error());
    if (*n == 0) co_return error(Reason::Gone, "SPDY: the connection ended inside a frame");
    in_.append(more.data(), *n);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> SpdySession::read_frames(rt::Context ctx) {
  while (true) {
    auto filled = co_await fill(ctx, spdy_head_bytes);
    if (!filled) {
      if (filled.error().reason == Reason::Gone && in_.size() == taken_) co_return Unit{};  // between two frames
      co_return filled;
    }
    CO_TRY_ASSIGN(const SpdyHead head, parse_spdy_head(std::string_view(in_).substr(taken_, spdy_head_bytes)));
    taken_ += spdy_head_bytes;
    if (!head.control) {
      CO_TRY(co_await read_data(ctx, head));
      continue;
    }
    CO_TRY(co_await fill(ctx, head.length));
    std::string payload = in_.substr(taken_, head.length);
    taken_ += head.length;
    if (taken_ == in_.size()) {
      in_ = std::string();  // nothing is kept while idle
      taken_ = 0;
    }
    CO_TRY(co_await on_control(ctx, head, std::move(payload)));
  }
}

rt::Task<Result<Unit>> SpdySession::read_data(rt::Context ctx, SpdyHead head) {
  const SpdyStreamPtr stream = find(head.stream_id);
  for (std::size_t left = head.length; left > 0;) {
    CO_TRY(co_await fill(ctx, 1));
    const std::size_t n = std::min(left, in_.size() - taken_);
    Bytes piece(in_.substr(taken_, n));
    taken_ += n;
    left -= n;
    if (taken_ == in_.size()) {
      in_ = std::string();
      taken_ = 0;
    }
    if (!stream || stream->discarded_ || stream->in_ended_) continue;  // of a stream that is over: thrown away
    stream->in_.push(std::move(piece));
    stream->readable_.set();
    while (stream->in_.bytes() >= spdy_stream_bytes_max && !stream->discarded_) {
      stream->room_.reset();
      CO_TRY(co_await stream->room_.wait(ctx));
    }
  }
  if (stream && (head.flags & spdy_fin)) on_fin(*stream);
  co_return Unit{};
}

void SpdySession::on_fin(SpdyStream& stream) {
  stream.in_ended_ = true;
  stream.readable_.set();
  forget_if_done(stream);
}

void SpdySession::forget_if_done(SpdyStream& stream) {
  if (!stream.in_ended_ || !stream.out_ended_) return;
  stream.session_ = nullptr;
  streams_.erase(stream.id_);
}

// The peers of Kubernetes reset streams that they are done with: what had come can be read to its end.
void SpdySession::fail_stream(uint32_t id, Status why) {
  const SpdyStreamPtr stream = find(id);
  if (!stream) return;
  if (!stream->replied_) stream->failure_ = std::move(why);
  stream->in_ended_ = stream->out_ended_ = true;
  stream->readable_.set();
  stream->answered_.set();
  forget_if_done(*stream);
}

rt::Task<Result<Unit>> SpdySession::on_control(rt::Context ctx, SpdyHead head, std::string payload) {
  switch (head.type) {
    case SpdyType::SynStream: co_return co_await on_syn_stream(std::move(ctx), head, std::move(payload));
    case SpdyType::SynReply:
    case SpdyType::Headers: {
      CO_TRY_ASSIGN(const uint32_t id, spdy_number(payload, 0));
      CO_TRY(inflater_.expand(std::string_view(payload).substr(4)));
      const SpdyStreamPtr stream = find(id);
      if (!stream) co_return Unit{};
      if (head.type == SpdyType::SynReply) {
        stream->replied_ = true;
        stream->answered_.set();
      }
      if (head.flags & spdy_fin) on_fin(*stream);
      co_return Unit{};
    }
    case SpdyType::RstStream: {
      CO_TRY_ASSIGN(const uint32_t id, spdy_number(payload, 0));
      CO_TRY_ASSIGN(const uint32_t code, spdy_number(payload, 4));
      fail_stream(id, Status{Reason::ServiceUnavailable, 0, "the peer refused the stream (SPDY status " + std::to_string(code) + ")", {}});
      co_return Unit{};
    }
    case SpdyType::Ping: {
      CO_TRY_ASSIGN(const uint32_t id, spdy_number(payload, 0));
      const bool theirs = (id % 2 == 1) == server_;
      if (theirs) co_return co_await send(std::move(ctx), spdy_ping(id));
      co_return Unit{};
    }
    default: co_return Unit{};  // GOAWAY: the end of the connection follows; settings and windows change nothing here
  }
}

rt::Task<Result<Unit>> SpdySession::on_syn_stream(rt::Context ctx, SpdyHead head, std::string payload) {
  constexpr std::size_t fixed_bytes = 10;
  CO_TRY_ASSIGN(const uint32_t id, spdy_number(payload, 0));
  if (payload.size() < fixed_bytes) co_return bad_request("SPDY: a control frame is too short");
  CO_TRY_ASSIGN(SpdyHeaders headers, inflater_.expand(std::string_view(payload).substr(fixed_bytes)));
  if (id == 0 || (id % 2 == 1) != server_ || id <= last_peer_id_) co_return bad_request("SPDY: stream " + std::to_string(id) + " must not be opened");
  last_peer_id_ = id;
  if (streams_.size() >= spdy_streams_max) co_return co_await send(std::move(ctx), spdy_rst_stream(id, SpdyReset::RefusedStream));
  SpdyStreamPtr stream(new SpdyStream(this, id, std::move(headers)));
  stream->replied_ = true;
  stream->in_ended_ = (head.flags & spdy_fin) != 0;
  stream->out_ended_ = (head.flags & spdy_unidirectional) != 0;
  streams_.emplace(id, stream);
  SpdyHeaders none;
  if (!stream->out_ended_) CO_TRY(co_await send_headers(ctx, SpdyType::SynReply, id, 0, std::move(none)));
  forget_if_done(*stream);
  co_return co_await arrived_.send(std::move(ctx), std::move(stream));
}

rt::Task<Result<SpdyStreamPtr>> SpdySession::open(rt::Context ctx, SpdyHeaders headers) {
  if (ended_) co_return Unexpected(gone());
  if (streams_.size() >= spdy_streams_max) co_return error(Reason::TooManyRequests, "too many streams in one SPDY connection");
  const uint32_t id = next_id_;
  next_id_ += 2;
  SpdyStreamPtr stream(new SpdyStream(this, id, headers));
  streams_.emplace(id, stream);
  CO_TRY(co_await send_headers(ctx, SpdyType::SynStream, id, 0, std::move(headers)));
  CO_TRY(co_await stream->answered_.wait(ctx.with_timeout(spdy_open_timeout)));
  if (stream->failure_) co_return Unexpected(*stream->failure_);
  co_return stream;
}

rt::Task<Result<SpdyStreamPtr>> SpdySession::accept(rt::Context ctx) { co_return co_await arrived_.receive(std::move(ctx)); }

rt::Task<void> SpdySession::close() {
  if (ended_) co_return;
  ended_ = true;
  (void)co_await send(rt::Context::background().with_timeout(std::chrono::seconds(1)), spdy_go_away(last_peer_id_));
  stream_->close();
}

rt::Task<Result<Unit>> SpdySession::send(rt::Context ctx, std::string frame) {
  CO_TRY_ASSIGN(const auto lock, co_await writing_.lock(ctx));
  co_return co_await stream_->write(std::move(ctx), std::string_view(frame));
}

rt::Task<Result<Unit>> SpdySession::send_headers(rt::Context ctx, SpdyType type, uint32_t id, uint8_t flags, SpdyHeaders headers) {
  CO_TRY_ASSIGN(const auto lock, co_await writing_.lock(ctx));
  std::string body;
  append_spdy_number(body, id);
  if (type == SpdyType::SynStream) body.append(6, '\0');  // no associated stream, highest priority, no credential
  body += deflater_.compress(headers);
  SpdyHead head;
  head.control = true;
  head.type = type;
  head.flags = flags;
  head.length = static_cast<uint32_t>(body.size());
  std::string frame = format_spdy_head(head);
  frame += body;
  co_return co_await stream_->write(std::move(ctx), std::string_view(frame));
}

rt::Task<Result<Unit>> SpdySession::send_data(rt::Context ctx, uint32_t id, uint8_t flags, Bytes data) {
  CO_TRY_ASSIGN(const auto lock, co_await writing_.lock(ctx));
  SpdyHead head;
  head.stream_id = id;
  head.flags = flags;
  head.length = static_cast<uint32_t>(data.size());
  std::vector<Bytes> pieces;
  pieces.push_back(Bytes(format_spdy_head(head)));
  if (!data.empty()) pieces.push_back(std::move(data));
  co_return co_await stream_->write(std::move(ctx), std::move(pieces));
}

}  // namespace pintle::net
