#include <algorithm>

#include "rt/sim/sim_connection.h"

namespace pintle::rt {

namespace {

// What one end may have under way and unread at the other.
constexpr std::size_t window_bytes = 256 * 1024;
constexpr std::size_t segment_bytes_max = 16 * 1024;
// How often a read or a write is a short one.
constexpr uint32_t short_per_million = 100'000;

Unexpected<Status> failed(const char* what, const std::string& why) { return error(Reason::ServiceUnavailable, std::string(what) + ": " + why); }

}  // namespace

void SimNetwork::Connection::fail(int side, std::string why) {
  End& end = ends[side];
  if (end.failure.empty()) end.failure = std::move(why);
  end.readable.set();
  end.writable.set();
}

Task<Result<std::size_t>> SimStream::read(Context ctx, std::span<char> out) {
  auto connection = connection_;
  SimScheduler& scheduler = network_.scheduler();
  auto& end = connection->ends[side_];
  auto& peer = connection->ends[1 - side_];
  while (true) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (end.closed) co_return error(Reason::Cancelled, "connection closed");
    if (!end.inbox.empty() && !out.empty()) {
      std::size_t n = std::min(out.size(), end.inbox.size());
      if (scheduler.random().chance(short_per_million)) n = 1 + scheduler.random().below(n);
      end.inbox.copy(out.data(), n);
      end.inbox.erase(0, n);
      end.incoming -= n;
      peer.writable.set();
      co_return n;
    }
    if (!end.failure.empty()) co_return failed("read", end.failure);
    if (end.ended || out.empty()) co_return 0;
    end.readable.reset();
    CO_TRY(co_await end.readable.wait(ctx));
  }
}

Task<Result<Unit>> SimStream::write(Context ctx, std::string_view data) {
  auto connection = connection_;
  SimScheduler& scheduler = network_.scheduler();
  auto& end = connection->ends[side_];
  auto& peer = connection->ends[1 - side_];
  while (true) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (end.closed) co_return error(Reason::Cancelled, "connection closed");
    if (!end.failure.empty()) co_return failed("write", end.failure);
    if (end.write_closed) co_return failed("write", "Broken pipe");
    if (data.empty()) co_return Unit{};
    if (peer.incoming >= window_bytes) {
      end.writable.reset();
      CO_TRY(co_await end.writable.wait(ctx));
      continue;
    }
    std::size_t n = std::min({data.size(), window_bytes - peer.incoming, segment_bytes_max});
    if (scheduler.random().chance(short_per_million)) n = 1 + scheduler.random().below(n);
    network_.send(connection, 1 - side_, SimNetwork::Kind::Data, std::string(data.substr(0, n)));
    data.remove_prefix(n);
  }
}

Task<Result<Unit>> SimStream::write(Context ctx, std::vector<Bytes> data) {
  for (const Bytes& part : data) {
    if (!part.empty()) CO_TRY(co_await write(ctx, part.view()));
  }
  co_return Unit{};
}

void SimStream::shutdown_write() {
  auto& end = connection_->ends[side_];
  if (std::exchange(end.write_closed, true) || end.closed) return;
  network_.send(connection_, 1 - side_, SimNetwork::Kind::End, {});
}

void SimStream::close() {
  auto& end = connection_->ends[side_];
  if (end.closed) return;
  shutdown_write();
  end.closed = true;
  end.readable.set();
  end.writable.set();
}

Task<Result<std::unique_ptr<Stream>>> SimListener::accept(Context ctx) {
  auto queue = queue_;
  auto& network = network_;
  while (true) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (queue->closed) co_return error(Reason::Cancelled, "listener closed");
    if (!queue->waiting.empty()) {
      auto connection = std::move(queue->waiting.front());
      queue->waiting.pop_front();
      co_return std::make_unique<SimStream>(network, std::move(connection), 1);
    }
    queue->arrived.reset();
    CO_TRY(co_await queue->arrived.wait(ctx));
  }
}

}  // namespace pintle::rt
