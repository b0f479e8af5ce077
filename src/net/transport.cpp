// The client: a pool of connections for each executor, so that no exchange ever leaves the executor it began on.
#include <atomic>
#include <deque>
#include <map>
#include <unordered_map>

#include "base/mutex.h"
#include "net/client.h"
#include "net/dial.h"
#include "net/http2_client.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr int attempts_max = 4;             // of one request, the first included
constexpr std::size_t idle_links_max = 32;  // a host: more HTTP/1.1 connections are closed after use
// Of one executor's pool:
constexpr std::size_t idle_links_total_max = 256;  // the same for all hosts together
constexpr std::size_t hosts_max = 1024;            // the one that was used longest ago is forgotten; all in use: 503

struct Shared;

// What one executor knows of one server. Shared by the pool and the exchanges with it.
struct Host {
  std::vector<std::shared_ptr<Http2Client>> http2;
  std::deque<Http1LinkPtr> idle;  // oldest first
  std::size_t open = 0;           // HTTP/1.1 connections, lent or idle, and those being dialed
  bool speaks_http1 = false;      // it did not choose HTTP/2 last time
  bool dialing = false;           // a connection is under way that others may share
  uint64_t generation = 0;
  rt::TimePoint used_at{};
  rt::Event changed;  // wakes whoever waits for a connection

  void drop_ended() {
    std::erase_if(http2, [](const auto& connection) { return !connection->usable(); });
  }
};
using HostPtr = std::shared_ptr<Host>;

// The pool of one executor; used there only.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(Shared& shared, rt::Executor& executor);
  rt::Task<ExchangeResult> exchange(rt::Context ctx, Url url, ForwardedRequest request);
  void close();

 private:
  // nullptr: too many are in use.
  HostPtr host(const Url& url, const ForwardedRequest& request);
  bool forget_one();
  void close_idle(Host& host);
  void renew(Host& host, uint64_t generation);
  rt::Task<ExchangeResult> exchange_http1(HostPtr host, Http1LinkPtr link, rt::Context ctx, Url url, ForwardedRequest request);
  rt::Task<Result<Unit>> dial_for(HostPtr host, rt::Context ctx, Url url, ClientTls::Current tls, DialTo to);
  void release(Host& host, Http1LinkPtr link);
  void sweep();

  Shared& shared_;
  std::map<std::string, HostPtr> hosts_;
  std::size_t idle_links_ = 0;  // of all hosts
  Watchdog sweeper_;
  bool closed_ = false;
};

// Outlives the transport while connections end.
struct Shared : std::enable_shared_from_this<Shared> {
  Shared(rt::Runtime& rt, ClientOptions opts) : runtime(rt), options(std::move(opts)), tls(runtime, options) {}
  rt::Runtime& runtime;
  const ClientOptions options;
  ClientTls tls;
  ThreadMutex mutex;
  std::unordered_map<rt::Executor*, std::shared_ptr<Pool>> pools GUARDED_BY(mutex);
  bool closed GUARDED_BY(mutex) = false;
  std::atomic<std::size_t> running = 0;  // HTTP/2 connections
  rt::Event idle;
};

rt::Task<void> run_http2(std::shared_ptr<Shared> shared, std::shared_ptr<Http2Client> connection) {
  co_await Http2Client::run(std::move(connection));
  if (--shared->running == 0) shared->idle.set();
}

class HttpTransport final : public ForwardingTransport {
 public:
  explicit HttpTransport(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~HttpTransport() override {
    for (auto& [executor, pool] : take_pools()) {
      executor->post([shared = shared_, pool = pool] { pool->close(); });
    }
  }
  rt::Task<Result<Response>> send(rt::Context ctx, ClientRequest request) override {
    ForwardedRequest forwarded;
    forwarded.head = std::move(request);
    return forward(std::move(ctx), std::move(forwarded));
  }
  rt::Task<Result<Response>> forward(rt::Context ctx, ForwardedRequest request) override;
  rt::Task<void> close() override;

 private:
  std::shared_ptr<Pool> pool();
  std::unordered_map<rt::Executor*, std::shared_ptr<Pool>> take_pools() {
    ThreadLock lock(shared_->mutex);
    shared_->closed = true;
    return std::exchange(shared_->pools, {});
  }
  std::shared_ptr<Shared> shared_;
};

Pool::Pool(Shared& shared, rt::Executor& executor) : shared_(shared), sweeper_(shared.runtime, executor, [this] { sweep(); }) {}

HostPtr Pool::host(const Url& url, const ForwardedRequest& request) {
  const std::string key = url.scheme + " " + url.host + " " + std::to_string(url.port) + " " + request.address + " " + std::to_string(request.port);
  auto found = hosts_.find(key);
  if (found == hosts_.end()) {
    if (hosts_.size() >= hosts_max && !forget_one()) return nullptr;
    found = hosts_.emplace(key, std::make_shared<Host>()).first;
    if (hosts_.size() == 1) sweeper_.expect_within(shared_.options.idle_timeout);  // goes on until none is left
  }
  found->second->used_at = shared_.runtime.clock().now();
  return found->second;
}

// The host that was used longest ago and is not in use.
bool Pool::forget_one() {
  auto oldest = hosts_.end();
  for (auto it = hosts_.begin(); it != hosts_.end(); ++it) {
    it->second->drop_ended();
    if (it->second.use_count() > 1 || !it->second->http2.empty()) continue;
    if (oldest == hosts_.end() || it->second->used_at < oldest->second->used_at) oldest = it;
  }
  if (oldest == hosts_.end()) return false;
  close_idle(*oldest->second);
  hosts_.erase(oldest);
  return true;
}

void Pool::close_idle(Host& host) {
  idle_links_ -= host.idle.size();
  host.open -= host.idle.size();
  host.idle.clear();
}

// New certificates: what was opened with the old ones ends with what runs on it.
void Pool::renew(Host& host, uint64_t generation) {
  if (host.generation == generation) return;
  host.generation = generation;
  for (auto& connection : host.http2) connection->drain();
  close_idle(host);
}

rt::Task<ExchangeResult> Pool::exchange(rt::Context ctx, Url url, ForwardedRequest request) {
  auto self = shared_from_this();
  HostPtr at = host(url, request);
  if (!at)
    co_return ExchangeResult{error(Reason::ServiceUnavailable, "connections to more than " + std::to_string(hosts_max) + " servers at once"), false};
  bool secure = url.scheme == "https";
  DialTo to{request.address, request.port, secure && shared_.options.http2 && !request.head.upgrade};
  while (true) {
    if (ctx.done()) co_return ExchangeResult{Unexpected(ctx.status()), false};
    if (closed_) co_return ExchangeResult{error(Reason::Cancelled, "the transport is closed"), false};
    auto tls = secure ? shared_.tls.current() : ClientTls::Current{};
    renew(*at, tls.generation);
    at->drop_ended();
    if (to.http2) {
      for (auto& connection : at->http2) {
        if (!connection->has_room()) continue;
        auto chosen = connection;
        co_return co_await chosen->exchange(ctx, std::move(url), std::move(request));
      }
    }
    if (!at->idle.empty()) {
      auto link = std::move(at->idle.back());
      at->idle.pop_back();
      --idle_links_;
      co_return co_await exchange_http1(at, std::move(link), ctx, std::move(url), std::move(request));
    }
    // One connection is dialed at a time while it may turn out to be HTTP/2: the others will share it.
    const bool wait_for_dial = to.http2 && at->dialing && !at->speaks_http1;
    if (wait_for_dial || at->open >= shared_.options.connections_per_host_max) {
      at->changed.reset();
      auto woken = co_await at->changed.wait(ctx);
      if (!woken) co_return ExchangeResult{Unexpected(woken.error()), false};
      continue;
    }
    auto dialed = co_await dial_for(at, ctx, url, tls, to);
    if (!dialed) co_return ExchangeResult{Unexpected(dialed.error()), false};
  }
}

// Adds a connection to `host`.
rt::Task<Result<Unit>> Pool::dial_for(HostPtr host, rt::Context ctx, Url url, ClientTls::Current tls, DialTo to) {
  ++host->open;
  host->dialing = true;
  const rt::Context bounded = ctx.with_timeout(shared_.options.dial_timeout);
  auto dialed = co_await dial(shared_.runtime, shared_.options, tls.context, bounded, url, std::move(to));
  host->dialing = false;
  --host->open;
  host->changed.set();
  if (!dialed) {
    Status why = dialed.error();
    if (why.reason == Reason::Timeout && !ctx.done()) why = Status{Reason::ServiceUnavailable, 0, "no connection within the dial timeout", {}};
    why.message = "dial " + url.authority + ": " + why.message;
    co_return Unexpected(std::move(why));
  }
  if (closed_) co_return error(Reason::Cancelled, "the transport is closed");
  if (dialed->http2) {
    host->speaks_http1 = false;
    auto connection = std::make_shared<Http2Client>(shared_.runtime, std::move(dialed->stream), shared_.options);
    host->http2.push_back(connection);
    ++shared_.running;
    run_detached(run_http2(shared_.shared_from_this(), std::move(connection)));
  } else {
    host->speaks_http1 = true;
    auto link = std::make_unique<Http1Link>();
    link->stream = std::move(dialed->stream);
    ++host->open;
    ++idle_links_;
    host->idle.push_back(std::move(link));
  }
  co_return Unit{};
}

rt::Task<ExchangeResult> Pool::exchange_http1(HostPtr host, Http1LinkPtr link, rt::Context ctx, Url url, ForwardedRequest request) {
  // The response may outlive the transport, and with it the pool.
  ReleaseLink give_back = [weak = weak_from_this(), host](Http1LinkPtr returned) {
    if (auto pool = weak.lock()) pool->release(*host, std::move(returned));
  };
  co_return co_await http1_exchange(std::move(link), ctx, std::move(url), std::move(request), std::move(give_back));
}

void Pool::release(Host& host, Http1LinkPtr link) {
  if (closed_) return;
  host.used_at = shared_.runtime.clock().now();
  if (link && host.idle.size() < idle_links_max && idle_links_ < idle_links_total_max) {
    link->reused = true;
    link->idle_since = host.used_at;
    host.idle.push_back(std::move(link));
    ++idle_links_;
  } else {
    --host.open;
  }
  host.changed.set();
}

// Closes what was idle for long, and forgets the hosts of which nothing is left.
void Pool::sweep() {
  const auto now = shared_.runtime.clock().now();
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    Host& host = *it->second;
    while (!host.idle.empty() && now - host.idle.front()->idle_since >= shared_.options.idle_timeout) {
      host.idle.pop_front();
      --host.open;
      --idle_links_;
    }
    host.drop_ended();
    const bool in_use = it->second.use_count() > 1 || !host.idle.empty() || !host.http2.empty();
    it = in_use || now - host.used_at < shared_.options.idle_timeout ? std::next(it) : hosts_.erase(it);
  }
  if (!hosts_.empty()) sweeper_.expect_within(shared_.options.idle_timeout / 2);
}

void Pool::close() {
  closed_ = true;
  sweeper_.disarm();
  for (auto& [name, host] : hosts_) {
    for (auto& connection : host->http2) connection->abort();
    host->http2.clear();
    close_idle(*host);
    host->changed.set();
  }
}

std::shared_ptr<Pool> HttpTransport::pool() {
  rt::Executor& executor = rt::Executor::current();
  ThreadLock lock(shared_->mutex);
  if (shared_->closed) return nullptr;
  auto& made = shared_->pools[&executor];
  if (!made) made = std::make_shared<Pool>(*shared_, executor);
  return made;
}

rt::Task<Result<Response>> HttpTransport::forward(rt::Context ctx, ForwardedRequest request) {
  CO_TRY_ASSIGN(const Url url, parse_url(request.head.url));
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

Result<std::unique_ptr<ForwardingTransport>> make_forwarding_transport(rt::Runtime& runtime, ClientOptions options) {
  auto shared = std::make_shared<Shared>(runtime, std::move(options));
  TRY(shared->tls.load());
  return std::make_unique<HttpTransport>(std::move(shared));
}

Result<std::unique_ptr<Transport>> make_transport(rt::Runtime& runtime, ClientOptions options) {
  TRY_ASSIGN(auto made, make_forwarding_transport(runtime, std::move(options)));
  return made;
}

}  // namespace pintle::net
