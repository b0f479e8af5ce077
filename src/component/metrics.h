// Metrics in Prometheus' text form under upstream's names. A family is made once (usually a member of the component
// that counts), and hands out one series for each set of label values. Recording takes no lock; finding a series by its
// labels does, so hot paths keep the reference. Every family has a bound on its series.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace pintle::component::metrics {

// Series of one family; further label sets share one series whose label values are all "overflow".
constexpr std::size_t series_max = 4096;

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  // `bounds` ascending and outliving the histogram; +Inf is implied.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds.size() + 1)) {}
  void observe(double value);
  std::span<const double> bounds() const { return bounds_; }
  uint64_t bucket(std::size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_ = 0;
};

class Family {
 public:
  virtual ~Family() = default;
  virtual void write(std::string& out) const = 0;
};

// Collects families; write() gives the page of /metrics.
class Registry {
 public:
  void add(const Family* family);
  void remove(const Family* family);
  // Called at each write(), appends whole families computed on the spot (object counts, process figures).
  void add_callback(std::function<void(std::string&)> callback);
  std::string write() const;

 private:
  mutable ThreadMutex mutex_;
  std::vector<const Family*> families_ GUARDED_BY(mutex_);
  std::vector<std::function<void(std::string&)>> callbacks_ GUARDED_BY(mutex_);
};

struct Description {
  std::string_view name;
  std::string_view help;
  std::vector<std::string_view> labels;
};

// Appends "# HELP" and "# TYPE"; then one sample line each. For callbacks.
void write_head(std::string& out, std::string_view name, std::string_view help, std::string_view type);
void write_sample(std::string& out, std::string_view name, std::span<const std::string_view> labels, std::span<const std::string> values,
                  double value);

template <class Series>
class Vec : public Family {
 public:
  Vec(Registry& registry, Description description, std::span<const double> bounds = {})
      : registry_(registry), description_(std::move(description)), bounds_(bounds) {
    registry_.add(this);
  }
  ~Vec() override { registry_.remove(this); }
  // The series of these label values, in the order of the description's labels. Stays valid as long as the family.
  Series& with(std::vector<std::string> values);
  // Takes the series of what is no more off the page; nobody may hold it.
  void remove(const std::vector<std::string>& values);
  void write(std::string& out) const override;

 private:
  Registry& registry_;
  Description description_;
  std::span<const double> bounds_;
  mutable ThreadMutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Series>> series_ GUARDED_BY(mutex_);
};

using CounterVec = Vec<Counter>;
using GaugeVec = Vec<Gauge>;
using HistogramVec = Vec<Histogram>;

// process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_start_time_seconds, pintle_heap_bytes.
void write_process_metrics(std::string& out);

}  // namespace pintle::component::metrics
