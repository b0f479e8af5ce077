#include "proxy/types/topology.h"

#include <gtest/gtest.h>

#include <string>

namespace pintle::proxy {
namespace {

// "1": 10.0.0.1, in the order of the letters after it: l local, n not ready, s not serving, t terminating; zone and node
// hints follow after '@' and '#'.
std::vector<Endpoint> parse(const std::string& text) {
  std::vector<Endpoint> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    Endpoint& made = out.emplace_back();
    made.address = *parse_address("10.0.0." + word.substr(0, 1));
    made.port = 80;
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (word[i] == 'l') made.local = true;
      if (word[i] == 'n') made.ready = false;
      if (word[i] == 's') made.serving = false;
      if (word[i] == 't') made.terminating = true;
      if (word[i] == '@') made.zone_hints.push_back(word.substr(++i, 1));
      if (word[i] == '#') made.node_hints.push_back(word.substr(++i, 1));
    }
  }
  return out;
}

std::string show(const std::vector<const Endpoint*>& endpoints) {
  std::string out;
  for (const Endpoint* endpoint : endpoints) out += endpoint->address.to_string().back();
  return out;
}

enum Policy { Cluster, ExternalLocal, InternalLocal, BothLocal, InternalLocalOnly };

void check(Policy policy, const std::string& endpoints, std::string_view cluster, std::string_view local, std::string_view reachable, bool any) {
  ServicePort port;
  port.cluster_ip = *parse_address("172.30.0.1");
  port.node_port = policy == InternalLocalOnly ? 0 : 30000;
  port.external_local = policy == ExternalLocal || policy == BothLocal;
  port.internal_local = policy == InternalLocal || policy == BothLocal || policy == InternalLocalOnly;
  const auto list = parse(endpoints);
  const EndpointChoice choice = choose_endpoints(port, list, {"h", "a"});
  EXPECT_EQ(show(choice.cluster), cluster) << endpoints;
  EXPECT_EQ(show(choice.local), local) << endpoints;
  EXPECT_EQ(show(choice.reachable), reachable) << endpoints;
  EXPECT_EQ(choice.any, any) << endpoints;
}

TEST(Topology, Policies) {
  check(Cluster, "", "", "", "", false);
  check(Cluster, "1l 2", "12", "", "12", true);
  check(ExternalLocal, "1l 2", "12", "1", "12", true);
  check(InternalLocal, "1l 2", "12", "1", "12", true);
  check(BothLocal, "1l 2", "12", "1", "12", true);
  check(InternalLocalOnly, "1l 2", "", "1", "1", true);
  check(InternalLocalOnly, "1 2", "", "", "", true);  // elsewhere: dropped, not refused
  check(InternalLocalOnly, "1n 2n", "", "", "", false);
}

TEST(Topology, Readiness) {
  check(Cluster, "1 2n 3nt", "1", "", "1", true);
  check(Cluster, "1nt 2nst 3n", "1", "", "1", true);  // only those that still serve while they end
  check(Cluster, "1ns 2ns", "", "", "", false);
  check(ExternalLocal, "1lnt 2", "2", "1", "12", true);  // of the local ones, one that ends is better than none
  check(ExternalLocal, "1lnt 2l 3", "23", "2", "23", true);
  check(ExternalLocal, "1lnst 2", "2", "", "2", true);
  check(ExternalLocal, "1lnt 2nt", "12", "1", "12", true);
}

TEST(Topology, Hints) {
  check(Cluster, "1@a 2@b 3@a", "13", "", "13", true);
  check(Cluster, "1@a 2 3@a", "123", "", "123", true);     // one without hints: none counts
  check(Cluster, "1@b 2@b", "12", "", "12", true);         // none for this zone
  check(Cluster, "1@a 2@b 3n", "1", "", "1", true);        // one that is not ready needs no hint
  check(Cluster, "1@b#h 2@a#i", "1", "", "1", true);       // the node's hint before the zone's
  check(Cluster, "1@b#i 2@a#i", "2", "", "2", true);       // no endpoint for this node: the zone's
  check(Cluster, "1@ant 2@bnt", "12", "", "12", true);     // the last resort knows no hints
  check(ExternalLocal, "1l@b 2@a", "2", "1", "12", true);  // policy Local knows none either
}

}  // namespace
}  // namespace pintle::proxy
