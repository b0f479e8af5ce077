// The two ends of a simulated connection, and the queue of a listener.
#pragma once

#include "rt/sim/sim_network.h"

namespace pintle::rt {

struct SimNetwork::Connection {
  struct End {
    Host host;
    Endpoint local;
    std::string inbox;         // arrived, not yet read
    std::size_t incoming = 0;  // sent by the peer, not yet read here: what the peer's window is about
    bool ended = false;        // the peer writes no more
    bool write_closed = false;
    bool closed = false;
    std::string failure;  // why nothing works any more
    Event readable;
    Event writable;
    TimePoint last_arrival{};  // of what is under way to this end
    std::deque<Segment> held;  // under way to this end, behind a block
  };
  uint64_t number = 0;
  End ends[2];  // 0 connected, 1 accepted

  void fail(int side, std::string why);
};

struct SimNetwork::ListenQueue {
  Host host;
  Endpoint endpoint;
  std::string unix_path;
  bool reuse_port = false;
  std::size_t backlog = 0;
  bool closed = false;
  std::deque<std::shared_ptr<Connection>> waiting;
  Event arrived;
};

// A connect() under way.
struct SimNetwork::Attempt {
  Host from;
  Machine* to = nullptr;
  Endpoint local;
  Endpoint remote;
  std::string unix_path;
  std::shared_ptr<Connection> connection;  // once the listener has taken it
  std::string failure;
  bool abandoned = false;
  Event answered;
};

class SimStream final : public Stream {
 public:
  SimStream(SimNetwork& network, std::shared_ptr<SimNetwork::Connection> connection, int side)
      : network_(network), connection_(std::move(connection)), side_(side) {}
  ~SimStream() override { close(); }
  Task<Result<std::size_t>> read(Context ctx, std::span<char> out) override;
  Task<Result<Unit>> write(Context ctx, std::string_view data) override;
  Task<Result<Unit>> write(Context ctx, std::vector<Bytes> data) override;
  void shutdown_write() override;
  void close() override;
  Endpoint local() const override { return connection_->ends[side_].local; }
  Endpoint remote() const override { return connection_->ends[1 - side_].local; }

 private:
  SimNetwork& network_;
  std::shared_ptr<SimNetwork::Connection> connection_;
  const int side_;
};

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& network, std::shared_ptr<SimNetwork::ListenQueue> queue) : network_(network), queue_(std::move(queue)) {}
  ~SimListener() override { close(); }
  Task<Result<std::unique_ptr<Stream>>> accept(Context ctx) override;
  Endpoint local() const override { return queue_->endpoint; }
  void close() override { network_.close_listener(*queue_); }

 private:
  SimNetwork& network_;
  std::shared_ptr<SimNetwork::ListenQueue> queue_;
};

}  // namespace pintle::rt
