#include "apiserver/published/further.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::published {
namespace {

FurtherVersion version_of(std::string group, std::string version) {
  FurtherVersion out;
  out.group = std::move(group);
  out.version = std::move(version);
  return out;
}

TEST(FurtherServers, ListedIsASnapshot) {
  FurtherServers servers;
  const auto before = servers.listed();
  ASSERT_TRUE(servers.set("v1.metrics.example.com", version_of("metrics.example.com", "v1")));
  EXPECT_TRUE(before->versions.empty());
  const auto after = servers.listed();
  ASSERT_EQ(after->versions.size(), 1U);
  EXPECT_EQ(after->versions.begin()->second->discovery.version, "v1");
  EXPECT_NE(after->generation, before->generation);
  servers.remove("v1.metrics.example.com");
  EXPECT_TRUE(servers.listed()->versions.empty());
  const uint64_t generation = servers.listed()->generation;
  EXPECT_NE(generation, after->generation);
  servers.remove("v1.metrics.example.com");
  EXPECT_EQ(servers.listed()->generation, generation) << "nothing has changed";
}

TEST(FurtherServers, AreBounded) {
  FurtherServers servers;
  for (std::size_t i = 0; i < further_servers_max; ++i)
    ASSERT_TRUE(servers.set("v1.g" + std::to_string(i), version_of("g" + std::to_string(i), "v1")));
  const auto refused = servers.set("v1.more", version_of("more", "v1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::TooManyRequests);
  EXPECT_TRUE(servers.set("v1.g0", version_of("g0", "v1"))) << "one that is there can change";
}

}  // namespace
}  // namespace pintle::apiserver::published
