#include "proxy/nftables/table.h"

#include <gtest/gtest.h>

#include <iostream>

#include "proxy/nftables/nft.h"
#include "proxy/nftables/testing.h"

namespace pintle::proxy::nftables {
namespace {

using testing::config;
using testing::parse;
using testing::put;

TEST(Draft, prints) {
  Table table(config());
  table.rebuild({});
  std::cout << table.ruleset().take_transaction() << "-----\n";
  const char* text = R"(
kind: Service
metadata: {name: svc5, namespace: ns5}
spec:
  type: LoadBalancer
  clusterIP: 172.30.0.45
  externalTrafficPolicy: Cluster
  loadBalancerSourceRanges: [" 203.0.113.0/25"]
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}
  ports: [{name: p80, port: 80, nodePort: 3002, protocol: TCP}]
status: {loadBalancer: {ingress: [{ip: 5.6.7.8}]}}
---
kind: EndpointSlice
metadata: {name: svc5-a, namespace: ns5, labels: {kubernetes.io/service-name: svc5}}
addressType: IPv4
endpoints: [{addresses: [10.180.0.3], nodeName: node-1},{addresses: [10.180.0.4], nodeName: node-2}]
ports: [{name: p80, port: 80, protocol: TCP}]
)";
  put(table, parse(text));
  std::cout << table.ruleset().take_transaction() << "-----\n";
  if (!testing::enter_empty_network()) GTEST_SKIP();
  Table again(config());
  auto nft = make_nft();
  auto listing = nft->list_table(Family::IPv4);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(*listing, "");
  again.rebuild({});
  put(again, parse(text));
  auto done = nft->run(again.ruleset().take_transaction());
  EXPECT_TRUE(done) << done.error().message;
  listing = nft->list_table(Family::IPv4);
  ASSERT_TRUE(listing) << listing.error().message;
  std::cout << *listing;
  const ExistingTable existing = parse_table(*listing);
  for (const auto& c : existing.chains) std::cout << c << "\n";
  Table third(config());
  third.rebuild(existing);
  const std::string t3 = third.ruleset().take_transaction();
  std::cout << t3;
  done = nft->run(t3);
  EXPECT_TRUE(done) << done.error().message;
  done = nft->run(third.ruleset().take_stale_chains());
  EXPECT_TRUE(done) << done.error().message;
}

}  // namespace
}  // namespace pintle::proxy::nftables
