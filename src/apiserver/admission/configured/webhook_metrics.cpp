#include "apiserver/admission/configured/webhook_metrics.h"

#include <algorithm>
#include <string>

namespace pintle::apiserver::admission::configured {

namespace {

constexpr double duration_buckets[] = {0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25};  // seconds
constexpr int code_max = 600;                                                    // webhooks answer what they like

std::string type_of_call(const WebhookMetrics::Call& call) { return call.mutating ? "admit" : "validating"; }
std::string truth(bool value) { return value ? "true" : "false"; }
std::string code_of(const WebhookMetrics::Call& call) { return std::to_string(std::min(call.code, code_max)); }

}  // namespace

WebhookMetrics::WebhookMetrics(component::metrics::Registry& registry)
    : durations_(registry,
                 {"apiserver_admission_webhook_admission_duration_seconds",
                  "Seconds of calls to admission webhooks",
                  {"name", "type", "operation", "rejected"}},
                 duration_buckets),
      requests_(registry,
                {"apiserver_admission_webhook_request_total", "Calls to admission webhooks", {"name", "type", "operation", "code", "rejected"}}),
      rejections_(registry, {"apiserver_admission_webhook_rejection_count",
                             "Requests refused for an admission webhook",
                             {"name", "type", "operation", "error_type", "rejection_code"}}),
      fail_opens_(registry,
                  {"apiserver_admission_webhook_fail_open_count", "Requests let through though an admission webhook failed", {"name", "type"}}) {}

void WebhookMetrics::called(const Call& call) {
  const std::string webhook(call.webhook), operation(operation_name(call.operation));
  requests_.with({webhook, type_of_call(call), operation, code_of(call), truth(call.rejected)}).add();
  durations_.with({webhook, type_of_call(call), operation, truth(call.rejected)}).observe(std::chrono::duration<double>(call.took).count());
}

void WebhookMetrics::rejected(const Call& call, std::string_view error_type) {
  rejections_
      .with({std::string(call.webhook), type_of_call(call), std::string(operation_name(call.operation)), std::string(error_type), code_of(call)})
      .add();
}

void WebhookMetrics::failed_open(const Call& call) { fail_opens_.with({std::string(call.webhook), type_of_call(call)}).add(); }

}  // namespace pintle::apiserver::admission::configured
