#include "apiserver/fairness/timing_ratio.h"

#include <fmt/format.h>

#include <vector>

#include "component/metrics.h"

namespace pintle::apiserver::fairness {

void TimingRatio::advance(rt::TimePoint now) {
  if (now <= last_) return;
  const auto took = static_cast<double>((now - last_).count());
  const double at = ratio();
  std::size_t bucket = 0;
  while (bucket < bounds_.size() && at > bounds_[bucket]) ++bucket;
  nanoseconds_[bucket] += took;
  sum_ += at * took;
  last_ = now;
}

void TimingRatio::set(double value, rt::TimePoint now) {
  if (value == value_) return;
  advance(now);
  value_ = value;
}

void TimingRatio::set_bound(double bound, rt::TimePoint now) {
  if (bound == bound_) return;
  advance(now);
  bound_ = bound;
}

void TimingRatio::write(std::string& out, std::string_view name, std::span<const std::string_view> labels, std::span<const std::string> values,
                        rt::TimePoint now) {
  advance(now);
  std::vector<std::string_view> with_le(labels.begin(), labels.end());
  with_le.push_back("le");
  std::vector<std::string> le(values.begin(), values.end());
  le.emplace_back();
  const std::string bucket_name = std::string(name) + "_bucket";
  double total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    total += nanoseconds_[i];
    le.back() = i < bounds_.size() ? fmt::format("{}", bounds_[i]) : "+Inf";
    component::metrics::write_sample(out, bucket_name, with_le, le, total);
  }
  component::metrics::write_sample(out, std::string(name) + "_sum", labels, values, sum_);
  component::metrics::write_sample(out, std::string(name) + "_count", labels, values, total);
}

}  // namespace pintle::apiserver::fairness
