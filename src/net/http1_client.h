// One HTTP/1.1 exchange on a connection that a pool lends.
#pragma once

#include <functional>
#include <memory>

#include "net/forwarding_transport.h"
#include "net/input_buffer.h"
#include "net/url.h"
#include "rt/clock.h"

namespace pintle::net {

constexpr std::size_t response_header_bytes_max = 1 << 20;

// A connection between exchanges.
struct Http1Link {
  std::unique_ptr<rt::Stream> stream;
  InputBuffer in;
  bool reused = false;
  rt::TimePoint idle_since{};
  ~Http1Link() {
    if (stream) stream->close();
  }
};
using Http1LinkPtr = std::unique_ptr<Http1Link>;
// Called once: with the link, if it can serve another exchange, or nullptr when it is gone.
using ReleaseLink = std::function<void(Http1LinkPtr)>;

struct ExchangeResult {
  Result<Response> response;
  // The server cannot have acted on the request, or (idempotent only) a connection that was kept went away.
  bool retry = false;
};
rt::Task<ExchangeResult> http1_exchange(Http1LinkPtr link, rt::Context ctx, Url url, ForwardedRequest request, ReleaseLink release);

// GET, HEAD, OPTIONS, TRACE: what may be sent again.
bool is_idempotent(std::string_view method);

}  // namespace pintle::net
