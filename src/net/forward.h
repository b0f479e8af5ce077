// Forwarding: a request that came in goes on to another server, and its answer back: whole, streaming, or as an upgraded
// connection whose bytes are carried both ways. Used by the API server towards nodes, pods and services, and by the
// kubelet towards its runtime.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/forwarding_transport.h"

namespace pintle::net {

// Whether the request asks to change the protocol of its connection.
bool is_upgrade_request(const Request& request);
// The request's headers as they go on: without those of the hop and those that Connection names (but for an upgrade's own),
// credentials, a WebSocket client's token among them, and the front proxy's, with X-Forwarded-For.
Headers forwarded_headers(const Request& request, bool upgrade);

// Carries bytes both ways until one side ends, then closes both.
rt::Task<void> join_streams(rt::Context ctx, std::unique_ptr<rt::Stream> a, std::unique_ptr<rt::Stream> b);

struct ForwardOptions {
  std::string method;        // "": the request's own
  Headers headers;           // instead of forwarded_headers()
  bool own_headers = false;  // use `headers`
  std::string address;       // numeric: connect there; "": to what the URL's host resolves to
  // Looks at an answer before it is passed on; an error is what the caller answers instead.
  std::function<Result<Unit>(Response&)> on_answer;
};

// Sends the request on to `url`, its body as the other server takes it, and passes the answer back as it comes. An error means that nothing was
// answered yet.
rt::Task<Result<Unit>> forward_request(rt::Context ctx, Request& request, ResponseWriter& writer, ForwardingTransport& transport, std::string url,
                                       ForwardOptions options);
// The same for an upgrade: on 101 the connections are joined until one ends or `ctx` is done. A refusal (400 and above) is passed back; any
// other answer is an error.
rt::Task<Result<Unit>> forward_upgrade(rt::Context ctx, Request& request, ResponseWriter& writer, ForwardingTransport& transport, std::string url,
                                       ForwardOptions options);
// Without an address in `options`.
rt::Task<Result<Unit>> forward_upgrade(rt::Context ctx, Request& request, ResponseWriter& writer, Transport& transport, std::string url,
                                       ForwardOptions options);
// Passes an answer on, its body as it comes.
rt::Task<Result<Unit>> pass_answer(rt::Context ctx, Response& response, ResponseWriter& writer);

}  // namespace pintle::net
