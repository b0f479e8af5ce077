#include "net/server.h"

#include <atomic>
#include <list>

#include "base/mutex.h"
#include "net/server_connection.h"
#include "net/signal.h"
#include "net/tls_stream.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr rt::Duration accept_retry = std::chrono::milliseconds(50);  // out of file descriptors, most likely

// The part of a server that lives on one executor: its listener and its connections.
struct Shard {
  explicit Shard(rt::Executor& on) : executor(on) {}
  rt::Executor& executor;
  std::unique_ptr<rt::Listener> listener;
  Result<Unit> listening = Unit{};
  std::list<ServerConnection*> connections;  // in the order they came, so that a simulation ends them in one order
  std::size_t count = 0;                     // connections, those in the handshake too
  Signal room;
  bool draining = false;
};

class HttpServer final : public Server {
 public:
  HttpServer(rt::Runtime& runtime, Handler& handler, ServerOptions options)
      : runtime_(runtime), handler_(handler), options_(std::move(options)), heads_(options_.limits.header_bytes_total_max) {}
  ~HttpServer() override { CHECK(shards_.empty() || drained_, "await drain() before destroying a Server"); }

  rt::Task<Result<Unit>> start() override;
  rt::Endpoint local() const override { return local_; }
  rt::Task<void> drain(rt::Duration grace) override;

 private:
  rt::Task<Result<Unit>> listen();
  rt::Task<void> listen_shard(Shard& shard);
  rt::Task<void> accept_loop(Shard& shard);
  rt::Task<void> serve(Shard& shard, std::unique_ptr<rt::Stream> stream);
  rt::Task<void> serve_tls(Shard& shard, PeerInfo info, std::unique_ptr<rt::Stream> stream);
  rt::Task<void> serve_plain(Shard& shard, PeerInfo info, std::unique_ptr<rt::Stream> stream);
  rt::Task<void> run_connection(Shard& shard, std::unique_ptr<ServerConnection> connection, std::string received);
  rt::Task<void> reload_loop(std::unique_ptr<rt::FileWatcher> watcher);
  rt::Task<void> drain_shard(Shard& shard);
  rt::Task<void> abort_shard(Shard& shard);
  TlsContext tls_context() const {
    ThreadLock lock(tls_mutex_);
    return tls_;
  }

  rt::Runtime& runtime_;
  Handler& handler_;
  const ServerOptions options_;
  HeadBudget heads_;
  rt::Endpoint local_;
  mutable ThreadMutex tls_mutex_;
  TlsContext tls_ GUARDED_BY(tls_mutex_);
  std::vector<std::unique_ptr<Shard>> shards_;
  rt::TaskGroup connections_;                                  // and the accept loops
  rt::Context accepting_ = rt::Context::background().child();  // done when draining starts
  rt::TaskGroup background_;
  bool drained_ = false;
};

// One listener an executor. The kernel lets any process of the user join a shared port, so the first bind is alone: a
// port that is in use is an error, as with upstream's servers.
rt::Task<Result<Unit>> HttpServer::listen() {
  const std::size_t executors = runtime_.executor_count();
  CO_TRY_ASSIGN(auto alone, runtime_.network().listen(options_.listen));
  local_ = alone->local();
  for (std::size_t i = 0; i < executors; ++i) shards_.push_back(std::make_unique<Shard>(runtime_.executor(i)));
  if (executors == 1) {
    shards_[0]->listener = std::move(alone);
    co_return Unit{};
  }
  alone->close();
  alone.reset();
  rt::TaskGroup group;
  for (auto& shard : shards_) group.spawn_on(shard->executor, listen_shard(*shard));
  co_await group.join();
  for (auto& shard : shards_) CO_TRY(shard->listening);
  co_return Unit{};
}

rt::Task<void> HttpServer::listen_shard(Shard& shard) {
  auto made = runtime_.network().listen({options_.listen.address, local_.port}, {.reuse_port = true});
  if (made) {
    shard.listener = std::move(*made);
  } else {
    shard.listening = Unexpected(made.error());
  }
  co_return;
}

rt::Task<Result<Unit>> HttpServer::start() {
  CHECK(shards_.empty(), "a Server starts once");
  if (options_.tls) {
    CO_TRY_ASSIGN(auto watcher, runtime_.watch_files(tls_files(*options_.tls)));
    CO_TRY_ASSIGN(auto tls, make_server_tls(runtime_.disk(), *options_.tls));
    {
      ThreadLock lock(tls_mutex_);
      tls_ = std::move(tls);
    }
    background_.spawn(reload_loop(std::move(watcher)));
  }
  auto listening = co_await listen();
  if (!listening) {
    co_await drain(rt::Duration(0));
    co_return listening;
  }
  for (auto& shard : shards_) connections_.spawn_on(shard->executor, accept_loop(*shard));
  co_return Unit{};
}

rt::Task<void> HttpServer::reload_loop(std::unique_ptr<rt::FileWatcher> watcher) {
  const rt::Context ctx = background_.context();
  while (true) {
    const auto changed = co_await watcher->changed(ctx);
    if (!changed) break;
    Result<TlsContext> made = TlsContext();
    co_await runtime_.run_blocking([&] { made = make_server_tls(runtime_.disk(), *options_.tls); });
    if (!made) {
      if (options_.on_reload_error) options_.on_reload_error(made.error());
      continue;
    }
    ThreadLock lock(tls_mutex_);
    tls_ = std::move(*made);
  }
}

rt::Task<void> HttpServer::accept_loop(Shard& shard) {
  const rt::Context ctx = accepting_;
  const std::size_t most = std::max<std::size_t>(1, options_.limits.connections_max / shards_.size());
  while (!shard.draining) {
    if (shard.count >= most) {
      co_await shard.room.wait();
      continue;
    }
    auto stream = co_await shard.listener->accept(ctx);
    if (shard.draining) break;
    if (!stream) {
      const auto slept = co_await rt::sleep_for(ctx, accept_retry);
      if (!slept) break;
      continue;
    }
    ++shard.count;
    connections_.spawn(serve(shard, std::move(*stream)));
  }
}

rt::Task<void> HttpServer::serve(Shard& shard, std::unique_ptr<rt::Stream> stream) {
  PeerInfo info;
  info.remote = stream->remote();
  info.local = stream->local();
  if (options_.tls) {
    co_await serve_tls(shard, std::move(info), std::move(stream));
  } else {
    info.scheme = "http";
    co_await serve_plain(shard, std::move(info), std::move(stream));
  }
  --shard.count;
  shard.room.notify();
}

rt::Task<void> HttpServer::serve_tls(Shard& shard, PeerInfo info, std::unique_ptr<rt::Stream> stream) {
  auto tls = TlsStream::server(tls_context(), std::move(stream), runtime_.clock().wall_now());
  auto shaken = co_await tls->handshake(accepting_.with_timeout(options_.limits.handshake_timeout));
  if (!shaken) co_return;
  auto chain = tls->verified_chain();
  auto front_proxy = tls->front_proxy();
  info.peer_error = tls->peer_error();
  if (!chain.empty() || !front_proxy.empty()) {
    auto peer = std::make_shared<PeerCertificates>();
    peer->verified_chain_der = std::move(chain);
    peer->front_proxy_der = std::move(front_proxy);
    info.peer = std::move(peer);
  }
  const bool http2 = tls->protocol() == "h2";
  const ConnectionDeps deps{runtime_, handler_, options_.limits, heads_};
  auto connection =
      http2 ? make_http2_connection(deps, std::move(info), std::move(tls)) : make_http1_connection(deps, std::move(info), std::move(tls));
  co_await run_connection(shard, std::move(connection), "");
}

// Without TLS the first bytes tell: HTTP/2 starts with a line that is no HTTP/1 request.
rt::Task<void> HttpServer::serve_plain(Shard& shard, PeerInfo info, std::unique_ptr<rt::Stream> stream) {
  const rt::Context ctx = accepting_.with_timeout(options_.limits.header_timeout);
  std::string received;
  std::string buffer(2048, '\0');
  while (received.size() < http2_preface.size() && http2_preface.starts_with(received)) {
    auto n = co_await stream->read(ctx, buffer);
    if (!n || *n == 0) co_return;
    received.append(buffer.data(), *n);
  }
  buffer = {};
  const bool http2 = received.starts_with(http2_preface);
  const ConnectionDeps deps{runtime_, handler_, options_.limits, heads_};
  auto connection =
      http2 ? make_http2_connection(deps, std::move(info), std::move(stream)) : make_http1_connection(deps, std::move(info), std::move(stream));
  co_await run_connection(shard, std::move(connection), std::move(received));
}

rt::Task<void> HttpServer::run_connection(Shard& shard, std::unique_ptr<ServerConnection> connection, std::string received) {
  const auto place = shard.connections.insert(shard.connections.end(), connection.get());
  if (shard.draining) connection->begin_drain();
  co_await connection->run(connections_.context(), std::move(received));
  shard.connections.erase(place);
}

rt::Task<void> HttpServer::drain_shard(Shard& shard) {
  shard.draining = true;
  if (shard.listener) shard.listener->close();
  shard.room.notify();
  for (auto* connection : shard.connections) connection->begin_drain();
  co_return;
}

rt::Task<void> HttpServer::abort_shard(Shard& shard) {
  for (auto* connection : shard.connections) connection->abort();
  co_return;
}

namespace {
rt::Task<void> abort_after(rt::Context ctx, rt::Duration grace, std::function<void()> abort) {
  const auto slept = co_await rt::sleep_for(ctx, grace);
  if (slept) abort();
}
}  // namespace

rt::Task<void> HttpServer::drain(rt::Duration grace) {
  drained_ = true;
  accepting_.cancel();
  co_await background_.close();
  rt::TaskGroup group;
  for (auto& shard : shards_) group.spawn_on(shard->executor, drain_shard(*shard));
  co_await group.join();
  // Past the grace, contexts are cancelled and streams closed; the handlers then return.
  rt::TaskGroup timer;
  timer.spawn(abort_after(timer.context(), grace, [this] {
    for (auto& shard : shards_) connections_.spawn_on(shard->executor, abort_shard(*shard));
  }));
  co_await connections_.join();
  co_await timer.close();
  co_await connections_.close();
}

}  // namespace

std::unique_ptr<Server> make_server(rt::Runtime& runtime, Handler& handler, ServerOptions options) {
  return std::make_unique<HttpServer>(runtime, handler, std::move(options));
}

}  // namespace pintle::net
