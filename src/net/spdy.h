// SPDY/3.1 over an upgraded stream, either end, as exec, attach and port-forward use it: many streams with headers, each
// ending by half, in one connection. One executor.
//
// Back-pressure is that of the connection: a stream that is not read stops the session's reading once it holds
// spdy_stream_bytes_max. The peers of Kubernetes neither send nor obey window updates, so there are none here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/bytes_queue.h"
#include "net/spdy_frame.h"
#include "net/spdy_headers.h"
#include "rt/context.h"
#include "rt/network.h"
#include "rt/sync.h"

namespace pintle::net {

constexpr std::size_t spdy_stream_bytes_max = 256 << 10;  // received and not read yet
constexpr std::size_t spdy_streams_max = 1024;            // at once; a further one is refused
constexpr rt::Duration spdy_open_timeout = std::chrono::seconds(30);

class SpdySession;

// One stream. Valid as long as somebody holds it; after its session it only fails. One task reads, one writes.
class SpdyStream {
 public:
  uint32_t id() const { return id_; }
  const SpdyHeaders& headers() const { return headers_; }  // that it was opened with
  // The next piece; empty at the end. ServiceUnavailable if the stream was reset or the connection is gone.
  rt::Task<Result<Bytes>> read(rt::Context ctx);
  rt::Task<Result<Unit>> write(rt::Context ctx, Bytes data);
  // Tells the peer that nothing more comes. Idempotent.
  rt::Task<Result<Unit>> finish(rt::Context ctx);
  // Ends both directions.
  rt::Task<void> reset(rt::Context ctx);
  // Nobody reads any more: what comes is thrown away.
  void discard();

 private:
  friend class SpdySession;
  SpdyStream(SpdySession* session, uint32_t id, SpdyHeaders headers) : session_(session), id_(id), headers_(std::move(headers)) {}
  SpdySession* session_;  // nullptr: it has ended
  const uint32_t id_;
  const SpdyHeaders headers_;
  BytesQueue in_;
  bool in_ended_ = false;   // the peer's FIN
  bool out_ended_ = false;  // ours
  bool replied_ = false;
  bool discarded_ = false;
  std::optional<Status> failure_;
  rt::Event readable_;  // something is there, or the end
  rt::Event room_;      // the session may go on filling in_
  rt::Event answered_;  // SYN_REPLY came, or the end
};
using SpdyStreamPtr = std::shared_ptr<SpdyStream>;

class SpdySession {
 public:
  SpdySession(std::unique_ptr<rt::Stream> stream, bool server);
  ~SpdySession();
  SpdySession(const SpdySession&) = delete;
  SpdySession& operator=(const SpdySession&) = delete;

  // Reads until the connection ends; await it before the session is destroyed. Returns why it ended: a clean end of the
  // connection is Unit. All streams end with it.
  rt::Task<Result<Unit>> run(rt::Context ctx);
  // Opens a stream and waits for the peer's reply.
  rt::Task<Result<SpdyStreamPtr>> open(rt::Context ctx, SpdyHeaders headers);
  // The next stream that the peer opens, already answered. Gone once the session has ended.
  rt::Task<Result<SpdyStreamPtr>> accept(rt::Context ctx);
  // Says goodbye and ends the connection; run() returns.
  rt::Task<void> close();

 private:
  friend class SpdyStream;
  rt::Task<Result<Unit>> fill(rt::Context ctx, std::size_t bytes);
  rt::Task<Result<Unit>> read_frames(rt::Context ctx);
  rt::Task<Result<Unit>> read_data(rt::Context ctx, SpdyHead head);
  rt::Task<Result<Unit>> on_control(rt::Context ctx, SpdyHead head, std::string payload);
  rt::Task<Result<Unit>> on_syn_stream(rt::Context ctx, SpdyHead head, std::string payload);
  void on_fin(SpdyStream& stream);
  void fail_stream(uint32_t id, Status why);
  void forget_if_done(SpdyStream& stream);
  rt::Task<Result<Unit>> send(rt::Context ctx, std::string frame);
  // Headers are compressed in the order in which they are sent.
  rt::Task<Result<Unit>> send_headers(rt::Context ctx, SpdyType type, uint32_t id, uint8_t flags, SpdyHeaders headers);
  rt::Task<Result<Unit>> send_data(rt::Context ctx, uint32_t id, uint8_t flags, Bytes data);
  SpdyStreamPtr find(uint32_t id) const;

  std::unique_ptr<rt::Stream> stream_;
  const bool server_;
  uint32_t next_id_;
  uint32_t last_peer_id_ = 0;
  std::string in_;
  std::size_t taken_ = 0;
  SpdyInflater inflater_;
  SpdyDeflater deflater_;
  rt::AsyncMutex writing_;
  std::map<uint32_t, SpdyStreamPtr> streams_;
  rt::Channel<SpdyStreamPtr> arrived_;
  bool ended_ = false;
};

}  // namespace pintle::net
