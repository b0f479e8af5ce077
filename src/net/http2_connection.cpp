#include "net/http2_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace pintle::net {

namespace {

constexpr std::size_t batch_bytes_max = 256 << 10;  // of one write
constexpr std::size_t copy_bytes_max = 4 << 10;     // smaller pieces are packed together
constexpr std::size_t tail_bytes_max = 64 << 10;
constexpr std::size_t crowded_stream_bytes = 16 << 10;
constexpr std::size_t frame_bytes_max = 64 << 10;  // of ours, if the peer takes them
constexpr std::size_t read_bytes_min = 4 << 10;
constexpr std::size_t read_bytes_max = 64 << 10;
constexpr uint64_t reset_burst = 1000;  // streams a peer may reset at once, and a second after that
constexpr uint64_t reset_rate = 33;
constexpr std::size_t outbound_acks_max = 1000;
constexpr std::size_t settings_entries_max = 32;
constexpr std::size_t unread_bytes_max = 4 << 20;  // of a body after its answer; then the stream is reset
constexpr uint32_t unknown_streams_max = 250;      // to a peer that has named no limit
constexpr std::size_t block_bytes_slack = 64 << 10;
constexpr std::size_t preface_bytes = 24;  // of a client

nghttp2_nv to_nv(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())), reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

// nghttp2's callbacks: thin.
struct Http2Callbacks {
  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  static Http2StreamPtr find(Http2Connection& connection, int32_t id) {
    const auto found = connection.streams_.find(id);
    return found == connection.streams_.end() ? nullptr : found->second;
  }

  static ssize_t send(nghttp2_session*, const uint8_t* data, size_t size, int, void* user) {
    auto& c = self(user);
    if (c.batch_bytes_ >= batch_bytes_max) return NGHTTP2_ERR_WOULDBLOCK;
    c.append_copy({reinterpret_cast<const char*>(data), size});
    return static_cast<ssize_t>(size);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size, nghttp2_data_source* source, void* user) {
    auto& c = self(user);
    if (c.batch_bytes_ >= batch_bytes_max) return NGHTTP2_ERR_WOULDBLOCK;
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    CHECK(stream.out.bytes() >= size, "a DATA frame is made of what is queued");
    c.append_copy({reinterpret_cast<const char*>(head), 9});
    c.queued_bytes_ -= size;
    while (size > 0) {
      Bytes piece = stream.out.pop_up_to(size);
      size -= piece.size();
      c.append(std::move(piece));
    }
    stream.out_moved = c.runtime_.clock().now();
    stream.writable.notify();
    return 0;
  }

  static ssize_t read_source(nghttp2_session* session, int32_t id, uint8_t*, size_t size, uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    if (stream.out.empty() && !stream.out_ended) {
      stream.out_deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    const std::size_t n = std::min(size, stream.out.bytes());
    if (stream.out_ended && n == stream.out.bytes()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers_out.empty()) submit_trailers(session, id, stream, flags);
    }
    return static_cast<ssize_t>(n);
  }

  static void submit_trailers(nghttp2_session* session, int32_t id, const Http2Stream& stream, uint32_t* flags) {
    std::vector<nghttp2_nv> nv;
    for (const auto& [name, value] : stream.trailers_out) nv.push_back(to_nv(name, value));
    if (nghttp2_submit_trailer(session, id, nv.data(), nv.size()) == 0) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }

  static ssize_t frame_length(nghttp2_session*, uint8_t, int32_t, int32_t session_window, int32_t stream_window, uint32_t peer_max, void*) {
    return std::max<ssize_t>(1, std::min<int64_t>({session_window, stream_window, peer_max, static_cast<int64_t>(frame_bytes_max)}));
  }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& c = self(user);
    c.headers_open_ = true;
    c.headers_since_ = c.last_read_;
    c.block_decoded_bytes_ = 0;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST || !c.options_.server) return 0;
    auto stream = c.begin_stream();
    if (!stream) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    stream->id = frame->hd.stream_id;
    c.streams_.emplace(stream->id, stream);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size, const uint8_t* value, size_t value_size,
                    uint8_t, void* user) {
    auto& c = self(user);
    // A byte may stand for a whole entry of the table: what comes of a block is counted too.
    c.block_decoded_bytes_ += name_size + value_size + 32;
    if (c.block_decoded_bytes_ > 2 * c.options_.header_bytes_max + block_bytes_slack) c.flooded_ = true;
    auto stream = find(c, frame->hd.stream_id);
    if (!stream || c.flooded_) return 0;
    c.on_header(*stream, {reinterpret_cast<const char*>(name), name_size}, {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& c = self(user);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK)) c.ping_open_ = false;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      c.draining_ = true;
      c.on_drain();
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) c.headers_open_ = false;
    auto stream = find(c, frame->hd.stream_id);
    if (!stream) return 0;
    const bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (ends) stream->in_ended = true;
    if (stream->field_too_large && c.options_.reset_large_fields) {
      c.reset(*stream, NGHTTP2_ENHANCE_YOUR_CALM);
      return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) c.on_headers_done(stream, ends);
    if (ends) stream->readable.notify();
    return 0;
  }

  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
    auto& c = self(user);
    auto stream = find(c, id);
    if (!stream) {
      nghttp2_session_consume_connection(session, size);
      return 0;
    }
    if (stream->unread) {
      nghttp2_session_consume(session, id, size);
      stream->dropped += size;
      if (stream->dropped > unread_bytes_max) nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
      return 0;
    }
    stream->in.append(reinterpret_cast<const char*>(data), size);
    stream->readable.notify();
    return 0;
  }

  // The answer is complete while the peer still sends a body that nobody reads. A reset would say so (RFC 9113 8.1), but
  // curl and others then lose the answer: the rest is dropped, and only too much of it is reset.
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& c = self(user);
    if (!c.options_.server || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)) return 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    auto stream = find(c, frame->hd.stream_id);
    if (stream && !stream->in_ended) {
      stream->unread = true;
      nghttp2_session_consume(session, stream->id, stream->in.size());
      stream->in.clear();
    }
    return 0;
  }

  static int stream_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user) {
    self(user).close_stream(id, error_code);
    return 0;
  }

  static const nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* t = nullptr;
      nghttp2_session_callbacks_new(&t);
      nghttp2_session_callbacks_set_send_callback(t, send);
      nghttp2_session_callbacks_set_send_data_callback(t, send_data);
      nghttp2_session_callbacks_set_data_source_read_length_callback(t, frame_length);
      nghttp2_session_callbacks_set_on_begin_headers_callback(t, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(t, header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(t, frame_received);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(t, data_chunk);
      nghttp2_session_callbacks_set_on_frame_send_callback(t, frame_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(t, stream_close);
      return t;
    }();
    return made;
  }

  static nghttp2_data_provider provider(Http2Stream& stream) {
    nghttp2_data_provider made;
    made.source.ptr = &stream;
    made.read_callback = read_source;
    return made;
  }
};

namespace {

std::vector<nghttp2_nv> to_nv(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  std::vector<nghttp2_nv> out;
  out.reserve(fields.size());
  for (const auto& [name, value] : fields) out.push_back(to_nv(name, value));
  return out;
}

nghttp2_session* new_session(Http2Connection* connection, const Http2Options& options) {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  // Servers in the field end values with a space (an error's text in grpc-message), and such a field would be dropped without a word.
  if (!options.server) nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
  nghttp2_option_set_max_outbound_ack(option, outbound_acks_max);
  nghttp2_option_set_max_settings(option, settings_entries_max);
  nghttp2_option_set_stream_reset_rate_limit(option, reset_burst, reset_rate);
  nghttp2_option_set_max_continuations(option, 2 * http2_continuations_max);  // Http2Screen counts, and may split one
  nghttp2_option_set_max_send_header_block_length(option, options.header_bytes_max + block_bytes_slack);
  nghttp2_session* session = nullptr;
  const int made = options.server ? nghttp2_session_server_new2(&session, Http2Callbacks::table(), connection, option)
                                  : nghttp2_session_client_new2(&session, Http2Callbacks::table(), connection, option);
  nghttp2_option_del(option);
  CHECK(made == 0, "out of memory in nghttp2");
  std::vector<nghttp2_settings_entry> settings{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(options.stream_window)},
                                               {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options.header_bytes_max)}};
  if (options.server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams_max});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, options.connection_window);
  return session;
}

}  // namespace

Http2Connection::Http2Connection(rt::Runtime& runtime, std::unique_ptr<rt::Stream> stream, Http2Options options)
    : runtime_(runtime),
      stream_(std::move(stream)),
      options_(options),
      session_(new_session(this, options)),
      watchdog_(runtime, rt::Executor::current(), [this] { maintain(); }),
      screen_(options.server ? preface_bytes : 0, 2 * options.header_bytes_max + block_bytes_slack) {
  screened_.pass = [this](std::string_view data) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(data.data()), data.size()) >= 0;
  };
  screened_.shortened = [this](uint32_t id) {
    if (const auto stream = Http2Callbacks::find(*this, static_cast<int32_t>(id))) stream->field_too_large = true;
  };
}

Http2Connection::~Http2Connection() { nghttp2_session_del(session_); }

rt::Task<Result<Bytes>> Http2Connection::read_body(rt::Context ctx, Http2StreamPtr stream) {
  while (true) {
    if (!stream->in.empty()) {
      std::string piece = std::exchange(stream->in, {});
      if (!stream->credited && !dead_) {
        nghttp2_session_consume(session_, stream->id, piece.size());
        kick();
      }
      co_return Bytes(std::move(piece));
    }
    if (stream->in_ended) co_return Bytes();
    if (stream->closed) {
      std::string why = "the peer reset the stream: ";
      if (dead_) why = "the peer closed the connection: ";
      co_return error(Reason::ServiceUnavailable, why.append(http2_error_name(stream->error_code)));
    }
    if (stream->abandoned) co_return error(Reason::Cancelled, "the stream was given up");
    if (ctx.done()) co_return Unexpected(ctx.status());
    rt::Executor& executor = rt::Executor::current();
    auto registration = ctx.on_done([stream, &executor] { executor.post([stream] { stream->readable.notify(); }); });
    co_await stream->readable.wait();
  }
}

void Http2Connection::queue(Http2Stream& stream, Bytes piece) {
  if (stream.out.empty()) stream.out_moved = runtime_.clock().now();
  queued_bytes_ += piece.size();
  stream.out.push(std::move(piece));
}

rt::Task<Result<Unit>> Http2Connection::write_body(Http2StreamPtr stream, std::vector<Bytes> data) {
  if (!stream->closed && !stream->abandoned) {
    for (auto& piece : data) queue(*stream, std::move(piece));
    resume(*stream);
  }
  while (!stream->closed && !stream->abandoned) {
    const std::size_t limit = queued_bytes_ > options_.connection_buffer_max ? crowded_stream_bytes : options_.stream_buffer_max;
    if (stream->out.bytes() <= limit) co_return Unit{};
    co_await stream->writable.wait();
  }
  if (stream->abandoned) co_return error(Reason::Cancelled, "the answer was broken off");
  // A body that was taken as a whole may be closed already.
  if (stream->error_code == http2_no_error && stream->out_ended && !dead_) co_return Unit{};
  co_return error(Reason::ServiceUnavailable, std::string("the peer reset the stream: ").append(http2_error_name(stream->error_code)));
}

void Http2Connection::end_body(Http2Stream& stream) {
  stream.out_ended = true;
  resume(stream);
}

void Http2Connection::end_body_with_trailers(Http2Stream& stream, std::vector<Headers::Item> trailers) {
  stream.trailers_out = std::move(trailers);
  end_body(stream);
}

void Http2Connection::resume(Http2Stream& stream) {
  if (stream.closed || dead_) return;
  if (stream.out_deferred) {
    stream.out_deferred = false;
    nghttp2_session_resume_data(session_, stream.id);
  }
  kick();
}

void Http2Connection::reset(Http2Stream& stream, uint32_t error_code) {
  if (stream.closed || dead_) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, error_code);
  kick();
}

void Http2Connection::abandon(Http2Stream& stream) {
  if (stream.closed) return;
  reset(stream, http2_cancel);
  stream.abandoned = true;
  stream.readable.notify();
  stream.writable.notify();
}

void Http2Connection::drain() {
  if (draining_ || dead_) return;
  draining_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
  kick();
}

void Http2Connection::abort() {
  stream_->close();
  kick();
}

bool Http2Connection::submit_response(Http2Stream& stream, const Fields& fields, bool with_body) {
  if (stream.closed || dead_) return false;
  const auto nv = to_nv(fields);
  const auto provider = Http2Callbacks::provider(stream);
  const int done = nghttp2_submit_response(session_, stream.id, nv.data(), nv.size(), with_body ? &provider : nullptr);
  kick();
  return done == 0;
}

bool Http2Connection::submit_interim(Http2Stream& stream, const Fields& fields) {
  if (stream.closed || dead_) return false;
  const auto nv = to_nv(fields);
  const int done = nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, nv.data(), nv.size(), nullptr);
  kick();
  return done == 0;
}

bool Http2Connection::submit_request(Http2StreamPtr stream, const Fields& fields, bool with_body) {
  if (!usable()) return false;
  const auto nv = to_nv(fields);
  const auto provider = Http2Callbacks::provider(*stream);
  const int32_t id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(), with_body ? &provider : nullptr, nullptr);
  if (id < 0) return false;
  stream->id = id;
  if (streams_.empty()) {
    last_read_ = runtime_.clock().now();  // silence is counted from here
    watchdog_.expect_within(options_.ping_after);
  }
  streams_.emplace(id, std::move(stream));
  kick();
  return true;
}

void Http2Connection::queue_body(Http2Stream& stream, Bytes body) {
  queue(stream, std::move(body));
  end_body(stream);
}

std::size_t Http2Connection::peer_streams_max() const {
  return std::min(nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), unknown_streams_max);
}

void Http2Connection::append_copy(std::string_view data) {
  if (tail_.capacity() - tail_.size() < data.size()) {
    if (tail_.size() + data.size() > tail_bytes_max) flush_tail();
    tail_.reserve(std::max<std::size_t>(tail_.capacity() * 2, data.size()));
  }
  tail_.append(data);
  batch_bytes_ += data.size();
}

void Http2Connection::append(Bytes piece) {
  if (piece.size() <= copy_bytes_max) return append_copy(piece.view());
  flush_tail();
  batch_bytes_ += piece.size();
  batch_.push_back(std::move(piece));
}

void Http2Connection::flush_tail() {
  if (tail_.empty()) return;
  batch_.push_back(Bytes(std::move(tail_)));
  tail_ = std::string();
}

bool Http2Connection::gather() {
  batch_bytes_ = 0;
  const int done = nghttp2_session_send(session_);
  flush_tail();
  return done == 0;
}

bool Http2Connection::finished() const {
  if (draining_ && streams_.empty()) return true;
  return !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
}

rt::Task<void> Http2Connection::write_loop() {
  while (!dead_) {
    if (!gather()) {
      stream_->close();
      break;
    }
    if (batch_.empty()) {
      if (finished()) {
        lingering_ = true;
        stream_->shutdown_write();
        watchdog_.expect_within(std::chrono::seconds(1));
        break;
      }
      co_await wake_.wait();
      continue;
    }
    auto batch = std::exchange(batch_, {});
    writing_ = true;
    write_started_ = runtime_.clock().now();
    auto sent = co_await stream_->write(rt::Context::background(), std::move(batch));
    writing_ = false;
    if (!sent) {
      stream_->close();
      break;
    }
  }
  writer_done_ = true;
  writer_ended_.notify();
}

bool Http2Connection::receive(std::string_view data) {
  if (lingering_ || flooded_) return true;
  last_read_ = runtime_.clock().now();
  if (ping_open_) ping_open_ = false;
  const auto verdict = screen_.feed(data, last_read_, screened_);
  kick();
  flooded_ |= verdict == Http2Screen::Verdict::Flood;
  if (flooded_) nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  return verdict != Http2Screen::Verdict::Stopped;
}

rt::Task<void> Http2Connection::run_io(std::string received) {
  last_read_ = last_active_ = runtime_.clock().now();
  watchdog_.expect_within(std::min(options_.idle_timeout, options_.header_timeout));
  run_detached(write_loop());
  bool alive = received.empty() || receive(received);
  received = {};
  std::string buffer(read_bytes_min, '\0');
  while (alive) {
    auto n = co_await stream_->read(rt::Context::background(), buffer);
    if (!n || *n == 0) break;
    alive = receive(std::string_view(buffer.data(), *n));
    const std::size_t want = *n == buffer.size()    ? std::min(buffer.size() * 4, read_bytes_max)
                             : *n <= read_bytes_min ? read_bytes_min
                                                    : buffer.size();
    if (want != buffer.size()) buffer = std::string(want, '\0');
  }
  dead_ = true;
  draining_ = true;
  on_drain();
  watchdog_.disarm();
  stream_->close();
  close_all_streams();
  kick();
  while (!writer_done_) co_await writer_ended_.wait();
}

void Http2Connection::close_stream(int32_t id, uint32_t error_code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  auto stream = std::move(found->second);
  streams_.erase(found);
  stream->closed = true;
  stream->error_code = error_code;
  stream->credited = true;
  if (!stream->in.empty() && !dead_) nghttp2_session_consume_connection(session_, stream->in.size());
  queued_bytes_ -= stream->out.bytes();
  stream->out.clear();
  stream->readable.notify();
  stream->writable.notify();
  if (streams_.empty() && !dead_) {
    last_active_ = last_read_;
    watchdog_.expect_within(options_.idle_timeout);
  }
  on_closed(*stream);
}

void Http2Connection::close_all_streams() {
  while (!streams_.empty()) close_stream(streams_.begin()->first, http2_cancel);
}

// Streams of whose body the peer takes nothing: a window that stays shut, while pings are answered.
void Http2Connection::reset_stalled(rt::TimePoint now) {
  for (const auto& [id, stream] : streams_) {
    if (!stream->out.empty() && now - stream->out_moved >= options_.stall_timeout) reset(*stream, http2_cancel);
  }
}

// What a silent or stuck peer runs into. Called by the watchdog, which is set again here.
void Http2Connection::maintain() {
  const auto now = runtime_.clock().now();
  const bool stuck = writing_ && now - write_started_ >= options_.idle_timeout;
  const bool slow_headers = headers_open_ && now - headers_since_ >= options_.header_timeout;
  const bool deaf = ping_open_ && now - ping_sent_ >= options_.ping_timeout;
  if (lingering_ || stuck || slow_headers || deaf) return stream_->close();
  if (streams_.empty()) {
    const auto left = options_.idle_timeout - (now - last_active_);
    if (left > rt::Duration(0)) return watchdog_.expect_within(left);
    drain();
    return watchdog_.expect_within(options_.ping_timeout);
  }
  reset_stalled(now);
  if (!ping_open_ && now - last_read_ >= options_.ping_after) {
    ping_open_ = true;
    ping_sent_ = now;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    kick();
  }
  const auto quiet = ping_open_ ? options_.ping_timeout - (now - ping_sent_) : options_.ping_after - (now - last_read_);
  watchdog_.expect_within(std::min({quiet, options_.header_timeout, options_.idle_timeout, options_.stall_timeout}));
}

std::string_view http2_error_name(uint32_t code) { return nghttp2_http2_strerror(code); }

}  // namespace pintle::net
