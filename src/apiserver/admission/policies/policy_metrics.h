// What is counted of policies, under upstream's names.
#pragma once

#include <string>
#include <string_view>

#include "component/metrics.h"
#include "rt/clock.h"

namespace pintle::apiserver::admission::policies {

// Thread-safe.
class PolicyMetrics {
 public:
  explicit PolicyMetrics(component::metrics::Registry& registry);

  struct Check {
    const std::string& policy;
    const std::string& binding;
    bool failed = false;  // `message` says how
    std::string_view message;
    rt::Duration took{};
  };
  // `action`: allow, deny, audit, warn.
  void validated(const Check& check, std::string_view action);
  void mutated(const Check& check);

 private:
  component::metrics::CounterVec validations_;
  component::metrics::HistogramVec validation_durations_;
  component::metrics::CounterVec mutations_;
  component::metrics::HistogramVec mutation_durations_;
};

}  // namespace pintle::apiserver::admission::policies
