#include "scheduler/plugins/node_resources_fit/allocation_score.h"

#include <gtest/gtest.h>

namespace pintle::scheduler::plugins {
namespace {

const std::vector<WeightedResource> two = {{"cpu", 1}, {"memory", 1}};

Usage usage(int64_t allocatable, int64_t allocated, int64_t pod) { return {allocatable, allocated, allocated + pod}; }

TEST(AllocationScore, LeastAndMost) {
  const Usage empty[] = {usage(4000, 0, 3000), usage(10000, 0, 5000)};
  EXPECT_EQ(least_allocated_score(empty, two), (25 + 50) / 2);
  EXPECT_EQ(most_allocated_score(empty, two), (75 + 50) / 2);
  const Usage over[] = {usage(4000, 3000, 3000), usage(10000, 0, 0)};
  EXPECT_EQ(least_allocated_score(over, two), (0 + 100) / 2);
  EXPECT_EQ(most_allocated_score(over, two), (100 + 0) / 2);
  const Usage none[] = {Usage(), Usage()};
  EXPECT_EQ(least_allocated_score(none, two), 0);
  const std::vector<WeightedResource> weighted = {{"cpu", 3}, {"memory", 1}};
  EXPECT_EQ(least_allocated_score(empty, weighted), (3 * 25 + 50) / 4);
}

TEST(AllocationScore, ShapeIsAPolyline) {
  const ShapePoint shape[] = {{0, 100}, {50, 0}, {100, 40}};
  for (const auto& [utilization, score] :
       {std::pair{0, 100}, std::pair{25, 50}, std::pair{50, 0}, std::pair{75, 20}, std::pair{100, 40}, std::pair{120, 40}})
    EXPECT_EQ(shape_score(shape, utilization), score);
  const Usage usages[] = {usage(1000, 0, 250), usage(1000, 0, 500)};
  EXPECT_EQ(requested_to_capacity_ratio_score(usages, two, shape), 50);  // a score of 0 has no weight
}

TEST(AllocationScore, ShapesAreChecked) {
  EXPECT_FALSE(make_shape({}).has_value());
  EXPECT_FALSE(make_shape({{0, 0}, {0, 10}}).has_value());
  EXPECT_FALSE(make_shape({{0, 11}}).has_value());
  EXPECT_FALSE(make_shape({{101, 1}}).has_value());
  const auto made = make_shape({{0, 0}, {100, 10}});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->back().score, 100);
}

TEST(AllocationScore, BalanceIsJudgedByItsChange) {
  const Usage even[] = {usage(1000, 500, 100), usage(1000, 500, 100)};
  EXPECT_EQ(balanced_score(even), 75);
  const Usage worse[] = {usage(1000, 0, 1000), usage(1000, 0, 0)};
  EXPECT_EQ(balanced_score(worse), 50);
  const Usage better[] = {usage(1000, 0, 1000), usage(1000, 1000, 0)};
  EXPECT_EQ(balanced_score(better), 100);
  const Usage one[] = {usage(1000, 0, 1000), Usage()};
  EXPECT_EQ(balanced_score(one), 75);
}

}  // namespace
}  // namespace pintle::scheduler::plugins
