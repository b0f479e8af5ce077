// Forwarder: asks other DNS servers, each query with a fresh random id from a fresh socket, again on silence, by TCP where
// a reply was truncated. The same question asked by many at once goes out once. Which servers: those of the longest
// stub domain that the name is within, else the upstream ones. Belongs to one executor.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/cache.h"
#include "dns/reply.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::dns {

// Questions under way; more are refused (CoreDNS' max_concurrent).
constexpr std::size_t forwards_max = 1000;

class Forwarder {
 public:
  Forwarder(rt::Runtime& runtime, CacheLimits limits);

  // `domain` the root: the upstream servers. An empty list removes the entry. Replies kept from before are forgotten.
  void set_servers(const Name& domain, std::vector<rt::Endpoint> servers);
  bool has_servers(std::string_view name) const { return servers_of(name) != nullptr; }
  // Our own questions come back to us: the upstream servers are not asked any more until they are set anew.
  void stop_loop();

  struct Found {
    ReplyPtr reply;
    uint32_t age_seconds = 0;
  };
  // ServiceUnavailable when no server answers in time; TooManyRequests past forwards_max.
  rt::Task<Result<Found>> ask(rt::Context ctx, Question question);
  // Gives up what is under way.
  void close() { life_.cancel(); }
  // The cached reply, if there is one.
  Cache::Hit cached(const Question& question) { return cache_.find(question.key(), runtime_.clock().now()); }

 private:
  struct Server {
    rt::Endpoint endpoint;
    uint32_t failures = 0;  // in a row
  };
  struct Servers {
    std::vector<Server> list;
    bool looping = false;
  };
  using ServersPtr = std::shared_ptr<Servers>;
  struct Flight {
    rt::Event landed;
    Result<ReplyPtr> reply = nullptr;
  };

  const ServersPtr* servers_of(std::string_view name) const;
  rt::Task<Result<ReplyPtr>> exchange(ServersPtr servers, Question question);
  rt::Task<Result<ReplyPtr>> ask_server(rt::Context ctx, rt::Endpoint server, Question question);
  rt::Task<Result<ReplyPtr>> ask_udp(rt::Context ctx, rt::Endpoint server, Question question);
  rt::Task<Result<ReplyPtr>> ask_tcp(rt::Context ctx, rt::Endpoint server, Question question);
  std::vector<std::size_t> order_of(const Servers& servers);

  rt::Runtime& runtime_;
  const rt::Context life_ = rt::Context::background().child();
  Cache cache_;
  std::map<Name, ServersPtr> servers_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

// Over a stream, each message behind its length in two bytes (RFC 1035 §4.2.2). Gone at the end of the stream.
rt::Task<Result<std::string>> read_framed(rt::Context ctx, rt::Stream* stream);
rt::Task<Result<Unit>> write_framed(rt::Context ctx, rt::Stream* stream, std::string message);

}  // namespace pintle::dns
