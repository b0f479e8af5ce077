// For tests: certificates made on the spot, a handler with the routes that the tests need, raw peers.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "net/client.h"
#include "net/server.h"
#include "rt/sync.h"

namespace pintle::net::testing {

struct KeyPair {
  std::string cert_pem;
  std::string key_pem;
};
// A self-signed CA; valid from 1970 to 2100, whatever the clock says.
KeyPair make_ca(const std::string& name);
// `alt_names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; "": none.
KeyPair issue(const KeyPair& ca, const std::string& common_name, const std::string& alt_names);

// /echo sends the body back; /hello?..., /bytes/N, /hang (until cancelled), /stream (three pieces, flushed), /upgrade, /sleep/SECONDS,
// /count (how long the body is, read as it comes), /endless (writes until it waits for the peer, and breaks the answer off then).
class Routes final : public Handler {
 public:
  rt::Task<void> serve(rt::Context ctx, Request& request, ResponseWriter& writer) override {
    co_await answer(std::move(ctx), request, writer);
    ++served;
  }
  std::atomic<int> hanging = 0;    // requests in /hang
  std::atomic<int> cancelled = 0;  // of those, ended by their context
  std::atomic<int> body_errors = 0;
  std::atomic<int> served = 0;           // requests that the handler has returned from
  std::atomic<std::size_t> counted = 0;  // body bytes that /count has seen
  rt::Event broken_off;                  // an /endless has returned

 private:
  rt::Task<void> answer(rt::Context ctx, Request& request, ResponseWriter& writer);
};

// A server on the current runtime that tests start and stop.
class TestServer {
 public:
  explicit TestServer(ServerOptions options);
  rt::Task<void> start();
  rt::Task<void> stop(rt::Duration grace = std::chrono::seconds(5));
  std::string url(std::string_view path) const;
  rt::Endpoint endpoint() const { return server_->local(); }
  Routes routes;

 private:
  bool tls_;
  std::unique_ptr<Server> server_;
};

// Writes certificates to files of the current runtime's disk and returns options that use them.
ServerTls write_server_tls(const std::string& directory, const KeyPair& ca, const KeyPair& server);

// A body that comes in pieces of `piece` bytes.
class Pieces final : public BodyReader {
 public:
  Pieces(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  rt::Task<Result<Bytes>> read(rt::Context) override {
    Bytes out = Bytes::copy(std::string_view(text_).substr(at_, piece_));
    at_ += out.size();
    co_return out;
  }

 private:
  const std::string text_;
  const std::size_t piece_;
  std::size_t at_ = 0;
};

// Connects, sends `data`, closes its half if asked to, and returns everything up to the end of the stream.
rt::Task<std::string> talk(rt::Endpoint to, std::string data, bool half_close);

// What a request gave: "200 body", or "error: reason".
rt::Task<std::string> fetch(Transport& transport, ClientRequest request);

}  // namespace pintle::net::testing
