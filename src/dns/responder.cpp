#include "dns/responder.h"

#include "component/log.h"

namespace pintle::dns {

namespace {

namespace log = component::log;
namespace metrics = component::metrics;

// CoreDNS' values of the labels that do not vary here.
const std::string server_label = "dns://:53";
const std::string zone_label = ".";

std::size_t limit_of(const Query& query, Protocol protocol) { return protocol == Protocol::Tcp ? message_bytes_max : query.udp_bytes; }

}  // namespace

struct Responder::Metrics {
  explicit Metrics(metrics::Registry& registry)
      : requests(registry, {"coredns_dns_requests_total", "Questions received.", {"server", "zone", "view", "proto", "type"}}),
        responses(registry, {"coredns_dns_responses_total", "Answers sent, by code.", {"server", "zone", "view", "rcode"}}),
        hits(registry, {"coredns_cache_hits_total", "Questions answered from the cache.", {"server", "type"}}),
        misses(registry, {"coredns_cache_misses_total", "Questions asked of other servers.", {"server"}}) {}
  metrics::CounterVec requests;
  metrics::CounterVec responses;
  metrics::CounterVec hits;
  metrics::CounterVec misses;
};

Responder::Responder(rt::Runtime& runtime, ZoneOptions zone, CacheLimits cache, metrics::Registry* registry)
    : runtime_(runtime), ttl_max_seconds_(cache.ttl_max_seconds), zone_(std::move(zone)), forwarder_(runtime, cache) {
  if (registry) metrics_ = std::make_unique<Metrics>(*registry);
}
Responder::~Responder() = default;

std::string Responder::finish(Writer& writer) {
  if (metrics_) metrics_->responses.with({server_label, zone_label, "", rcode_name(writer.rcode())}).add();
  return writer.finish();
}

// What is not answered at all. True: it is refused.
bool Responder::refuse(const Query& query, Writer& writer) {
  if (query.query_class != class_in || query.type == type::AXFR || query.type == type::IXFR) {
    writer.set_rcode(rcode::Refused);
    return true;
  }
  if (!ready_ && is_within(query.name, zone_.domain())) {
    writer.set_rcode(rcode::ServFail);
    return true;
  }
  if (!probe_.empty() && query.name == probe_) {
    log::error("The upstream DNS servers lead back to this server; names outside the cluster are not resolved");
    forwarder_.stop_loop();
    writer.set_rcode(rcode::Refused);
    return true;
  }
  return false;
}

Responder::Outcome Responder::respond(std::string_view packet, Protocol protocol, const Heard* heard) {
  Outcome out;
  const ParsedQuery parsed = parse_query(packet);
  if (parsed.outcome == Parsed::Drop) return out;
  const Query& query = parsed.query;
  if (metrics_ && !heard)
    metrics_->requests.with({server_label, zone_label, "", protocol == Protocol::Tcp ? "tcp" : "udp", type_name(query.type)}).add();
  Writer writer(query, limit_of(query, protocol));
  if (parsed.outcome == Parsed::Error) {
    writer.set_rcode(parsed.rcode);
    out.reply = finish(writer);
    return out;
  }
  writer.set_recursion_available(true);
  if (refuse(query, writer)) {
    out.reply = finish(writer);
    return out;
  }
  Answer ours = answer(query, zone_, turn_++, writer);
  if (ours.next != Next::Send) {
    const bool chase = ours.next == Next::Chase;
    out.question = Question{chase ? std::move(ours.target) : query.name, query.type, query.dnssec_ok, query.checking_disabled};
    Heard cached;
    if (!heard) {
      Cache::Hit hit = forwarder_.cached(out.question);
      if (!hit.reply && forwarder_.has_servers(out.question.name)) {
        if (metrics_) metrics_->misses.with({server_label}).add();
        out.waiting = true;
        return out;
      }
      if (hit.reply && metrics_) metrics_->hits.with({server_label, hit.reply->negative ? "denial" : "success"}).add();
      cached = Heard{std::move(hit.reply), hit.age_seconds, true};
      heard = &cached;
    }
    if (heard->reply) {
      write_reply(*heard->reply, heard->age_seconds, ttl_max_seconds_, chase, writer);
      writer.set_rcode(heard->reply->rcode);
    } else if (!chase || !heard->refused) {
      // With nobody to ask, the CNAME alone is all there is.
      writer.set_rcode(heard->refused ? rcode::Refused : rcode::ServFail);
    }
  }
  out.reply = finish(writer);
  return out;
}

std::optional<std::string> Responder::answer_now(std::string_view packet, Protocol protocol) {
  Outcome out = respond(packet, protocol, nullptr);
  if (out.waiting) return std::nullopt;
  return std::move(out.reply);
}

std::string Responder::refuse_stranger(std::string_view packet) {
  const ParsedQuery parsed = parse_query(packet);
  if (parsed.outcome == Parsed::Drop) return {};
  Writer writer(parsed.query, plain_udp_bytes);
  writer.set_rcode(rcode::Refused);
  return finish(writer);
}

rt::Task<std::string> Responder::answer_later(rt::Context ctx, std::string packet, Protocol protocol) {
  Outcome first = respond(packet, protocol, nullptr);
  if (!first.waiting) co_return std::move(first.reply);
  auto found = co_await forwarder_.ask(ctx, std::move(first.question));
  if (ctx.done()) co_return std::string();
  Heard heard;
  if (found) {
    heard.reply = std::move(found->reply);
    heard.age_seconds = found->age_seconds;
  } else if (log::enabled(2)) {
    log::info(2, "Question not answered", {{"err", found.error().message}});
  }
  Outcome second = respond(packet, protocol, &heard);
  co_return std::move(second.reply);
}

rt::Task<void> Responder::look_for_loop(rt::Context ctx) {
  const std::string label = std::to_string(runtime_.random().next_u64());
  Question question;
  question.name = *make_name(label + ".pintle-loop-probe");
  question.type = type::HINFO;
  probe_ = question.name;
  (void)co_await forwarder_.ask(ctx, std::move(question));
  probe_.clear();
}

}  // namespace pintle::dns
