#include "storage/cache_budget.h"

#include <gtest/gtest.h>

#include <vector>

namespace pintle::storage {
namespace {

TEST(CacheBudget, GrowsWithWhatIsStored) {
  CacheBudget budget({.base_bytes = 1000, .stored_part = 2});
  EXPECT_EQ(budget.share(), 500);
  budget.charge_objects(4000);
  EXPECT_EQ(budget.share(), 1500);
  budget.charge_objects(-4000);
  EXPECT_EQ(budget.share(), 500);
}

TEST(CacheBudget, AChargeBeginsTheWorkOnce) {
  CacheBudget budget;
  int begun = 0;
  budget.on_use([&begun] { ++begun; });
  budget.charge_objects(1);
  EXPECT_EQ(begun, 0);  // objects are never taken back
  budget.charge_history(5);
  budget.charge_encodings(5);
  EXPECT_EQ(begun, 1);
  budget.rest();
  budget.charge_history(-5);
  EXPECT_EQ(begun, 1);
  EXPECT_TRUE(budget.resume());  // nothing came: whoever works goes on
  budget.charge_encodings(5);
  EXPECT_EQ(begun, 1);
  budget.rest();
  budget.charge_encodings(5);
  EXPECT_EQ(begun, 2);
  EXPECT_FALSE(budget.resume());
  budget.on_use({});
  budget.rest();
  budget.charge_encodings(5);
  EXPECT_EQ(begun, 2);
}

TEST(CacheBudget, WhoHasLittleKeepsIt) {
  const auto check = [](std::vector<int64_t> held, int64_t total, int64_t level) { EXPECT_EQ(fair_level(held, total), level); };
  check({}, 100, 100);
  check({10, 20, 30}, 100, 30);
  check({10, 20, 30}, 60, 30);
  check({10, 20, 300}, 90, 60);
  check({300, 10, 300}, 110, 50);
  check({100, 100, 100}, 90, 30);
}

}  // namespace
}  // namespace pintle::storage
