// Which nodes' kubelets are asked for their metrics, where, and when: each node once a period, spread over it. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::apiserver::metrics_server {

// A kubelet that does not answer is asked again after twice the time, each time, up to this.
constexpr rt::Duration failure_pause_max = std::chrono::minutes(2);
// Nodes that are asked out of turn are asked one after the other, this far apart and within this time.
constexpr rt::Duration hurry_step = std::chrono::milliseconds(8), hurry_max = std::chrono::seconds(4);

// The URL of a node's page, or nullopt: it is not ready, or has no address of these kinds.
std::optional<std::string> page_url(const api::core_v1::Node& node, const std::vector<std::string>& preferred_addresses);

class Schedule {
 public:
  // One look at a node.
  struct Turn {
    std::string node, url;
    uint64_t id = 0;
    int failures = 0;  // that came before this one, in a row
  };

  // From now on at this URL, at once if that is new (true).
  bool set(const std::string& node, std::string url, rt::TimePoint now);
  // False: it was not there.
  bool remove(const std::string& node);
  // Those whose turn it is, at most `most`, which are not due again until they are done.
  std::vector<Turn> take_due(rt::TimePoint now, std::size_t most);
  // nullopt: nobody waits for its turn.
  std::optional<rt::TimePoint> next_due() const;
  // How a look ended. False: the node is gone or elsewhere by now, and what was seen is of no use. `spread` in [0, 1): where within the second half
  // of its first period a node's turn comes, so that those that came together part. `period`: from turn to turn.
  bool done(const Turn& turn, bool good, rt::TimePoint now, rt::Duration period, double spread);
  // All that wait have their turn soon.
  void hurry(rt::TimePoint now);

  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::string url;
    rt::TimePoint due;
    uint64_t id = 0;
    int failures = 0;
    bool running = false;
    bool fresh = true;  // not one good look yet
  };
  void put(const std::string& name, Node& node, rt::TimePoint due);

  std::map<std::string, Node> nodes_;
  std::set<std::pair<rt::TimePoint, std::string>> waiting_;
  uint64_t next_id_ = 1;
};

}  // namespace pintle::apiserver::metrics_server
