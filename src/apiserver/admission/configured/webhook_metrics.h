// What is counted of the calls to admission webhooks, under upstream's names.
#pragma once

#include <string_view>

#include "apiserver/admission/admission.h"
#include "component/metrics.h"

namespace pintle::apiserver::admission::configured {

// Thread-safe.
class WebhookMetrics {
 public:
  explicit WebhookMetrics(component::metrics::Registry& registry);

  struct Call {
    std::string_view webhook;
    bool mutating = false;
    Operation operation = Operation::Create;
    bool rejected = false;
    int code = 200;
    rt::Duration took{};
  };
  void called(const Call& call);
  // `error_type`: calling_webhook_error, apiserver_internal_error or no_error.
  void rejected(const Call& call, std::string_view error_type);
  void failed_open(const Call& call);

 private:
  component::metrics::HistogramVec durations_;
  component::metrics::CounterVec requests_;
  component::metrics::CounterVec rejections_;
  component::metrics::CounterVec fail_opens_;
};

}  // namespace pintle::apiserver::admission::configured
