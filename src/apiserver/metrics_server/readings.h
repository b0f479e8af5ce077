// Readings: the samples of every node, as requests find them, and whether anybody asks for them. Shared by whoever scrapes and the requests;
// thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/metrics_server/node_samples.h"
#include "base/mutex.h"
#include "rt/clock.h"

namespace pintle::apiserver::metrics_server {

// What is served.
inline constexpr std::string_view group = "metrics.k8s.io", version = "v1beta1";

// Metrics that nobody has asked for in this time are looked at less often.
constexpr rt::Duration asked_recently = std::chrono::minutes(5);

class Readings {
 public:
  using SamplesPtr = std::shared_ptr<const NodeSamples>;

  // `wanted` is called, on some executor, when somebody asks for the first time in a while. Must not block.
  Readings(const rt::Clock& clock, std::function<void()> wanted) : clock_(clock), wanted_(std::move(wanted)) {}

  // From now on, until `until`: a node that is not heard of again is told of no more.
  void set(const std::string& node, SamplesPtr samples, rt::TimePoint until) EXCLUDES(mutex_);
  void remove(const std::string& node) EXCLUDES(mutex_);
  // What is held, however old; nullptr: nothing.
  SamplesPtr held(std::string_view node) const EXCLUDES(mutex_);
  // The same for a request.
  SamplesPtr present(std::string_view node) const EXCLUDES(mutex_);

  void note_asked();
  bool asked_lately() const;

  struct Totals {
    std::size_t nodes = 0, containers = 0, bytes = 0;
  };
  Totals totals() const EXCLUDES(mutex_);

 private:
  struct Reading {
    SamplesPtr samples;
    rt::TimePoint until;
  };
  const rt::Clock& clock_;
  const std::function<void()> wanted_;
  mutable SharedThreadMutex mutex_;
  std::map<std::string, Reading, std::less<>> nodes_ GUARDED_BY(mutex_);
  std::atomic<rt::Duration::rep> asked_at_ = rt::Duration::min().count();  // of the clock's now()
};

}  // namespace pintle::apiserver::metrics_server
