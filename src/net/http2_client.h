// An HTTP/2 connection to a server, shared by many exchanges of one executor.
#pragma once

#include <memory>

#include "net/client.h"
#include "net/http1_client.h"
#include "net/http2_connection.h"

namespace pintle::net {

class Http2Client : public Http2Connection, public std::enable_shared_from_this<Http2Client> {
 public:
  Http2Client(rt::Runtime& runtime, std::unique_ptr<rt::Stream> stream, const ClientOptions& options);

  // Runs the connection; holds `self` until it has ended.
  static rt::Task<void> run(std::shared_ptr<Http2Client> self);
  rt::Task<ExchangeResult> exchange(rt::Context ctx, Url url, ForwardedRequest request);
  // Whether another exchange may start at once.
  bool has_room() const { return usable() && stream_count() < peer_streams_max(); }

 private:
  Http2StreamPtr begin_stream() override { return nullptr; }
  void on_header(Http2Stream& stream, std::string_view name, std::string_view value) override;
  void on_headers_done(const Http2StreamPtr& stream, bool final) override;
  void on_closed(Http2Stream& stream) override;
  bool used_ = false;
};

}  // namespace pintle::net
