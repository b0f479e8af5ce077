#include "dns/forwarder.h"

#include <algorithm>

#include "base/check.h"

namespace pintle::dns {

namespace {

using namespace std::chrono_literals;

// The client's own resolver gives up after 5 s.
constexpr auto exchange_timeout = 5s;
// The first wait for a reply is short: a lost datagram should cost little.
constexpr auto first_try = 1s;
constexpr auto later_try = 2s;

uint16_t random_id(rt::Runtime& runtime) { return static_cast<uint16_t>(runtime.random().below(65536)); }

// What another server may say that this one cannot.
bool is_final(const Reply& reply) { return reply.rcode == rcode::NoError || reply.rcode == rcode::NxDomain; }

rt::Task<Result<Unit>> read_whole(rt::Context ctx, rt::Stream* stream, std::span<char> out) {
  while (!out.empty()) {
    CO_TRY_ASSIGN(const std::size_t got, co_await stream->read(ctx, out));
    if (got == 0) co_return error(Reason::Gone, "end of the stream");
    out = out.subspan(got);
  }
  co_return Unit{};
}

}  // namespace

rt::Task<Result<std::string>> read_framed(rt::Context ctx, rt::Stream* stream) {
  std::string message(2, '\0');
  CO_TRY(co_await read_whole(ctx, stream, message));
  const std::size_t size = get_u16(message, 0);
  message.resize(size);
  CO_TRY(co_await read_whole(ctx, stream, message));
  co_return std::move(message);
}

rt::Task<Result<Unit>> write_framed(rt::Context ctx, rt::Stream* stream, std::string message) {
  std::string framed;
  framed.reserve(message.size() + 2);
  put_u16(framed, static_cast<uint16_t>(message.size()));
  framed += message;
  co_return co_await stream->write(ctx, framed);
}

Forwarder::Forwarder(rt::Runtime& runtime, CacheLimits limits) : runtime_(runtime), cache_(limits) {}

void Forwarder::set_servers(const Name& domain, std::vector<rt::Endpoint> servers) {
  cache_.clear();
  if (servers.empty()) {
    servers_.erase(domain);
    return;
  }
  auto entry = std::make_shared<Servers>();
  for (auto& endpoint : servers) entry->list.push_back({std::move(endpoint), 0});
  servers_[domain] = std::move(entry);
}

void Forwarder::stop_loop() {
  const auto it = servers_.find(Name(1, '\0'));
  if (it != servers_.end()) it->second->looping = true;
}

// By the name's suffixes, longest first.
const Forwarder::ServersPtr* Forwarder::servers_of(std::string_view name) const {
  const Labels labels = split(name);
  for (std::size_t i = 0; i <= labels.count; ++i) {
    const auto it = servers_.find(Name(labels.from(i)));
    if (it != servers_.end()) return it->second->looping ? nullptr : &it->second;
  }
  return nullptr;
}

rt::Task<Result<Forwarder::Found>> Forwarder::ask(rt::Context ctx, Question question) {
  const std::string key = question.key();
  if (auto hit = cache_.find(key, runtime_.clock().now()); hit.reply) co_return Found{std::move(hit.reply), hit.age_seconds};
  if (const auto it = flights_.find(key); it != flights_.end()) {
    const auto flight = it->second;
    CO_TRY(co_await flight->landed.wait(ctx));
    CO_TRY_ASSIGN(ReplyPtr shared, flight->reply);
    co_return Found{std::move(shared), 0};
  }
  const ServersPtr* found = servers_of(question.name);
  if (!found) co_return error(Reason::ServiceUnavailable, "no server to ask about " + to_text(question.name));
  if (flights_.size() >= forwards_max) co_return error(Reason::TooManyRequests, "too many questions under way");
  const ServersPtr servers = *found;
  const auto flight = std::make_shared<Flight>();
  flights_[key] = flight;
  // Others may wait for it: it ends by its own time, not by its first asker's patience.
  flight->reply = co_await exchange(servers, std::move(question));
  flights_.erase(key);
  flight->landed.set();
  if (!flight->reply) co_return Unexpected(flight->reply.error());
  // The servers may have changed meanwhile; what the old ones said is not kept.
  if (std::ranges::any_of(servers_, [&](const auto& entry) { return entry.second == servers; }))
    cache_.put(key, *flight->reply, runtime_.clock().now());
  co_return Found{*flight->reply, 0};
}

// Those with the fewest failures first, a random one of them at the head.
std::vector<std::size_t> Forwarder::order_of(const Servers& servers) {
  const auto failures = [&](std::size_t i) { return servers.list[i].failures; };
  std::vector<std::size_t> order(servers.list.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, failures);
  const auto best = std::ranges::count_if(order, [&](std::size_t i) { return failures(i) == failures(order[0]); });
  std::swap(order[0], order[runtime_.random().below(static_cast<uint64_t>(best))]);
  return order;
}

rt::Task<Result<ReplyPtr>> Forwarder::exchange(ServersPtr servers, Question question) {
  const rt::Context ctx = life_.with_timeout(exchange_timeout);
  ReplyPtr last;
  Status failure;
  std::size_t refusals = 0;
  const std::vector<std::size_t> order = order_of(*servers);
  for (std::size_t tried = 0; !ctx.done(); ++tried) {
    Server& server = servers->list[order[tried % order.size()]];
    const rt::Context attempt = ctx.with_timeout(tried == 0 ? first_try : later_try);
    auto reply = co_await ask_server(attempt, server.endpoint, question);
    if (reply) {
      server.failures = 0;
      last = *reply;
      if (is_final(*last)) break;
    } else {
      ++server.failures;
      failure = reply.error();
    }
    // Everyone has said no, at once: asking again will not help. Silence is worth another try.
    const bool silent = !reply && reply.error().reason == Reason::Timeout;
    if (!silent && ++refusals >= servers->list.size()) break;
  }
  if (!last) co_return error(Reason::ServiceUnavailable, "no answer about " + to_text(question.name) + ": " + failure.message);
  co_return std::move(last);
}

rt::Task<Result<ReplyPtr>> Forwarder::ask_server(rt::Context ctx, rt::Endpoint server, Question question) {
  CO_TRY_ASSIGN(ReplyPtr reply, co_await ask_udp(ctx, server, question));
  if (!reply->truncated) co_return std::move(reply);
  co_return co_await ask_tcp(ctx, server, question);
}

rt::Task<Result<ReplyPtr>> Forwarder::ask_udp(rt::Context ctx, rt::Endpoint server, Question question) {
  rt::DatagramOptions options;
  options.peer = server;
  const rt::Endpoint any{server.address.find(':') == std::string::npos ? "0.0.0.0" : "::", 0};
  CO_TRY_ASSIGN(auto socket, runtime_.network().bind_datagram(any, options));
  const uint16_t id = random_id(runtime_);
  const std::string packet = make_query(question, id);
  CO_TRY(co_await socket->send_to(ctx, packet, server));
  std::string buffer(4096, '\0');
  while (true) {
    CO_TRY_ASSIGN(const rt::Received got, co_await socket->receive_from(ctx, buffer));
    // A forged, late or broken packet does not end the wait for the real one.
    if (auto reply = parse_reply(std::string_view(buffer).substr(0, got.bytes), question, id)) co_return std::move(reply);
  }
}

rt::Task<Result<ReplyPtr>> Forwarder::ask_tcp(rt::Context ctx, rt::Endpoint server, Question question) {
  CO_TRY_ASSIGN(auto stream, co_await runtime_.network().connect(ctx, server));
  const uint16_t id = random_id(runtime_);
  std::string packet = make_query(question, id);
  CO_TRY(co_await write_framed(ctx, stream.get(), std::move(packet)));
  CO_TRY_ASSIGN(const std::string message, co_await read_framed(ctx, stream.get()));
  auto reply = parse_reply(message, question, id);
  if (!reply || reply->truncated) co_return error(Reason::ServiceUnavailable, "a malformed reply by TCP");
  co_return std::move(reply);
}

}  // namespace pintle::dns
