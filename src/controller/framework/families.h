// Families: the controllers' metric families, by upstream's names. One lives as long as the manager, so that what a controller counted stays when
// it is made anew; whoever asks for a family again gets the same one. Thread-safe, as the families are.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "component/metrics.h"

namespace pintle::controller {

// N bounds of a histogram: `first`, and each `factor` times the one before.
template <std::size_t N>
constexpr std::array<double, N> growing_bounds(double first, double factor) {
  std::array<double, N> out{};
  for (double& bound : out) {
    bound = first;
    first *= factor;
  }
  return out;
}

class Families {
 public:
  using Labels = std::vector<std::string_view>;
  // nullptr: all is counted, and nobody shows it.
  explicit Families(component::metrics::Registry* registry) : registry_(registry != nullptr ? *registry : own_) {}
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  // Names, helps, labels and bounds are literals. A family is on the page once it has a series.
  component::metrics::CounterVec& counters(std::string_view name, std::string_view help, Labels labels);
  component::metrics::GaugeVec& gauges(std::string_view name, std::string_view help, Labels labels);
  component::metrics::HistogramVec& histograms(std::string_view name, std::string_view help, std::span<const double> bounds, Labels labels);
  // Without labels: on the page from now on.
  component::metrics::Counter& counter(std::string_view name, std::string_view help) { return counters(name, help, {}).with({}); }
  component::metrics::Gauge& gauge(std::string_view name, std::string_view help) { return gauges(name, help, {}).with({}); }
  component::metrics::Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds) {
    return histograms(name, help, bounds, {}).with({});
  }

 private:
  template <class Vec>
  Vec& family(component::metrics::Description description, std::span<const double> bounds = {});

  component::metrics::Registry own_;
  component::metrics::Registry& registry_;
  ThreadMutex mutex_;
  std::map<std::string_view, std::unique_ptr<component::metrics::Family>> families_ GUARDED_BY(mutex_);
};

// How many objects there are (or what they weigh together), by labels that are read off each: kept with every event, O(log n). What is no more
// leaves the page, and so does everything when the Tally ends. Belongs to one executor; the only writer of its family.
class Tally {
 public:
  explicit Tally(component::metrics::GaugeVec& gauges) : gauges_(gauges) {}
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally();
  // The object of that key is, or has become, this.
  void put(const std::string& key, std::vector<std::string> labels, double weight = 1);
  void erase(const std::string& key);

 private:
  struct Counted {
    std::vector<std::string> labels;
    double weight = 0;
  };
  struct Series {
    component::metrics::Gauge* gauge = nullptr;  // past the family's bound: the one that all further ones share
    std::size_t objects = 0;
  };
  void take_out(const Counted& counted);
  component::metrics::GaugeVec& gauges_;
  std::map<std::string, Counted> counted_;
  std::map<std::vector<std::string>, Series> series_;
};

}  // namespace pintle::controller
