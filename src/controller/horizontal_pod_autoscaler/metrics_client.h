// Reads the metrics APIs, whoever serves them: metrics.k8s.io (use of resources by pods), custom.metrics.k8s.io (figures of pods and other
// objects; v1beta2, or v1beta1 where it is preferred or alone) and external.metrics.k8s.io. An error's message says which and why, in the
// words that users of autoscalers know.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/gen/autoscaling_v2.h"
#include "apimachinery/selectors/label_selector.h"
#include "controller/horizontal_pod_autoscaler/kinds.h"
#include "controller/horizontal_pod_autoscaler/samples.h"

namespace pintle::controller::horizontal_pod_autoscaler {

class MetricsClient {
 public:
  static constexpr rt::Duration version_age_max = std::chrono::seconds(15);  // of what is known of custom.metrics.k8s.io

  MetricsClient(client::Client& client, Kinds& kinds) : client_(client), kinds_(kinds) {}
  // Of the pods of the namespace that `pods` picks.
  rt::Task<Result<std::vector<PodUsage>>> pod_usage(rt::Context ctx, std::string namespace_name, apimachinery::LabelSelector pods);
  rt::Task<Result<PodSamples>> pods_metric(rt::Context ctx, std::string namespace_name, apimachinery::LabelSelector pods,
                                           api::autoscaling_v2::MetricIdentifier metric);
  // In thousandths. A Namespace is the autoscaler's own, whatever name it is given.
  rt::Task<Result<int64_t>> object_metric(rt::Context ctx, std::string namespace_name, api::autoscaling_v2::CrossVersionObjectReference object,
                                          api::autoscaling_v2::MetricIdentifier metric);
  // Of every series.
  rt::Task<Result<std::vector<int64_t>>> external_metric(rt::Context ctx, std::string namespace_name, api::autoscaling_v2::MetricIdentifier metric);

 private:
  struct Question {
    std::string path;
    std::vector<std::pair<std::string_view, std::string>> query;  // empty values are left out
    std::string subject;                                          // "pods.metrics.k8s.io": for the message, where the server says nothing
  };
  rt::Task<Result<codec::Value>> ask(rt::Context ctx, Question question);
  // The path is below the API's version.
  rt::Task<Result<std::vector<MetricValue>>> ask_custom(rt::Context ctx, Question question);
  rt::Task<Result<std::string>> custom_version(rt::Context ctx);
  rt::Task<Result<Question>> question_about(rt::Context ctx, std::string namespace_name, api::autoscaling_v2::CrossVersionObjectReference object,
                                            std::string metric);

  client::Client& client_;
  Kinds& kinds_;
  std::string custom_version_;
  std::optional<rt::TimePoint> custom_version_asked_;
};

}  // namespace pintle::controller::horizontal_pod_autoscaler
