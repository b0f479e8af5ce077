#include "dns/client_ranges.h"

#include <gtest/gtest.h>

namespace pintle::dns {
namespace {

TEST(ClientRanges, WhoIsAnswered) {
  ClientRanges cluster(*parse_client_ranges({"10.42.0.0/16", "fd00:42::/56", "192.0.2.7"}));
  cluster.add("203.0.113.1");
  cluster.add("0.0.0.0");
  for (const char* address :
       {"10.42.3.4", "::ffff:10.42.3.4", "fd00:42::1", "192.0.2.7", "127.0.0.1", "127.8.0.1", "::1", "203.0.113.1", "fd00:42::1%eth0"})
    EXPECT_TRUE(cluster.contains(address)) << address;
  for (const char* address : {"10.43.0.1", "fd00:43::1", "192.0.2.8", "203.0.113.2", "0.0.0.0", "", "nonsense"})
    EXPECT_FALSE(cluster.contains(address)) << address;
  EXPECT_TRUE(ClientRanges({}).contains("203.0.113.2"));
}

TEST(ClientRanges, Nodes) {
  ClientRanges cluster(*parse_client_ranges({"10.42.0.0/16"}));
  cluster.set_node("a", {"198.51.100.1", "a.example.com", "2001:db8::1"});
  cluster.set_node("b", {"198.51.100.1", "198.51.100.2"});
  EXPECT_TRUE(cluster.contains("198.51.100.1") && cluster.contains("2001:db8::1") && cluster.contains("198.51.100.2"));
  cluster.set_node("a", {});
  EXPECT_TRUE(cluster.contains("198.51.100.1")) << "b has it too";
  EXPECT_FALSE(cluster.contains("2001:db8::1"));
  cluster.set_node("b", {"198.51.100.3"});
  EXPECT_FALSE(cluster.contains("198.51.100.1") || cluster.contains("198.51.100.2"));
  EXPECT_TRUE(cluster.contains("198.51.100.3"));
}

TEST(ClientRanges, Parsing) {
  EXPECT_FALSE(parse_client_ranges({"10.0.0.0/8", "everyone"}));
  EXPECT_FALSE(parse_client_ranges({"10.0.0.0/33"}));
  const ClientRanges usual(private_ranges());
  EXPECT_TRUE(usual.contains("192.168.1.1") && usual.contains("172.31.0.1") && usual.contains("100.64.0.1") && usual.contains("fd12::1"));
  EXPECT_FALSE(usual.contains("8.8.8.8") || usual.contains("172.32.0.1") || usual.contains("2001:db8::1"));
}

}  // namespace
}  // namespace pintle::dns
