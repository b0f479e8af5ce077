#include "controller/ttl/plan.h"

#include <gtest/gtest.h>

namespace pintle::controller::ttl {
namespace {

void check_step(std::size_t nodes, std::size_t before, int seconds) {
  EXPECT_EQ(steps()[step_for(nodes, before)].seconds, seconds) << nodes << " nodes, before at step " << before;
}

TEST(TtlPlan, FollowsTheSize) {
  check_step(0, 0, 0);
  check_step(100, 0, 0);
  check_step(101, 0, 15);
  check_step(90, 1, 15);
  check_step(89, 1, 0);
  check_step(5000, 0, 300);
  check_step(1800, 4, 300);
  check_step(1799, 4, 60);
  check_step(0, 4, 0);
}

}  // namespace
}  // namespace pintle::controller::ttl
