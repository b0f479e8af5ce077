#include "net/dial.h"

#include "base/ip_address.h"
#include "net/tls_stream.h"

namespace pintle::net {

namespace {
constexpr rt::Duration look_at_files_every = std::chrono::seconds(5);

bool same(const std::vector<rt::FileStat>& a, const std::vector<rt::FileStat>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].size_bytes != b[i].size_bytes || a[i].modified != b[i].modified) return false;
  }
  return true;
}
}  // namespace

std::vector<rt::FileStat> ClientTls::stat_files() {
  std::vector<rt::FileStat> out;
  for (const auto& file : tls_files(options_)) {
    auto stat = runtime_.disk().stat(file);
    out.push_back(stat ? *stat : rt::FileStat{});
  }
  return out;
}

Result<Unit> ClientTls::load() {
  ThreadLock lock(mutex_);
  stats_ = stat_files();
  TRY_ASSIGN(current_.context, make_client_tls(runtime_.disk(), options_));
  checked_ = runtime_.clock().now();
  return Unit{};
}

ClientTls::Current ClientTls::current() {
  ThreadLock lock(mutex_);
  const auto now = runtime_.clock().now();
  if (now - checked_ < look_at_files_every) return current_;
  checked_ = now;
  auto stats = stat_files();
  if (same(stats, stats_)) return current_;
  auto made = make_client_tls(runtime_.disk(), options_);
  if (!made) return current_;  // a key that does not match yet: the next look finds it
  stats_ = std::move(stats);
  current_.context = std::move(*made);
  ++current_.generation;
  return current_;
}

namespace {

rt::Task<Result<std::unique_ptr<rt::Stream>>> connect(rt::Runtime& runtime, rt::Context ctx, Url url, DialTo to) {
  if (url.scheme == "unix") co_return co_await runtime.network().connect_unix(ctx, url.host);
  std::vector<std::string> addresses;
  if (parse_address(to.address)) {
    addresses.push_back(std::move(to.address));
  } else {
    std::string host = to.address.empty() ? url.host : std::move(to.address);
    CO_TRY_ASSIGN(addresses, co_await runtime.network().resolve(ctx, std::move(host)));
  }
  Status last{Reason::ServiceUnavailable, 0, "no address for " + url.host, {}};
  for (const auto& one : addresses) {
    rt::Endpoint endpoint{one, to.port != 0 ? to.port : url.port};
    auto stream = co_await runtime.network().connect(ctx, std::move(endpoint));
    if (stream) co_return std::move(*stream);
    last = stream.error();
    if (ctx.done()) break;
  }
  co_return Unexpected(std::move(last));
}

}  // namespace

rt::Task<Result<Dialed>> dial(rt::Runtime& runtime, const ClientOptions& options, TlsContext tls, rt::Context ctx, Url url, DialTo to) {
  CO_TRY_ASSIGN(auto stream, co_await connect(runtime, ctx, url, to));
  Dialed dialed;
  if (url.scheme != "https") {
    dialed.stream = std::move(stream);
    co_return std::move(dialed);
  }
  const std::string name = options.server_name.empty() ? url.host : options.server_name;
  auto secure = TlsStream::client(std::move(tls), std::move(stream), runtime.clock().wall_now(), name, to.http2);
  auto shaken = co_await secure->handshake(ctx);
  if (!shaken) co_return Unexpected(shaken.error());
  dialed.http2 = secure->protocol() == "h2";
  dialed.stream = std::move(secure);
  co_return std::move(dialed);
}

}  // namespace pintle::net
