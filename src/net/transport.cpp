// The client: a pool of connections for each executor, so that no exchange ever leaves the executor it began on.
#include <atomic>
#include <deque>
#include <map>
#include <unordered_map>

#include "net/client.h"
#include "net/dial.h"
#include "net/http2_client.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr int attempts_max = 4;               // of one request, the first included
constexpr std::size_t idle_links_max = 32;    // a host: more HTTP/1.1 connections are closed after use

struct Shared;

// What one executor knows of one server.
struct Host {
  std::vector<std::shared_ptr<Http2Client>> http2;
  std::deque<Http1LinkPtr> idle;       // oldest first
  std::size_t open = 0;                // HTTP/1.1 connections, lent or idle, and those being dialed
  bool speaks_http1 = false;           // it did not choose HTTP/2 last time
  bool dialing = false;                // a connection is under way that others may share
  uint64_t generation = 0;
  rt::Event changed;                   // wakes whoever waits for a connection
};

// The pool of one executor; used there only.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(Shared& shared, rt::Executor& executor);
  rt::Task<ExchangeResult> exchange(rt::Context ctx, Url url, ClientRequest request);
  void close();

 private:
  Host& host(const Url& url);
  void renew(Host& host, uint64_t generation);
  rt::Task<ExchangeResult> exchange_http1(Host& host, Http1LinkPtr link, rt::Context ctx, Url url, ClientRequest request);
  rt::Task<Result<Unit>> dial_for(Host& host, rt::Context ctx, Url url, ClientTls::Current tls, bool http2);
  void release(Host& host, Http1LinkPtr link);
  void sweep();

  Shared& shared_;
  std::map<std::string, std::unique_ptr<Host>> hosts_;
  Watchdog sweeper_;
  bool closed_ = false;
};

// Outlives the transport while connections end.
struct Shared : std::enable_shared_from_this<Shared> {
  Shared(rt::Runtime& rt, ClientOptions opts) : runtime(rt), options(std::move(opts)), tls(runtime, options) {}
  rt::Runtime& runtime;
  const ClientOptions options;
  ClientTls tls;
  std::mutex mutex;
  std::unordered_map<rt::Executor*, std::shared_ptr<Pool>> pools;
  bool closed = false;
  std::atomic<std::size_t> running = 0;   // HTTP/2 connections
  rt::Event idle;
};

rt::Task<void> run_http2(std::shared_ptr<Shared> shared, std::shared_ptr<Http2Client> connection) {
  co_await Http2Client::run(std::move(connection));
  if (--shared->running == 0) shared->idle.set();
}

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~HttpTransport() override {
    for (auto& [executor, pool] : take_pools()) {
      executor->post([shared = shared_, pool = pool] { pool->close(); });
    }
  }
  rt::Task<Result<Response>> send(rt::Context ctx, ClientRequest request) override;
  rt::Task<void> close() override;

 private:
  std::shared_ptr<Pool> pool();
  std::unordered_map<rt::Executor*, std::shared_ptr<Pool>> take_pools() {
    std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    return std::exchange(shared_->pools, {});
  }
  std::shared_ptr<Shared> shared_;
};

Pool::Pool(Shared& shared, rt::Executor& executor) : shared_(shared), sweeper_(shared.runtime, executor, [this] { sweep(); }) {}

Host& Pool::host(const Url& url) {
  auto& made = hosts_[url.scheme + " " + url.host + " " + std::to_string(url.port)];
  if (!made) made = std::make_unique<Host>();
  return *made;
}

// New certificates: what was opened with the old ones ends with what runs on it.
void Pool::renew(Host& host, uint64_t generation) {
  if (host.generation == generation) return;
  host.generation = generation;
  for (auto& connection : host.http2) connection->drain();
  host.open -= host.idle.size();
  host.idle.clear();
}

rt::Task<ExchangeResult> Pool::exchange(rt::Context ctx, Url url, ClientRequest request) {
  auto self = shared_from_this();
  Host& at = host(url);
  const bool secure = url.scheme == "https";
  const bool http2 = secure && shared_.options.http2 && !request.upgrade;
  while (true) {
    if (ctx.done()) co_return ExchangeResult{std::unexpected(ctx.status()), false};
    if (closed_) co_return ExchangeResult{error(Reason::Cancelled, "the transport is closed"), false};
    auto tls = secure ? shared_.tls.current() : ClientTls::Current{};
    renew(at, tls.generation);
    std::erase_if(at.http2, [](const auto& connection) { return !connection->usable(); });
    if (http2) {
      for (auto& connection : at.http2) {
        if (!connection->has_room()) continue;
        auto chosen = connection;
        co_return co_await chosen->exchange(ctx, std::move(url), std::move(request));
      }
    }
    if (!at.idle.empty()) {
      auto link = std::move(at.idle.back());
      at.idle.pop_back();
      co_return co_await exchange_http1(at, std::move(link), ctx, std::move(url), std::move(request));
    }
    // One connection is dialed at a time while it may turn out to be HTTP/2: the others will share it.
    const bool wait_for_dial = http2 && at.dialing && !at.speaks_http1;
    if (wait_for_dial || at.open >= shared_.options.connections_per_host_max) {
      at.changed.reset();
      auto woken = co_await at.changed.wait(ctx);
      if (!woken) co_return ExchangeResult{std::unexpected(woken.error()), false};
      continue;
    }
    auto dialed = co_await dial_for(at, ctx, url, tls, http2);
    if (!dialed) co_return ExchangeResult{std::unexpected(dialed.error()), false};
  }
}

// Adds a connection to `host`.
rt::Task<Result<Unit>> Pool::dial_for(Host& host, rt::Context ctx, Url url, ClientTls::Current tls, bool http2) {
  ++host.open;
  host.dialing = true;
  const rt::Context bounded = ctx.with_timeout(shared_.options.dial_timeout);
  auto dialed = co_await dial(shared_.runtime, shared_.options, tls.context, bounded, url, http2);
  host.dialing = false;
  --host.open;
  host.changed.set();
  if (!dialed) {
    Status why = dialed.error();
    if (why.reason == Reason::Timeout && !ctx.done()) why = Status{Reason::ServiceUnavailable, 0, "no connection within the dial timeout", {}};
    why.message = "dial " + url.authority + ": " + why.message;
    co_return std::unexpected(std::move(why));
  }
  if (closed_) co_return error(Reason::Cancelled, "the transport is closed");
  if (dialed->http2) {
    host.speaks_http1 = false;
    auto connection = std::make_shared<Http2Client>(shared_.runtime, std::move(dialed->stream), shared_.options);
    host.http2.push_back(connection);
    ++shared_.running;
    run_detached(run_http2(shared_.shared_from_this(), std::move(connection)));
  } else {
    host.speaks_http1 = true;
    auto link = std::make_unique<Http1Link>();
    link->stream = std::move(dialed->stream);
    ++host.open;
    host.idle.push_back(std::move(link));
  }
  co_return Unit{};
}

rt::Task<ExchangeResult> Pool::exchange_http1(Host& host, Http1LinkPtr link, rt::Context ctx, Url url, ClientRequest request) {
  // The response may outlive the transport, and with it the pool.
  ReleaseLink give_back = [weak = weak_from_this(), &host](Http1LinkPtr returned) {
    if (auto pool = weak.lock()) pool->release(host, std::move(returned));
  };
  co_return co_await http1_exchange(std::move(link), ctx, std::move(url), std::move(request), std::move(give_back));
}

void Pool::release(Host& host, Http1LinkPtr link) {
  if (closed_) return;
  if (link && host.idle.size() < idle_links_max) {
    link->reused = true;
    link->idle_since = shared_.runtime.clock().now();
    host.idle.push_back(std::move(link));
    if (host.idle.size() == 1) sweeper_.expect_within(shared_.options.idle_timeout);
  } else {
    --host.open;
  }
  host.changed.set();
}

void Pool::sweep() {
  const auto now = shared_.runtime.clock().now();
  bool any = false;
  for (auto& [name, host] : hosts_) {
    while (!host->idle.empty() && now - host->idle.front()->idle_since >= shared_.options.idle_timeout) {
      host->idle.pop_front();
      --host->open;
    }
    any |= !host->idle.empty();
  }
  if (any) sweeper_.expect_within(shared_.options.idle_timeout / 2);
}

void Pool::close() {
  closed_ = true;
  sweeper_.disarm();
  for (auto& [name, host] : hosts_) {
    for (auto& connection : host->http2) connection->abort();
    host->http2.clear();
    host->idle.clear();
    host->changed.set();
  }
}

std::shared_ptr<Pool> HttpTransport::pool() {
  rt::Executor& executor = rt::Executor::current();
  std::lock_guard lock(shared_->mutex);
  if (shared_->closed) return nullptr;
  auto& made = shared_->pools[&executor];
  if (!made) made = std::make_shared<Pool>(*shared_, executor);
  return made;
}

rt::Task<Result<Response>> HttpTransport::send(rt::Context ctx, ClientRequest request) {
  CO_TRY_ASSIGN(const Url url, parse_url(request.url));
  auto shared = shared_;
  auto mine = pool();
  if (!mine) co_return error(Reason::Cancelled, "the transport is closed");
  for (int attempt = 1;; ++attempt) {
    auto outcome = co_await mine->exchange(ctx, url, request);
    if (outcome.response || !outcome.retry || attempt == attempts_max) co_return std::move(outcome.response);
  }
}

rt::Task<void> close_pool(std::shared_ptr<Pool> pool) {
  pool->close();
  co_return;
}

rt::Task<void> HttpTransport::close() {
  auto shared = shared_;
  auto pools = take_pools();
  rt::TaskGroup group;
  for (auto& [executor, pool] : pools) group.spawn_on(*executor, close_pool(pool));
  co_await group.join();
  while (true) {
    shared->idle.reset();
    if (shared->running == 0) break;
    (void)co_await shared->idle.wait(rt::Context::background());
  }
}

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(rt::Runtime& runtime, ClientOptions options) {
  auto shared = std::make_shared<Shared>(runtime, std::move(options));
  TRY(shared->tls.load());
  return std::make_unique<HttpTransport>(std::move(shared));
}

}  // namespace pintle::net
