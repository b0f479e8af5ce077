#include "apiserver/fairness/budget.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::fairness {
namespace {

constexpr BudgetLimits limits{.total = 100, .user = 60, .connection = 40, .user_assured = 5};

TEST(Budget, AUserHasABound) {
  Budget budget(limits);
  auto a = budget.hold("mallory", "1"), b = budget.hold("mallory", "2");
  EXPECT_TRUE(a.raise_to(40));
  EXPECT_FALSE(b.raise_to(21));
  EXPECT_TRUE(b.raise_to(20));
  EXPECT_EQ(budget.held(), 60);
}

TEST(Budget, AConnectionHasABoundWhoeverUsesIt) {
  Budget budget(limits);
  auto a = budget.hold("a", "1"), b = budget.hold("b", "1");
  EXPECT_TRUE(a.raise_to(30));
  EXPECT_FALSE(b.raise_to(11));
  EXPECT_TRUE(b.raise_to(10));
}

TEST(Budget, WhatAUserIsAssuredOfItGetsWhenAllIsHeld) {
  Budget budget(limits);
  auto a = budget.hold("a", "1"), b = budget.hold("b", "2"), c = budget.hold("b", "3"), node = budget.hold("node", "4");
  EXPECT_TRUE(a.raise_to(40));
  EXPECT_TRUE(b.raise_to(40));
  EXPECT_TRUE(c.raise_to(20));
  EXPECT_EQ(budget.held(), 100);
  EXPECT_FALSE(node.raise_to(6));
  EXPECT_TRUE(node.raise_to(5));
}

TEST(Budget, GivesBackWhatARequestHeldAndForgetsItsUser) {
  Budget budget(limits);
  {
    auto a = budget.hold("a", "1");
    EXPECT_TRUE(a.raise_to(10));
    EXPECT_TRUE(a.raise_to(4)) << "never lowers";
    EXPECT_EQ(a.amount(), 10);
    auto moved = std::move(a);
    EXPECT_EQ(budget.held(), 10);
  }
  EXPECT_EQ(budget.held(), 0);
  EXPECT_EQ(budget.users(), 0u);
}

}  // namespace
}  // namespace pintle::apiserver::fairness
