#include "scheduler/cache/domain_columns.h"

#include <gtest/gtest.h>

#include "scheduler/cache/cache.h"

namespace pintle::scheduler::cache {
namespace {

NodePtr in_zone(const std::string& name, const std::string& zone) {
  auto out = std::make_shared<Node>();
  out->metadata.name = name;
  if (!zone.empty()) out->metadata.labels["zone"] = zone;
  return out;
}

TEST(DomainColumns, FollowTheNodes) {
  Cache cache;
  cache.add_node(in_zone("n1", "a"));
  cache.add_node(in_zone("n2", "b"));
  cache.add_node(in_zone("n3", ""));
  const auto column = cache.domain_column("zone");
  const auto zone_of = [&](const std::string& name) { return column->value(column->at(cache.find(name)->slot)); };
  EXPECT_EQ(zone_of("n1"), "a");
  EXPECT_EQ(zone_of("n2"), "b");
  EXPECT_EQ(column->at(cache.find("n3")->slot), DomainColumn::none);
  cache.add_node(in_zone("n3", "a"));
  EXPECT_EQ(column->at(cache.find("n3")->slot), column->at(cache.find("n1")->slot));
  const uint32_t slot = cache.find("n2")->slot;
  cache.remove_node("n2");
  EXPECT_EQ(column->at(slot), DomainColumn::none);
  cache.add_node(in_zone("n4", "c"));
  EXPECT_EQ(cache.find("n4")->slot, slot);
  EXPECT_EQ(zone_of("n4"), "c");
  EXPECT_EQ(cache.domain_column("zone"), column);
  for (std::size_t i = 0; i < DomainColumns::keys_max; ++i) cache.domain_column("key-" + std::to_string(i));
  EXPECT_NE(cache.domain_column("zone"), column);
}

}  // namespace
}  // namespace pintle::scheduler::cache
