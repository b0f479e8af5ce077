// The transport without a network: a handler of this process, called on the caller's executor. Bodies pass by reference
// through a bounded queue.
#include <atomic>

#include "net/abortable.h"
#include "net/bytes_queue.h"
#include "net/client.h"
#include "net/http1_message.h"
#include "net/signal.h"
#include "net/url.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr std::size_t queue_bytes_max = 256 << 10;  // then the handler's write() waits

struct Shared {
  std::atomic<std::size_t> running = 0;
  std::atomic<bool> closed = false;
  rt::Context context = rt::Context::background().child();
  rt::Event idle;
};

// One request and its response, between the caller and the handler's task; one executor.
struct Exchange {
  rt::Context ctx = rt::Context::background();  // the handler's
  int status = 0;                               // 0: not started
  Headers headers;
  BytesQueue queue;
  bool ended = false;
  bool abandoned = false;  // nobody reads any more
  bool aborted = false;    // the handler broke its answer off
  bool silent = false;     // HEAD and the like
  Signal readable;
  Signal writable;
};
using ExchangePtr = std::shared_ptr<Exchange>;

class RequestBody final : public BodyReader {
 public:
  explicit RequestBody(Bytes body) : body_(std::move(body)) {}
  rt::Task<Result<Bytes>> read(rt::Context) override { co_return std::exchange(body_, Bytes()); }

 private:
  Bytes body_;
};

class ResponseBody final : public BodyReader {
 public:
  explicit ResponseBody(ExchangePtr exchange) : exchange_(std::move(exchange)), executor_(rt::Executor::current()) {}
  ~ResponseBody() override {
    auto abandon = [exchange = exchange_] {
      exchange->abandoned = true;
      exchange->queue.clear();
      exchange->writable.notify();
      exchange->ctx.cancel();
    };
    if (rt::Executor::current_or_null() == &executor_) {
      abandon();
    } else {
      executor_.post(std::move(abandon));
    }
  }
  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    auto exchange = exchange_;
    rt::Executor& executor = rt::Executor::current();
    while (exchange->queue.empty() && !exchange->ended && !exchange->aborted) {
      if (ctx.done()) co_return Unexpected(ctx.status());
      auto registration = ctx.on_done([exchange, &executor] { executor.post([exchange] { exchange->readable.notify(); }); });
      co_await exchange->readable.wait();
    }
    if (exchange->aborted) co_return error(Reason::ServiceUnavailable, "the answer was broken off");
    if (exchange->queue.empty()) co_return Bytes();
    Bytes piece = exchange->queue.pop();
    exchange->writable.notify();
    co_return piece;
  }

 private:
  ExchangePtr exchange_;
  rt::Executor& executor_;
};

class Writer final : public ResponseWriter, public Abortable {
 public:
  explicit Writer(ExchangePtr exchange) : exchange_(std::move(exchange)) {}
  Headers& headers() override { return headers_; }
  bool started() const override { return exchange_->status != 0; }
  rt::Task<Result<Unit>> start(int status) override {
    CHECK(!started(), "a response starts once");
    exchange_->status = status;
    exchange_->silent |= status == 204 || status == 304;
    exchange_->headers = headers_;
    exchange_->readable.notify();
    co_return Unit{};
  }
  rt::Task<Result<Unit>> write(std::vector<Bytes> data) override {
    auto exchange = exchange_;
    if (!started()) CO_TRY(co_await start(200));
    if (exchange->silent) co_return Unit{};
    for (auto& piece : data) {
      if (!exchange->abandoned) exchange->queue.push(std::move(piece));
    }
    exchange->readable.notify();
    while (!exchange->abandoned && !exchange->aborted && exchange->queue.bytes() > queue_bytes_max) co_await exchange->writable.wait();
    if (exchange->aborted) co_return error(Reason::Cancelled, "the answer was broken off");
    if (exchange->abandoned) co_return error(Reason::Cancelled, "the caller gave up");
    co_return Unit{};
  }
  rt::Task<Result<Unit>> flush() override {
    if (exchange_->abandoned) co_return error(Reason::Cancelled, "the caller gave up");
    co_return Unit{};
  }
  void abort() override {
    exchange_->aborted = true;
    exchange_->queue.clear();
    exchange_->writable.notify();
    exchange_->readable.notify();
  }
  rt::Task<Result<Unit>> upgrade(UpgradeHandler) override { co_return error(Reason::MethodNotAllowed, "no upgrade in process"); }

 private:
  ExchangePtr exchange_;
  Headers headers_;
};

Result<Request> make_request(ClientRequest& from, const std::string& user) {
  std::string_view target = from.url;
  Url url;
  if (!target.starts_with('/')) {
    TRY_ASSIGN(url, parse_url(from.url));
    target = url.target;
  }
  Request request;
  const auto question = target.find('?');
  request.method = from.method;
  request.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) request.query = std::string(target.substr(question + 1));
  request.host = url.authority.empty() ? "localhost" : url.authority;
  request.headers = std::move(from.headers);
  request.http_major = 2;
  request.in_process_user = user;
  if (!from.body.empty()) request.headers.set("content-length", std::to_string(from.body.size()));
  return request;
}

rt::Task<void> serve(std::shared_ptr<Shared> shared, Handler* handler, ExchangePtr exchange, Request request, Bytes body) {
  RequestBody reader(std::move(body));
  request.body = &reader;
  Writer writer(exchange);
  co_await handler->serve(exchange->ctx, request, writer);
  if (!writer.started()) (void)co_await writer.start(500);
  exchange->ended = true;
  exchange->readable.notify();
  exchange->ctx.cancel();
  if (--shared->running == 0) shared->idle.set();
}

class InProcessTransport final : public Transport {
 public:
  InProcessTransport(Handler& handler, std::string user) : handler_(handler), user_(std::move(user)) {}
  ~InProcessTransport() override { shared_->context.cancel(); }

  rt::Task<Result<Response>> send(rt::Context ctx, ClientRequest from) override {
    if (shared_->closed) co_return error(Reason::Cancelled, "the transport is closed");
    if (ctx.done()) co_return Unexpected(ctx.status());
    CO_TRY_ASSIGN(auto request, make_request(from, user_));
    auto exchange = std::make_shared<Exchange>();
    exchange->ctx = shared_->context.child();
    exchange->silent = request.method == "HEAD";
    ++shared_->running;
    run_detached(serve(shared_, &handler_, exchange, std::move(request), from.body));
    rt::Executor& executor = rt::Executor::current();
    auto registration = ctx.on_done([exchange, &executor] { executor.post([exchange] { exchange->readable.notify(); }); });
    while (exchange->status == 0 && !ctx.done()) co_await exchange->readable.wait();
    Response response;
    response.body = std::make_unique<ResponseBody>(exchange);
    if (exchange->status == 0) co_return Unexpected(ctx.status());
    response.status = exchange->status;
    response.headers = std::move(exchange->headers);
    co_return std::move(response);
  }
  rt::Task<void> close() override {
    auto shared = shared_;
    shared->closed = true;
    shared->context.cancel();
    while (true) {
      shared->idle.reset();
      if (shared->running == 0) break;
      (void)co_await shared->idle.wait(rt::Context::background());
    }
  }

 private:
  Handler& handler_;
  const std::string user_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace

std::unique_ptr<Transport> make_in_process_transport(rt::Runtime&, Handler& handler, std::string user) {
  return std::make_unique<InProcessTransport>(handler, std::move(user));
}

}  // namespace pintle::net
