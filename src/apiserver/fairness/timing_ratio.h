// TimingRatio: for how long a quantity's ratio to its bound stood in each bucket; what upstream's TimingRatioHistograms
// show (the weight of a sample is nanoseconds). Its owner's lock guards it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "rt/clock.h"

namespace pintle::apiserver::fairness {

class TimingRatio {
 public:
  static constexpr std::size_t bounds_max = 15;
  // `bounds` ascending, at most bounds_max, outliving this.
  TimingRatio(std::span<const double> bounds, rt::TimePoint now) : bounds_(bounds), last_(now) {}
  void set(double value, rt::TimePoint now);
  void set_bound(double bound, rt::TimePoint now);
  // Appends the samples; `labels` and `values` of the series.
  void write(std::string& out, std::string_view name, std::span<const std::string_view> labels, std::span<const std::string> values,
             rt::TimePoint now);

 private:
  void advance(rt::TimePoint now);
  double ratio() const { return bound_ > 0 ? value_ / bound_ : value_; }

  std::span<const double> bounds_;
  rt::TimePoint last_;
  double value_ = 0;
  double bound_ = 1;
  std::array<double, bounds_max + 1> nanoseconds_{};
  double sum_ = 0;
};

}  // namespace pintle::apiserver::fairness
