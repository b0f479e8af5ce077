#include "apiserver/fairness/borrowing.h"

#include <gtest/gtest.h>

#include <numeric>

namespace pintle::apiserver::fairness {
namespace {

TEST(Borrowing, NominalSeatsOfTheSuggestedLevels) {
  // catch-all, exempt, global-default, leader-election, node-high, system, workload-high, workload-low of 600 seats
  const int64_t shares[] = {5, 0, 20, 10, 40, 30, 40, 100};
  EXPECT_EQ(nominal_seats(600, shares), (std::vector<int>{13, 0, 49, 25, 98, 74, 98, 245}));
  EXPECT_EQ(nominal_seats(600, std::vector<int64_t>{0, 0}), (std::vector<int>{0, 0}));
}

TEST(Borrowing, DemandByTime) {
  rt::TimePoint now{};
  Demand demand(now);
  demand.set(10, now);
  now += std::chrono::seconds(5);
  demand.set(0, now);
  now += std::chrono::seconds(5);
  const auto seen = demand.reset(now);
  EXPECT_DOUBLE_EQ(seen.average, 5);
  EXPECT_DOUBLE_EQ(seen.deviation, 5);
  EXPECT_DOUBLE_EQ(seen.peak, 10);
  now += std::chrono::seconds(10);
  EXPECT_DOUBLE_EQ(demand.reset(now).peak, 0);
}

TEST(Borrowing, DemandRisesAtOnceAndFallsSlowly) {
  const Demand::Statistics busy{.average = 80, .deviation = 20, .peak = 120}, quiet{};
  EXPECT_DOUBLE_EQ(smoothed_demand(0, busy, 1), 100);
  EXPECT_DOUBLE_EQ(smoothed_demand(100, quiet, 1), 97.7);
  EXPECT_LT(smoothed_demand(100, quiet, 200), 1) << "periods without a timer count too";
}

TEST(Borrowing, SharesOut) {
  struct Case {
    double total;
    std::vector<Claim> claims;
    std::vector<double> want;
  };
  const std::vector<Case> cases{
      {100, {{10, 0, 100}, {30, 0, 100}}, {25, 75}}, {100, {{10, 0, 20}, {30, 0, 100}}, {20, 80}},   {100, {{10, 40, 100}, {30, 0, 100}}, {40, 60}},
      {100, {{0, 0, 100}, {50, 10, 100}}, {0, 100}}, {50, {{20, 20, 100}, {30, 30, 100}}, {20, 30}},
  };
  for (const Case& one : cases) {
    double fraction = 0;
    const auto got = share_out(one.total, one.claims, fraction);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], one.want[i], 0.01) << one.total << " " << i;
  }
}

LevelDemand level(int nominal, int lendable_percent, double peak, double smoothed, std::optional<int> borrowing = std::nullopt) {
  return {false, make_shares(nominal, lendable_percent, borrowing), peak, smoothed};
}

TEST(Borrowing, ABusyLevelBorrowsWhatOthersDoNotNeed) {
  const LevelDemand levels[] = {level(100, 50, 300, 300), level(100, 50, 2, 2), level(100, 0, 0, 0)};
  const Limits limits = next_limits(300, levels);
  EXPECT_EQ(limits.seats[1], 50) << "no less than what it does not lend";
  EXPECT_EQ(limits.seats[2], 100) << "it lends nothing";
  EXPECT_EQ(limits.seats[0], 150);
}

TEST(Borrowing, LimitsOfBorrowingAndOfNeed) {
  const LevelDemand capped[] = {level(100, 0, 300, 300, 10), level(100, 90, 0, 0)};
  EXPECT_EQ(next_limits(200, capped).seats, (std::vector<int>{110, 90}));
  const LevelDemand needy[] = {level(100, 90, 500, 500), level(100, 90, 80, 10)};
  EXPECT_EQ(next_limits(200, needy).seats, (std::vector<int>{120, 80})) << "what was needed up to the nominal number is not lent";
  LevelDemand exempt = level(0, 0, 150, 150);
  exempt.exempt = true;
  const LevelDemand squeezed[] = {exempt, level(100, 50, 100, 100), level(100, 50, 100, 100)};
  EXPECT_EQ(next_limits(200, squeezed).seats, (std::vector<int>{150, 50, 50})) << "never below what is not lendable";
}

TEST(Borrowing, ConservesSeats) {
  for (int busy = 0; busy < 4; ++busy) {
    std::vector<LevelDemand> levels;
    for (int i = 0; i < 4; ++i) levels.push_back(level(50, 20 * i, i == busy ? 200 : 5, i == busy ? 150 : 3));
    const auto seats = next_limits(200, levels).seats;
    EXPECT_NEAR(std::accumulate(seats.begin(), seats.end(), 0), 200, 2);
  }
}

}  // namespace
}  // namespace pintle::apiserver::fairness
