// Pleg: whether the runtime still lists its pods. Workers look at their own pods when events tell them to; once a minute everything is
// listed, so that a runtime that hangs is noticed (and told in the node's condition and in /healthz, in upstream's words) and so that an
// event that was lost costs a minute at most. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "component/metrics.h"
#include "kubelet/types/pod_state.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::runtime {

constexpr rt::Duration relist_every = std::chrono::minutes(1);
constexpr rt::Duration relist_retry = std::chrono::seconds(5);
constexpr rt::Duration relist_time_max = std::chrono::minutes(2);        // one list
constexpr rt::Duration pleg_silence_max = std::chrono::minutes(3);       // upstream's threshold: then the node is not ready
constexpr rt::Duration sync_loop_silence_max = std::chrono::minutes(5);  // and this long after it /healthz fails

struct PlegDeps {
  rt::Runtime& runtime;
  std::function<rt::Task<Result<std::map<std::string, PodState>>>(rt::Context ctx)> list;
  std::function<void(const std::map<std::string, PodState>& all)> seen;
  std::function<void()> health_changed;
};

class Pleg {
 public:
  explicit Pleg(PlegDeps deps);
  void start();
  rt::Task<void> stop() { co_await tasks_.close(); }

  // "PLEG is not healthy: pleg was last seen active 3m5s ago; threshold is 3m0s"; "": it is.
  std::string unhealthy() const;
  // It has been so for long: /healthz says so.
  bool hung() const { return silence() > pleg_silence_max + sync_loop_silence_max; }
  void write_metrics(std::string& out) const;

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> watch(rt::Context ctx);
  rt::Duration silence() const;

  PlegDeps deps_;
  rt::TimePoint started_{};
  std::optional<rt::TimePoint> seen_at_;  // the list that came began then
  rt::WallTime seen_wall_{};
  component::metrics::Registry registry_;
  component::metrics::HistogramVec durations_;
  component::metrics::HistogramVec intervals_;
  rt::TaskGroup tasks_;
};

// The pods whose containers or sandboxes are not, or not in the phase, that `known` has them in. Pure.
bool differs(const PodState& known, const PodState& seen);

}  // namespace pintle::kubelet::runtime
