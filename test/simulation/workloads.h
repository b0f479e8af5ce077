// Workloads of every kind in a namespace of a simulated cluster, and what must hold of them whatever goes wrong:
// a StatefulSet's identity runs on one node at a time; a Job counts every pod once; a node has one daemon, or soon has again; a quota is never
// exceeded; what has a living owner stays. When all is quiet: each is as it was asked for, and evictions leave a budget whole.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "rt/sync.h"

namespace pintle::testing {

inline constexpr const char* daemon_label = "daemons";  // of the nodes that daemons run on

class Workloads {
 public:
  using Tell = std::function<void(std::string)>;
  // `dice(n)`: below n.
  Workloads(Tell violation, std::function<uint64_t(uint64_t)> dice) : violation_(std::move(violation)), dice_(std::move(dice)) {}

  // Until all of them are there.
  rt::Task<void> create(client::Client& client);
  // One thing that a user does to them.
  rt::Task<void> change(client::Client& client);
  // Looks at one revision of the cluster; what cannot be read is looked at the next time.
  rt::Task<void> audit(client::Client& client);
  // What is not yet as it was asked for; "": nothing.
  rt::Task<std::string> missing(client::Client& client, int daemons);
  // Evicts one pod after the other, while nothing else is wrong.
  rt::Task<void> drain(client::Client& client);

  // What nodes do, whatever the API server knows of it.
  void runs(const std::string& node, const api::core_v1::Pod& pod);
  void stopped(const std::string& node, const std::string& key);
  void node_died(const std::string& node);

 private:
  rt::Task<void> make_owned(client::Client& client, std::string name, std::vector<std::string> owners);
  rt::Task<void> evict_one(client::Client& client, bool calm);
  rt::Task<bool> budget_holds(client::Client& client);

  Tell violation_;
  std::function<uint64_t(uint64_t)> dice_;
  int32_t replicas_ = 3;                                                  // of the StatefulSet
  std::map<std::string, int> doubled_;                                    // by node: looks in a row that found more than one daemon
  std::set<std::string> ended_owners_;                                    // those that were told to go, whether or not it was acknowledged
  std::map<std::string, std::map<std::string, std::string>> identities_;  // of the StatefulSet's pods, by key: the uid by the node that runs it
};

}  // namespace pintle::testing
