#include "controller/framework/families.h"

#include "base/check.h"

namespace pintle::controller {

namespace metrics = component::metrics;

template <class Vec>
Vec& Families::family(metrics::Description description, std::span<const double> bounds) {
  ThreadLock lock(mutex_);
  auto& slot = families_[description.name];
  if (!slot) slot = std::make_unique<Vec>(registry_, description, bounds);
  auto* there = dynamic_cast<Vec*>(slot.get());
  CHECK(there != nullptr, description.name);
  return *there;
}

metrics::CounterVec& Families::counters(std::string_view name, std::string_view help, Labels labels) {
  return family<metrics::CounterVec>({name, help, std::move(labels)});
}
metrics::GaugeVec& Families::gauges(std::string_view name, std::string_view help, Labels labels) {
  return family<metrics::GaugeVec>({name, help, std::move(labels)});
}
metrics::HistogramVec& Families::histograms(std::string_view name, std::string_view help, std::span<const double> bounds, Labels labels) {
  return family<metrics::HistogramVec>({name, help, std::move(labels)}, bounds);
}

Tally::~Tally() {
  for (const auto& [key, counted] : counted_) take_out(counted);
}

void Tally::put(const std::string& key, std::vector<std::string> labels, double weight) {
  const auto [it, fresh] = counted_.try_emplace(key);
  const Counted before = it->second;
  it->second = {std::move(labels), weight};
  Series& series = series_[it->second.labels];
  if (series.gauge == nullptr) series.gauge = &gauges_.with(it->second.labels);
  series.gauge->add(weight);
  ++series.objects;
  if (!fresh) take_out(before);
}

void Tally::erase(const std::string& key) {
  const auto it = counted_.find(key);
  if (it == counted_.end()) return;
  take_out(it->second);
  counted_.erase(it);
}

void Tally::take_out(const Counted& counted) {
  const auto series = series_.find(counted.labels);
  series->second.gauge->add(-counted.weight);
  if (--series->second.objects > 0) return;
  series_.erase(series);
  if (!counted.labels.empty()) gauges_.remove(counted.labels);
}

}  // namespace pintle::controller
