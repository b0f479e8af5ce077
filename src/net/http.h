// HTTP as the components see it: the same request and response for HTTP/1.1, HTTP/2 and the in-process transport.
// A Handler serves; a Transport sends. Bodies stream with back-pressure in both directions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/network.h"
#include "rt/task.h"

namespace pintle::net {

// Header fields in order. Names compare without case and are kept lower-case on HTTP/2, as sent on HTTP/1.1.
class Headers {
 public:
  using Item = std::pair<std::string, std::string>;
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  // The first value, or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> get_all(std::string_view name) const;
  const std::vector<Item>& items() const { return items_; }

 private:
  std::vector<Item> items_;
};

// A body being received.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece; empty at the end. Errors: Cancelled, Timeout, BadRequest (malformed), ServiceUnavailable (peer gone).
  virtual rt::Task<Result<Bytes>> read(rt::Context ctx) = 0;
};
// Reads a whole body; RequestEntityTooLarge past `limit` bytes.
rt::Task<Result<Bytes>> read_all(rt::Context ctx, BodyReader& body, std::size_t limit);

// The peer's certificate, as the handshake verified it.
struct PeerCertificates {
  std::vector<std::string> verified_chain_der;  // leaf first, each as DER; empty: not by the client CAs
  std::string front_proxy_der;                  // the leaf; "": not by the CAs of front proxies
};

struct Request {
  std::string method;
  std::string path;   // as sent, without the query; percent-encoding kept
  std::string query;  // without '?'
  std::string host;   // Host or :authority
  std::string scheme = "https";
  Headers headers;
  int http_major = 1;
  rt::Endpoint remote;
  rt::Endpoint local;
  std::shared_ptr<const PeerCertificates> peer;  // nullptr: no verified client certificate
  std::string peer_error;                        // why the certificate that was shown is none of the client CAs'; "": it is, or none was shown
  std::string in_process_user;                   // set by the in-process transport alone: the caller's user name
  BodyReader* body = nullptr;                    // never nullptr in a handler
};

// A raw two-way stream after a 101 answer (WebSocket, SPDY). On HTTP/2, upgrades are not offered.
using UpgradeHandler = std::function<rt::Task<void>(rt::Context, std::unique_ptr<rt::Stream>)>;

class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  virtual Headers& headers() = 0;
  // Sends the status line and headers() as they are. Once. A content-length header fixes the length; otherwise the body
  // is chunked (HTTP/1.1) or framed (HTTP/2).
  virtual rt::Task<Result<Unit>> start(int status) = 0;
  // Waits while the peer does not read (flow control). An error means the peer is gone: stop.
  virtual rt::Task<Result<Unit>> write(std::vector<Bytes> data) = 0;
  // Pushes out what write() may have gathered. Watches call it after each batch.
  virtual rt::Task<Result<Unit>> flush() = 0;
  virtual bool started() const = 0;
  // Answers 101 with headers() and hands the connection to `handler`. HTTP/1.1 only; MethodNotAllowed otherwise.
  virtual rt::Task<Result<Unit>> upgrade(UpgradeHandler handler) = 0;
};
// start + one write, with content-length.
rt::Task<Result<Unit>> respond(ResponseWriter& writer, int status, std::string content_type, Bytes body);

// Serves one request. The context is done when the peer goes away, the server's request deadline passes or the server
// has drained. Handlers of one connection run on its executor.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual rt::Task<void> serve(rt::Context ctx, Request& request, ResponseWriter& writer) = 0;
};

// A response being received. Stays on the executor of the task that sent the request.
struct Response {
  int status = 0;
  Headers headers;
  std::unique_ptr<BodyReader> body;      // never nullptr; keeps its connection until read to the end or destroyed
  std::unique_ptr<rt::Stream> upgraded;  // after 101
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // "https://host:port/path?query"; unix sockets: "unix:/path:/http/path"
  Headers headers;
  Bytes body;
  bool upgrade = false;  // expects 101
};

// Sends requests; keeps and reuses connections. Thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual rt::Task<Result<Response>> send(rt::Context ctx, ClientRequest request) = 0;
  // Ends every connection and waits until their tasks are gone. Call it before the runtime ends; nothing after it.
  virtual rt::Task<void> close() = 0;
};

}  // namespace pintle::net
