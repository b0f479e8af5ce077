#include "apiserver/fairness/borrowing.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace pintle::apiserver::fairness {

namespace {
constexpr double target_min = 0.001;  // of a claim, so that a fraction of it means something
constexpr int halvings = 60;          // of the interval in which the fraction is sought
}  // namespace

void Demand::advance(rt::TimePoint now) {
  const double took = std::chrono::duration<double>(now - last_).count();
  area_ += value_ * took;
  square_ += value_ * value_ * took;
  last_ = now;
}

void Demand::set(double value, rt::TimePoint now) {
  if (value == value_) return;
  advance(now);
  value_ = value;
  peak_ = std::max(peak_, value);
}

Demand::Statistics Demand::reset(rt::TimePoint now) {
  advance(now);
  Statistics out;
  const double took = std::chrono::duration<double>(now - began_).count();
  if (took > 0) {
    out.average = area_ / took;
    out.deviation = std::sqrt(std::max(0.0, square_ / took - out.average * out.average));
  }
  out.peak = peak_;
  began_ = now;
  area_ = square_ = 0;
  peak_ = value_;
  return out;
}

std::vector<int> nominal_seats(int total, std::span<const int64_t> shares) {
  double sum = 0;
  for (const int64_t share : shares) sum += static_cast<double>(share);
  std::vector<int> out;
  for (const int64_t share : shares) out.push_back(sum > 0 ? static_cast<int>(std::ceil(total * static_cast<double>(share) / sum)) : 0);
  return out;
}

LevelShares make_shares(int nominal, int lendable_percent, std::optional<int> borrowing_percent) {
  const auto percent_of = [nominal](int percent) { return static_cast<int>(std::min(1e9, std::round(nominal * (percent / 100.0)))); };
  LevelShares out;
  out.nominal = nominal;
  out.lendable = percent_of(std::clamp(lendable_percent, 0, 100));
  if (borrowing_percent) out.borrowing = percent_of(*borrowing_percent);
  return out;
}

double smoothed_demand(double before, const Demand::Statistics& seen, int64_t periods) {
  const double faded = before * std::pow(demand_smoothing, static_cast<double>(std::max<int64_t>(0, periods - 1)));
  const double envelope = seen.average + seen.deviation;
  return std::max(envelope, demand_smoothing * faded + (1 - demand_smoothing) * envelope);
}

// The sum grows with the fraction and is flat only where every claim is at a bound: the fraction is found by halving.
std::vector<double> share_out(double total, std::span<const Claim> claims, double& fraction) {
  const auto given = [](const Claim& claim, double part) { return std::clamp(part * std::max(claim.target, target_min), claim.low, claim.high); };
  const auto sum_at = [&](double part) {
    double sum = 0;
    for (const Claim& claim : claims) sum += given(claim, part);
    return sum;
  };
  double low = 0, high = 1;
  for (const Claim& claim : claims) {
    CHECK(claim.low >= 0 && claim.low <= claim.high, "a claim has bounds");
    high = std::max(high, claim.high / std::max(claim.target, target_min));
  }
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (sum_at(middle) < total ? low : high) = middle;
  }
  fraction = high;
  std::vector<double> out;
  for (const Claim& claim : claims) out.push_back(given(claim, fraction));
  return out;
}

Limits next_limits(int total, std::span<const LevelDemand> levels) {
  Limits out;
  double left = 0, minimum_sum = 0, needed_sum = 0;
  std::vector<Claim> claims;
  for (const LevelDemand& level : levels) {
    const int minimum = level.shares.minimum();
    left += level.shares.nominal;
    if (level.exempt) {
      left -= std::max<double>(minimum, level.peak);
      continue;
    }
    Claim claim;
    claim.low = std::max<double>(minimum, std::min<double>(level.shares.nominal, level.peak));  // not lent away while it is needed
    claim.high = level.shares.borrowing ? level.shares.nominal + *level.shares.borrowing : std::max(total, level.shares.nominal);
    claim.target = std::max(claim.low, level.smoothed);
    minimum_sum += minimum;
    needed_sum += claim.low;
    claims.push_back(claim);
  }
  std::vector<double> given;
  if (left > needed_sum) given = share_out(left, claims, out.fraction);
  // The exempt level took so much that not all needs fit: everyone gets the minimum and the same part of the rest.
  const double part = needed_sum > minimum_sum ? std::clamp((left - minimum_sum) / (needed_sum - minimum_sum), 0.0, 1.0) : 0;
  if (left <= needed_sum) out.fraction = part;
  std::size_t i = 0;
  for (const LevelDemand& level : levels) {
    const double minimum = level.shares.minimum();
    if (level.exempt) {
      out.seats.push_back(static_cast<int>(std::max(minimum, level.peak)));
      out.targets.push_back(level.peak);
      continue;
    }
    const double seats = given.empty() ? minimum + part * (claims[i].low - minimum) : given[i];
    out.seats.push_back(static_cast<int>(std::round(seats)));
    out.targets.push_back(claims[i].target);
    ++i;
  }
  return out;
}

}  // namespace pintle::apiserver::fairness
