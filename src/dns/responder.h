// Responder: a DNS packet in, the reply out. What the zone and the cache know is answered at once, without a task; only
// what other servers must be asked for takes one. Belongs to one executor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "component/metrics.h"
#include "dns/answer.h"
#include "dns/forwarder.h"
#include "dns/zone.h"

namespace pintle::dns {

enum class Protocol { Udp, Tcp };

class Responder {
 public:
  // `metrics` may be null: nothing is counted. Both outlive the responder.
  Responder(rt::Runtime& runtime, ZoneOptions zone, CacheLimits cache, component::metrics::Registry* metrics);
  ~Responder();

  Zone& zone() { return zone_; }
  Forwarder& forwarder() { return forwarder_; }
  // Until the zone is complete the cluster domain is answered with SERVFAIL, so that nobody takes a name for absent.
  void set_ready() { ready_ = true; }
  bool ready() const { return ready_; }

  // The reply; "" if the packet deserves none; nothing if answer_later() must ask others.
  std::optional<std::string> answer_now(std::string_view packet, Protocol protocol);
  // REFUSED to the question and nothing more; "" if the packet deserves none.
  std::string refuse_stranger(std::string_view packet);
  // The reply, or "" when `ctx` is done.
  rt::Task<std::string> answer_later(rt::Context ctx, std::string packet, Protocol protocol);
  // Asks the upstream servers for a name that nobody else asks for: if the question comes back here, they lead to
  // ourselves and are not asked any more.
  rt::Task<void> look_for_loop(rt::Context ctx);

 private:
  struct Metrics;
  // What the other servers said about the question (or about where its CNAME leads).
  struct Outcome {
    bool waiting = false;  // ask about `question`
    Question question;
    std::string reply;
  };
  struct Heard {
    ReplyPtr reply;  // null: nobody answered
    uint32_t age_seconds = 0;
    bool refused = false;
  };
  Outcome respond(std::string_view packet, Protocol protocol, const Heard* heard);
  bool refuse(const Query& query, Writer& writer);
  std::string finish(Writer& writer);

  rt::Runtime& runtime_;
  const uint32_t ttl_max_seconds_;
  Zone zone_;
  Forwarder forwarder_;
  std::unique_ptr<Metrics> metrics_;
  Name probe_;  // the name of look_for_loop() under way
  bool ready_ = false;
  uint32_t turn_ = 0;
};

}  // namespace pintle::dns
