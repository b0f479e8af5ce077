// What is counted of the calls to conversion webhooks, under upstream's names.
#pragma once

#include <optional>
#include <string_view>

#include "component/metrics.h"
#include "rt/clock.h"

namespace pintle::apiserver::custom {

// What was wrong with a call.
enum class ConversionFault : uint8_t { Call, MalformedResponse, PartialResponse, InvalidObject };

// Thread-safe.
class ConversionMetrics {
 public:
  explicit ConversionMetrics(component::metrics::Registry& registry);

  struct Call {
    std::string_view definition;  // "hosts.example.com"
    std::string_view from, to;    // versions: "v1"
    std::optional<ConversionFault> fault = {};
    rt::Duration took{};
  };
  void called(const Call& call);

 private:
  component::metrics::HistogramVec call_durations_;
  component::metrics::CounterVec calls_;
  component::metrics::HistogramVec conversion_durations_;
};

}  // namespace pintle::apiserver::custom
