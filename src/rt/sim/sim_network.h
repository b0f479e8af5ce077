// SimNetwork: the wires between simulated machines. A connection is two ends; segments travel with the link's latency and
// stay in order. A blocked direction holds segments as TCP does (they arrive when it heals, or the connection times
// out); a machine that lost power is silent, and answers with a reset once it is back.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "rt/network.h"
#include "rt/sim/faults.h"
#include "rt/sim/sim_scheduler.h"
#include "rt/sync.h"

namespace pintle::rt {

class Machine;

// A machine's one life: what is left of an earlier one is not answered for by the next.
struct Host {
  Machine* machine = nullptr;
  uint64_t life = 0;
  bool up() const;
};

class SimNetwork {
 public:
  struct Connection;
  struct ListenQueue;
  struct Attempt;
  struct DatagramSocket;

  explicit SimNetwork(SimScheduler& scheduler) : scheduler_(scheduler) {}

  LinkPlan& default_link() { return default_link_; }
  void set_link(const Machine& from, const Machine& to, LinkPlan plan);
  // Holds everything that goes from `from` to `to`.
  void block(const Machine& from, const Machine& to);
  void unblock(const Machine& from, const Machine& to);
  bool blocked(const Machine* from, const Machine* to) const;
  // Breaks every connection between the two.
  void reset_connections(const Machine& a, const Machine& b);
  // `host` answers with these addresses to resolve().
  void add_name(std::string host, std::vector<std::string> addresses) { names_[std::move(host)] = std::move(addresses); }
  std::vector<std::string> look_up(const std::string& host) const;

  // For Machine.
  void add_machine(Machine& machine) { machines_.push_back(&machine); }
  // The machine's listeners are gone; with `silent` its peers are not told about their connections.
  void machine_down(Machine& machine, bool silent);
  void machine_up(Machine& machine);

  Result<std::shared_ptr<ListenQueue>> listen(Host host, Endpoint endpoint, std::string unix_path, ListenOptions options);
  Task<Result<std::unique_ptr<Stream>>> connect(Context ctx, Host host, Endpoint to, std::string unix_path);

  Result<std::shared_ptr<DatagramSocket>> bind_datagram(Host host, Endpoint endpoint, DatagramOptions options);

  // For streams, listeners and datagram sockets.
  enum class Kind { Data, End, Reset };
  void send(std::shared_ptr<Connection> connection, int to_side, Kind kind, std::string data);
  void close_listener(ListenQueue& queue);
  // Nothing tells the sender what becomes of it, but a refusal to a connected socket.
  void send_datagram(std::shared_ptr<DatagramSocket> from, Endpoint to, std::string data);
  void close_datagram(DatagramSocket& socket);
  SimScheduler& scheduler() { return scheduler_; }

 private:
  struct Segment {
    Kind kind;
    std::string data;
  };
  const LinkPlan& link(const Machine* from, const Machine* to) const;
  Duration latency(const Machine* from, const Machine* to, std::size_t bytes);
  void arrive(std::shared_ptr<Connection> connection, int to_side, Segment segment);
  void take_in(const std::shared_ptr<Connection>& connection, int to_side, Segment segment);
  void hold(const std::shared_ptr<Connection>& connection, int to_side, Segment segment);
  void release_held();
  void knock(std::shared_ptr<Attempt> attempt);
  void answer(std::shared_ptr<Attempt> attempt, std::string failure);
  void drop_datagram_sockets(const Machine& machine);
  void datagram_arrives(const std::shared_ptr<DatagramSocket>& from, Endpoint source, Machine* to, const Endpoint& target, std::string data);
  Machine* find_machine(Machine* from, const std::string& address) const;
  ListenQueue* find_listener(const Attempt& attempt);

  SimScheduler& scheduler_;
  LinkPlan default_link_;
  std::map<std::pair<const Machine*, const Machine*>, LinkPlan> links_;  // looked up, never iterated
  std::set<std::pair<const Machine*, const Machine*>> blocked_;
  std::map<std::string, std::vector<std::string>> names_;
  std::vector<Machine*> machines_;
  std::vector<std::shared_ptr<ListenQueue>> listeners_;
  std::vector<std::weak_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<DatagramSocket>> datagram_sockets_;
  uint64_t next_connection_ = 0;
};

// The Network of one machine in one life.
class MachineNetwork final : public Network {
 public:
  MachineNetwork(SimNetwork& network, Machine& machine) : network_(network), machine_(machine) {}
  Result<std::unique_ptr<Listener>> listen(Endpoint endpoint, ListenOptions options) override;
  Task<Result<std::unique_ptr<Stream>>> connect(Context ctx, Endpoint endpoint) override;
  Result<std::unique_ptr<Listener>> listen_unix(std::string path) override;
  Task<Result<std::unique_ptr<Stream>>> connect_unix(Context ctx, std::string path) override;
  Result<std::unique_ptr<Datagram>> bind_datagram(Endpoint endpoint, DatagramOptions options) override;
  Task<Result<std::vector<std::string>>> resolve(Context ctx, std::string host) override;

 private:
  Host host() const;
  SimNetwork& network_;
  Machine& machine_;
};

}  // namespace pintle::rt
