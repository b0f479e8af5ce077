// How the levels share the server's seats: each has a nominal number, lends some of it while it does not need them and
// borrows what others do not need. Recomputed every borrowing_period from the seats that were asked for. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rt/clock.h"

namespace pintle::apiserver::fairness {

constexpr rt::Duration borrowing_period = std::chrono::seconds(10);
constexpr double demand_smoothing = 0.977;  // what is kept of a falling demand in one period

// A quantity that changes at moments, over one period: its average, deviation and peak by time.
class Demand {
 public:
  struct Statistics {
    double average = 0;
    double deviation = 0;
    double peak = 0;
  };
  explicit Demand(rt::TimePoint now) : began_(now), last_(now) {}
  void set(double value, rt::TimePoint now);
  double value() const { return value_; }
  // Of the time since the last reset, which this is.
  Statistics reset(rt::TimePoint now);

 private:
  void advance(rt::TimePoint now);
  rt::TimePoint began_;
  rt::TimePoint last_;
  double value_ = 0;
  double area_ = 0;
  double square_ = 0;
  double peak_ = 0;
};

struct LevelShares {
  int nominal = 0;
  int lendable = 0;
  std::optional<int> borrowing;  // nullopt: without limit
  int minimum() const { return nominal - lendable; }
};
// Seats of `total` for these numbers of shares, rounded up, as upstream does.
std::vector<int> nominal_seats(int total, std::span<const int64_t> shares);
LevelShares make_shares(int nominal, int lendable_percent, std::optional<int> borrowing_percent);

// The demand that a level is credited with: rises at once, falls slowly. `periods` have passed, all but the last of
// them without any demand.
double smoothed_demand(double before, const Demand::Statistics& seen, int64_t periods);

struct Claim {
  double target = 0;
  double low = 0;  // low <= target, low <= high
  double high = 0;
};
// The one assignment that sums to `total` and gives each claim the same fraction of its target, but for what its bounds
// forbid. If the bounds leave no choice, the bounds. `fraction` is told.
std::vector<double> share_out(double total, std::span<const Claim> claims, double& fraction);

// The next limits of all levels. The exempt level takes what it needs first.
struct LevelDemand {
  bool exempt = false;
  LevelShares shares;
  double peak = 0;  // in the last period
  double smoothed = 0;
};
struct Limits {
  std::vector<int> seats;
  std::vector<double> targets;
  double fraction = 1;
};
Limits next_limits(int total, std::span<const LevelDemand> levels);

}  // namespace pintle::apiserver::fairness
