#include "rt/sim/sim_network.h"

#include <algorithm>

#include "rt/real/sockaddr.h"
#include "rt/sim/machine.h"
#include "rt/sim/sim_connection.h"

namespace pintle::rt {

namespace {

using namespace std::chrono_literals;

// Linux's own: a segment that is not acknowledged for this long ends its connection (tcp_retries2).
constexpr Duration held_max = 924s;
// The first wait for an answer to a connect, doubled for each of the tries (tcp_syn_retries).
constexpr Duration first_knock = 1s;
constexpr int knocks_max = 7;
constexpr const char* reset_text = "Connection reset by peer";

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }
bool is_wildcard(const std::string& address) { return address.empty() || address == "0.0.0.0" || address == "::"; }

bool overlap(const std::string& a, const std::string& b) { return a == b || is_wildcard(a) || is_wildcard(b); }

}  // namespace

bool Host::up() const { return machine->up() && machine->life() == life; }

void SimNetwork::set_link(const Machine& from, const Machine& to, LinkPlan plan) { links_[{&from, &to}] = plan; }

void SimNetwork::block(const Machine& from, const Machine& to) {
  blocked_.insert({&from, &to});
  scheduler_.note("net block " + from.name() + ">" + to.name());
}

void SimNetwork::unblock(const Machine& from, const Machine& to) {
  if (blocked_.erase({&from, &to}) == 0) return;
  scheduler_.note("net unblock " + from.name() + ">" + to.name());
  release_held();
}

bool SimNetwork::blocked(const Machine* from, const Machine* to) const { return blocked_.contains({from, to}); }

const LinkPlan& SimNetwork::link(const Machine* from, const Machine* to) const {
  const auto it = links_.find({from, to});
  return it == links_.end() ? default_link_ : it->second;
}

Duration SimNetwork::latency(const Machine* from, const Machine* to, std::size_t bytes) {
  const LinkPlan& plan = link(from, to);
  Duration took = scheduler_.random().between(plan.latency_min, plan.latency_max);
  if (plan.bytes_per_second > 0) took += Duration(static_cast<int64_t>(bytes * 1'000'000'000ull / plan.bytes_per_second));
  return took;
}

std::vector<std::string> SimNetwork::look_up(const std::string& host) const {
  const auto it = names_.find(host);
  if (it != names_.end()) return it->second;
  if (host == "localhost") return {"127.0.0.1"};
  for (const Machine* machine : machines_)
    if (machine->name() == host) return {machine->address()};
  return {};
}

void SimNetwork::reset_connections(const Machine& a, const Machine& b) {
  for (const auto& weak : connections_) {
    const auto connection = weak.lock();
    if (!connection) continue;
    const Machine* x = connection->ends[0].host.machine;
    const Machine* y = connection->ends[1].host.machine;
    if (!((x == &a && y == &b) || (x == &b && y == &a))) continue;
    connection->fail(0, reset_text);
    connection->fail(1, reset_text);
  }
}

void SimNetwork::machine_down(Machine& machine, bool silent) {
  std::erase_if(listeners_, [&](const auto& queue) { return queue->host.machine == &machine; });
  drop_datagram_sockets(machine);
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  if (silent) return;
  for (const auto& weak : connections_) {
    const auto connection = weak.lock();
    for (int side = 0; connection && side < 2; ++side) {
      // Only the machine's own end that was still open tells its peer.
      const auto& end = connection->ends[side];
      if (end.host.machine == &machine && end.host.life == machine.life() && !end.closed) send(connection, 1 - side, Kind::Reset, {});
    }
  }
}

void SimNetwork::machine_up(Machine&) { release_held(); }

void SimNetwork::send(std::shared_ptr<Connection> connection, int to_side, Kind kind, std::string data) {
  auto& to = connection->ends[to_side];
  const Machine* from = connection->ends[1 - to_side].host.machine;
  to.incoming += data.size();
  TimePoint when = scheduler_.now() + latency(from, to.host.machine, data.size());
  if (kind == Kind::Data && scheduler_.random().chance(link(from, to.host.machine).resets)) {
    scheduler_.note("net breaks c" + std::to_string(connection->number));
    connection->fail(1 - to_side, reset_text);
    kind = Kind::Reset;
    data.clear();
  }
  // In order, whatever the latency of each.
  when = std::max(when, to.last_arrival + Duration(1));
  to.last_arrival = when;
  scheduler_.add_timer(nullptr, when, [this, connection, to_side, segment = Segment{kind, std::move(data)}]() mutable {
    arrive(std::move(connection), to_side, std::move(segment));
  });
}

void SimNetwork::arrive(std::shared_ptr<Connection> connection, int to_side, Segment segment) {
  auto& to = connection->ends[to_side];
  const Host from = connection->ends[1 - to_side].host;
  if (!to.held.empty() || blocked(from.machine, to.host.machine) || !to.host.machine->up()) {
    hold(connection, to_side, std::move(segment));
  } else {
    take_in(connection, to_side, std::move(segment));
  }
}

void SimNetwork::hold(const std::shared_ptr<Connection>& connection, int to_side, Segment segment) {
  auto& to = connection->ends[to_side];
  to.held.push_back(std::move(segment));
  if (to.held.size() > 1) return;
  scheduler_.add_timer(nullptr, scheduler_.now() + held_max, [this, connection, to_side] {
    auto& end = connection->ends[to_side];
    if (end.held.empty()) return;
    scheduler_.note("net gives up c" + std::to_string(connection->number));
    end.held.clear();
    connection->fail(1 - to_side, "Connection timed out");
  });
}

void SimNetwork::release_held() {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  const auto connections = connections_;
  for (const auto& weak : connections) {
    const auto connection = weak.lock();
    for (int side = 0; connection && side < 2; ++side) {
      auto& to = connection->ends[side];
      const Machine* from = connection->ends[1 - side].host.machine;
      if (blocked(from, to.host.machine) || !to.host.machine->up()) continue;
      auto held = std::exchange(to.held, {});
      for (auto& segment : held) {
        to.incoming -= segment.data.size();
        send(connection, side, segment.kind, std::move(segment.data));
      }
    }
  }
}

void SimNetwork::take_in(const std::shared_ptr<Connection>& connection, int to_side, Segment segment) {
  auto& to = connection->ends[to_side];
  const char* names[] = {"data", "end", "reset"};
  scheduler_.note("net c" + std::to_string(connection->number) + (to_side == 1 ? ">" : "<") + names[static_cast<int>(segment.kind)] +
                  std::to_string(segment.data.size()));
  if (segment.kind == Kind::Reset) return connection->fail(to_side, reset_text);
  // Data for an end that is gone is answered with a reset.
  if (to.closed || !to.host.up()) {
    if (segment.kind == Kind::Data || !to.host.up()) send(connection, 1 - to_side, Kind::Reset, {});
    return;
  }
  if (segment.kind == Kind::End) to.ended = true;
  to.inbox += segment.data;
  to.readable.set();
}

Result<std::shared_ptr<SimNetwork::ListenQueue>> SimNetwork::listen(Host host, Endpoint endpoint, std::string unix_path, ListenOptions options) {
  const std::string name = unix_path.empty() ? to_string(endpoint) : "unix://" + unix_path;
  if (unix_path.empty()) {
    TRY(to_sockaddr(endpoint));
    if (!is_wildcard(endpoint.address) && !is_loopback(endpoint.address) && endpoint.address != host.machine->address())
      return error(Reason::ServiceUnavailable, "listen " + name + ": Cannot assign requested address");
    if (endpoint.port == 0) endpoint.port = host.machine->next_port();
  }
  for (const auto& other : listeners_) {
    if (other->host.machine != host.machine || other->unix_path != unix_path) continue;
    if (unix_path.empty() &&
        (other->endpoint.port != endpoint.port || !overlap(other->endpoint.address, endpoint.address) || (other->reuse_port && options.reuse_port)))
      continue;
    return error(Reason::ServiceUnavailable, "listen " + name + ": Address already in use");
  }
  auto queue = std::make_shared<ListenQueue>();
  queue->host = host;
  queue->endpoint = unix_path.empty() ? std::move(endpoint) : Endpoint{};
  queue->unix_path = std::move(unix_path);
  queue->reuse_port = options.reuse_port;
  queue->backlog = static_cast<std::size_t>(std::max(options.backlog, 1));
  listeners_.push_back(queue);
  scheduler_.note("net " + host.machine->name() + " listens " + name);
  return queue;
}

void SimNetwork::close_listener(ListenQueue& queue) {
  if (std::exchange(queue.closed, true)) return;
  queue.arrived.set();
  std::erase_if(listeners_, [&](const auto& other) { return other.get() == &queue; });
  for (const auto& connection : queue.waiting) {
    connection->ends[1].closed = true;
    send(connection, 0, Kind::Reset, {});
  }
  queue.waiting.clear();
}

Machine* SimNetwork::find_machine(Machine* from, const std::string& address) const {
  if (is_loopback(address) || is_wildcard(address)) return from;
  for (Machine* machine : machines_)
    if (machine->address() == address) return machine;
  return nullptr;
}

SimNetwork::ListenQueue* SimNetwork::find_listener(const Attempt& attempt) {
  std::vector<ListenQueue*> found;
  for (const auto& queue : listeners_) {
    if (queue->host.machine != attempt.to || queue->unix_path != attempt.unix_path) continue;
    if (attempt.unix_path.empty() && (queue->endpoint.port != attempt.remote.port || !overlap(queue->endpoint.address, attempt.remote.address)))
      continue;
    found.push_back(queue.get());
  }
  return found.empty() ? nullptr : found[scheduler_.random().below(found.size())];
}

// A connect request arrives.
void SimNetwork::knock(std::shared_ptr<Attempt> attempt) {
  if (attempt->abandoned || blocked(attempt->from.machine, attempt->to) || !attempt->to->up()) return;
  if (attempt->connection) return answer(std::move(attempt), "");
  ListenQueue* queue = find_listener(*attempt);
  if (!queue) return answer(std::move(attempt), "Connection refused");
  if (queue->waiting.size() >= queue->backlog) return;
  auto connection = std::make_shared<Connection>();
  connection->number = next_connection_++;
  connection->ends[0].host = attempt->from;
  connection->ends[0].local = attempt->local;
  connection->ends[1].host = queue->host;
  connection->ends[1].local = attempt->remote;
  connections_.push_back(connection);
  queue->waiting.push_back(connection);
  queue->arrived.set();
  attempt->connection = std::move(connection);
  answer(std::move(attempt), "");
}

void SimNetwork::answer(std::shared_ptr<Attempt> attempt, std::string failure) {
  const TimePoint when = scheduler_.now() + latency(attempt->to, attempt->from.machine, 0);
  scheduler_.add_timer(nullptr, when, [this, attempt, failure = std::move(failure)] {
    if (blocked(attempt->to, attempt->from.machine)) return;
    attempt->failure = failure;
    attempt->answered.set();
  });
}

Task<Result<std::unique_ptr<Stream>>> SimNetwork::connect(Context ctx, Host host, Endpoint to, std::string unix_path) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  const std::string name = unix_path.empty() ? to_string(to) : "unix://" + unix_path;
  auto attempt = std::make_shared<Attempt>();
  attempt->from = host;
  attempt->to = unix_path.empty() ? find_machine(host.machine, to.address) : host.machine;
  if (!attempt->to) co_return error(Reason::ServiceUnavailable, "connect " + name + ": No route to host");
  if (unix_path.empty()) {
    attempt->local = Endpoint{attempt->to == host.machine ? to.address : host.machine->address(), host.machine->next_port()};
    attempt->remote = to;
  }
  attempt->unix_path = std::move(unix_path);
  Duration wait = first_knock;
  for (int i = 0; i < knocks_max && !attempt->answered.is_set(); ++i, wait *= 2) {
    scheduler_.add_timer(nullptr, scheduler_.now() + latency(host.machine, attempt->to, 0), [this, attempt] { knock(attempt); });
    (void)co_await attempt->answered.wait(ctx.with_timeout(wait));
    if (ctx.done() && !attempt->answered.is_set()) break;
  }
  const bool answered = attempt->answered.is_set();
  if (answered && attempt->failure.empty()) co_return std::make_unique<SimStream>(*this, attempt->connection, 0);
  attempt->abandoned = true;
  // The other side may have taken the connection without our knowing.
  if (attempt->connection) SimStream(*this, attempt->connection, 0).close();
  if (answered) co_return error(Reason::ServiceUnavailable, "connect " + name + ": " + attempt->failure);
  if (ctx.done()) co_return Unexpected(ctx.status());
  co_return error(Reason::ServiceUnavailable, "connect " + name + ": Connection timed out");
}

Host MachineNetwork::host() const { return Host{&machine_, machine_.life()}; }

Result<std::unique_ptr<Listener>> MachineNetwork::listen(Endpoint endpoint, ListenOptions options) {
  TRY_ASSIGN(auto queue, network_.listen(host(), std::move(endpoint), "", options));
  return std::make_unique<SimListener>(network_, std::move(queue));
}

Task<Result<std::unique_ptr<Stream>>> MachineNetwork::connect(Context ctx, Endpoint endpoint) {
  CO_TRY(to_sockaddr(endpoint));
  const std::string no_path;
  co_return co_await network_.connect(ctx, host(), endpoint, no_path);
}

Result<std::unique_ptr<Listener>> MachineNetwork::listen_unix(std::string path) {
  TRY(to_unix_sockaddr(path));
  TRY_ASSIGN(auto queue, network_.listen(host(), {}, std::move(path), {}));
  return std::make_unique<SimListener>(network_, std::move(queue));
}

Task<Result<std::unique_ptr<Stream>>> MachineNetwork::connect_unix(Context ctx, std::string path) {
  CO_TRY(to_unix_sockaddr(path));
  const Endpoint none;
  co_return co_await network_.connect(ctx, host(), none, path);
}

Task<Result<std::vector<std::string>>> MachineNetwork::resolve(Context ctx, std::string host) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  std::vector<std::string> addresses;
  if (!host.empty() && to_sockaddr({host, 0})) {
    addresses.push_back(host);
  } else {
    addresses = network_.look_up(host);
  }
  if (addresses.empty()) co_return error(Reason::ServiceUnavailable, "lookup " + host + ": Name or service not known");
  co_return std::move(addresses);
}

}  // namespace pintle::rt
