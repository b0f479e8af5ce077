// What the server's accept loop and the two protocols know of each other. All on the connection's executor.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "net/http.h"
#include "net/server.h"

namespace pintle::net {

// What large heads may take together, in a whole server. Thread-safe.
class HeadBudget {
 public:
  explicit HeadBudget(std::size_t most) : most_(most) {}
  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= most_) return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes); }
  std::size_t used() const { return used_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> used_ = 0;
};

// One head's part of the budget, for as long as its request lives.
class HeadLease {
 public:
  HeadLease(HeadBudget& budget, std::size_t free) : budget_(budget), held_(free), free_(free) {}
  ~HeadLease() { budget_.give_back(held_ - free_); }
  HeadLease(const HeadLease&) = delete;
  HeadLease& operator=(const HeadLease&) = delete;
  // False: there is no room for so large a head now.
  bool grow_to(std::size_t bytes) {
    if (bytes <= held_) return true;
    if (!budget_.take(bytes - held_)) return false;
    held_ = bytes;
    return true;
  }

 private:
  HeadBudget& budget_;
  std::size_t held_;
  const std::size_t free_;
};

struct ConnectionDeps {
  rt::Runtime& runtime;
  Handler& handler;
  const ServerLimits& limits;
  HeadBudget& heads;
};

// What every request of one connection has in common.
struct PeerInfo {
  rt::Endpoint remote;
  rt::Endpoint local;
  std::string scheme = "https";
  std::shared_ptr<const PeerCertificates> peer;
  std::string peer_error;
};

class ServerConnection {
 public:
  virtual ~ServerConnection() = default;
  // Serves until the connection ends; all its handlers have returned then. `received` is what was read before.
  virtual rt::Task<void> run(rt::Context ctx, std::string received) = 0;
  // Takes no new request; run() returns when the running ones are answered.
  virtual void begin_drain() = 0;
  // Ends it at once: contexts are cancelled, the stream is closed.
  virtual void abort() = 0;
};

std::unique_ptr<ServerConnection> make_http1_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream);
std::unique_ptr<ServerConnection> make_http2_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream);

// After the last byte was written: tells the peer, and gives it this long to take in what is under way before close().
constexpr rt::Duration linger_time = std::chrono::seconds(1);

}  // namespace pintle::net
