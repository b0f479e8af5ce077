// Http2Connection: what the two ends of HTTP/2 (RFC 9113) have in common: nghttp2's session driven by buffers, one task
// that reads, one that writes whole batches of frames, flow control tied to what the application reads, keep-alive
// pings, and the deadlines that a silent or stuck peer runs into. One executor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/bytes_queue.h"
#include "net/http.h"
#include "net/http2_screen.h"
#include "net/signal.h"
#include "net/watchdog.h"
#include "rt/runtime.h"

struct nghttp2_session;

namespace pintle::net {

struct Http2Options {
  bool server = true;
  uint32_t streams_max = 250;  // that the peer may have open; more are refused
  std::size_t header_bytes_max = 1 << 20;
  bool reset_large_fields = true;               // streams with a field over http2_field_bytes_max; otherwise the stream only says so
  std::size_t stream_buffer_max = 256 << 10;    // body bytes queued for sending; then write_body() waits
  std::size_t connection_buffer_max = 4 << 20;  // the same for all streams: then each keeps little
  int32_t stream_window = 256 << 10;            // body bytes that the peer may send ahead of our reading
  int32_t connection_window = 1 << 20;
  rt::Duration header_timeout = std::chrono::seconds(32);
  rt::Duration stall_timeout = std::chrono::seconds(180);  // of a stream of whose body the peer takes nothing: it is reset
  rt::Duration idle_timeout = std::chrono::seconds(180);   // without a stream; also: without progress in a write
  rt::Duration ping_after = std::chrono::seconds(90);      // of silence with streams open
  rt::Duration ping_timeout = std::chrono::seconds(15);
};

// One stream, as both ends see it. Shared by the connection and whoever reads or writes it.
struct Http2Stream {
  virtual ~Http2Stream() = default;
  int32_t id = 0;
  // Receiving.
  std::string in;
  bool in_ended = false;
  bool field_too_large = false;  // one of its header fields was longer than http2_field_bytes_max and came shortened
  bool unread = false;           // the answer is complete: the rest of the body is dropped
  std::size_t dropped = 0;
  bool credited = false;  // what is in `in` was given back to the window
  Signal readable;        // `in`, in_ended or closed changed; on a client also: the response's head is here
  // Sending.
  BytesQueue out;
  bool out_ended = false;
  bool out_deferred = false;                // nghttp2 has asked for more and got nothing
  std::vector<Headers::Item> trailers_out;  // sent after the body, which then does not end the stream
  Signal writable;
  rt::TimePoint out_moved{};  // when something last left `out`, or came into it while it was empty
  bool closed = false;
  bool abandoned = false;  // as good as closed for this side
  uint32_t error_code = 0;
};
using Http2StreamPtr = std::shared_ptr<Http2Stream>;

class Http2Connection {
 public:
  Http2Connection(rt::Runtime& runtime, std::unique_ptr<rt::Stream> stream, Http2Options options);
  virtual ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  // The next piece of a body; empty at its end.
  rt::Task<Result<Bytes>> read_body(rt::Context ctx, Http2StreamPtr stream);
  // Queues and waits while too much is queued.
  rt::Task<Result<Unit>> write_body(Http2StreamPtr stream, std::vector<Bytes> data);
  // No more body: the last frame carries END_STREAM.
  void end_body(Http2Stream& stream);
  // No more body; these fields (names in lower case) come after it and end the stream.
  void end_body_with_trailers(Http2Stream& stream, std::vector<Headers::Item> trailers);
  void reset(Http2Stream& stream, uint32_t error_code);
  // The same, and whoever waits in read_body() or write_body() is told at once: the reset itself may have to wait for a
  // peer that reads nothing.
  void abandon(Http2Stream& stream);
  // No new streams; the connection ends with the last of those that are open.
  void drain();
  // Ends it at once.
  void abort();
  bool usable() const { return !dead_ && !draining_; }

 protected:
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

  // Runs the connection to its end; `received` is what was read of it before. Every stream is closed afterwards.
  rt::Task<void> run_io(std::string received);
  // Wakes the writer: something was submitted.
  void kick() { wake_.notify(); }
  // Submit a head. `with_body`: write_body()/end_body() follow. False: the stream or the connection is gone.
  bool submit_response(Http2Stream& stream, const Fields& fields, bool with_body);
  bool submit_interim(Http2Stream& stream, const Fields& fields);
  bool submit_request(Http2StreamPtr stream, const Fields& fields, bool with_body);
  // A whole body at once, without waiting.
  void queue_body(Http2Stream& stream, Bytes body);
  // SETTINGS_MAX_CONCURRENT_STREAMS of the peer, as far as it is known.
  std::size_t peer_streams_max() const;
  std::size_t stream_count() const { return streams_.size(); }
  const Http2Options& options() const { return options_; }
  rt::Runtime& runtime() const { return runtime_; }
  rt::Stream& raw() { return *stream_; }

  // Hooks, called while nghttp2 parses: they must not wait.
  virtual Http2StreamPtr begin_stream() = 0;  // server; nullptr refuses
  virtual void on_header(Http2Stream& stream, std::string_view name, std::string_view value) = 0;
  virtual void on_headers_done(const Http2StreamPtr& stream, bool final) = 0;
  virtual void on_closed(Http2Stream& stream) = 0;
  virtual void on_drain() {}

 private:
  friend struct Http2Callbacks;
  rt::Task<void> write_loop();
  // Moves what nghttp2 wants to send into batch_. False: the session is broken.
  bool gather();
  bool receive(std::string_view data);
  void append_copy(std::string_view data);
  void append(Bytes piece);
  void flush_tail();
  void close_all_streams();
  void close_stream(int32_t id, uint32_t error_code);
  bool finished() const;
  void maintain();
  void reset_stalled(rt::TimePoint now);
  void queue(Http2Stream& stream, Bytes piece);
  void resume(Http2Stream& stream);

  rt::Runtime& runtime_;
  std::unique_ptr<rt::Stream> stream_;
  const Http2Options options_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, Http2StreamPtr> streams_;
  Watchdog watchdog_;
  Signal wake_;
  Signal writer_ended_;
  std::vector<Bytes> batch_;
  std::string tail_;
  std::size_t batch_bytes_ = 0;
  std::size_t queued_bytes_ = 0;  // in all streams' out
  Http2Screen screen_;
  Http2Screen::Output screened_;
  std::size_t block_decoded_bytes_ = 0;  // of the header block that is being received
  bool flooded_ = false;                 // the peer is told to calm down; what it still sends is dropped
  rt::TimePoint last_read_{};
  rt::TimePoint last_active_{};
  rt::TimePoint write_started_{};
  rt::TimePoint ping_sent_{};
  rt::TimePoint headers_since_{};
  bool headers_open_ = false;
  bool ping_open_ = false;
  bool writing_ = false;
  bool writer_done_ = false;
  bool draining_ = false;
  bool lingering_ = false;
  bool dead_ = false;
};

// "CANCEL" for 8.
std::string_view http2_error_name(uint32_t code);
constexpr uint32_t http2_no_error = 0;
constexpr uint32_t http2_internal_error = 2;
constexpr uint32_t http2_refused_stream = 7;
constexpr uint32_t http2_cancel = 8;

}  // namespace pintle::net
