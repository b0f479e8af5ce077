#include "apiserver/custom/conversion_metrics.h"

#include <string>

namespace pintle::apiserver::custom {

namespace {

// Seconds, as upstream's.
constexpr double call_buckets[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60};
constexpr double conversion_buckets[] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};

std::string failure_type(const std::optional<ConversionFault>& fault) {
  if (!fault) return "";
  switch (*fault) {
    case ConversionFault::Call: return "conversion_webhook_call_failure";
    case ConversionFault::MalformedResponse: return "conversion_webhook_malformed_response_failure";
    case ConversionFault::PartialResponse: return "conversion_webhook_partial_response_failure";
    case ConversionFault::InvalidObject: return "conversion_webhook_invalid_converted_object_failure";
  }
  return "";
}

}  // namespace

ConversionMetrics::ConversionMetrics(component::metrics::Registry& registry)
    : call_durations_(registry,
                      {"apiserver_conversion_webhook_duration_seconds", "Seconds of calls to conversion webhooks", {"failure_type", "result"}},
                      call_buckets),
      calls_(registry, {"apiserver_conversion_webhook_request_total", "Calls to conversion webhooks", {"failure_type", "result"}}),
      conversion_durations_(registry,
                            {"apiserver_crd_conversion_webhook_duration_seconds",
                             "Seconds of conversions by the webhooks of definitions",
                             {"crd_name", "from_version", "succeeded", "to_version"}},
                            conversion_buckets) {}

void ConversionMetrics::called(const Call& call) {
  const double took_s = std::chrono::duration<double>(call.took).count();
  const std::string result = call.fault ? "failure" : "success", type = failure_type(call.fault);
  calls_.with({type, result}).add();
  call_durations_.with({type, result}).observe(took_s);
  conversion_durations_.with({std::string(call.definition), std::string(call.from), call.fault ? "false" : "true", std::string(call.to)})
      .observe(took_s);
}

}  // namespace pintle::apiserver::custom
