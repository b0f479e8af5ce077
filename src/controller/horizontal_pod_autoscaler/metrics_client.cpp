#include "controller/horizontal_pod_autoscaler/metrics_client.h"

#include <algorithm>

#include "base/strings.h"
#include "client/answers.h"
#include "net/url.h"
#include "rules/owner_references.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

using api::autoscaling_v2::CrossVersionObjectReference;
using api::autoscaling_v2::MetricIdentifier;
using apimachinery::LabelSelector;

constexpr std::string_view custom_group = "custom.metrics.k8s.io";
constexpr std::string_view external_group = "external.metrics.k8s.io";
constexpr std::string_view known_versions[] = {"v1beta2", "v1beta1"};

Unexpected<Status> cannot_fetch(std::string_view api, const Status& why) {
  return error(why.reason, "unable to fetch metrics from " + std::string(api) + " metrics API: " + why.message);
}
Unexpected<Status> none_returned(std::string_view api) {
  return error(Reason::NotFound, "no metrics returned from " + std::string(api) + " metrics API");
}

// The label selector of a metric's series.
Result<std::string> series_of(const MetricIdentifier& metric) {
  TRY_ASSIGN(const LabelSelector selector, apimachinery::to_label_selector(metric.selector.get()));
  return selector.to_string();
}

// The version of the group that is asked: the preferred one, if it is known here, else the first that is.
std::string chosen_version(const codec::Value& group) {
  if (const codec::Value* preferred = group.find("preferredVersion");
      preferred != nullptr && contains(known_versions, preferred->string_at("version")))
    return std::string(preferred->string_at("version"));
  const codec::Value* versions = group.find("versions");
  if (versions == nullptr || !versions->is_array()) return "";
  for (const codec::Value& version : versions->as_array())
    if (contains(known_versions, version.string_at("version"))) return std::string(version.string_at("version"));
  return "";
}

std::string below_namespace(std::string_view namespace_name) { return "/namespaces/" + net::percent_encode(namespace_name) + "/"; }

}  // namespace

rt::Task<Result<codec::Value>> MetricsClient::ask(rt::Context ctx, Question question) {
  std::string path = std::move(question.path);
  char mark = '?';
  for (const auto& [name, value] : question.query)
    if (!value.empty()) path.append(1, std::exchange(mark, '&')).append(name).append("=").append(net::percent_encode(value));
  auto answer = co_await client_.ask_json(std::move(ctx), "GET", std::move(path), "", "");
  if (answer) co_return std::move(answer);
  Status failure = std::move(answer).error();
  // What was no Status of the server does not say whom it is about.
  const bool bare = std::ranges::any_of(failure.details.causes, [](const StatusCause& cause) { return cause.type == client::bare_answer_cause; });
  if (bare) failure.message += " (get " + question.subject + ")";
  co_return Unexpected(std::move(failure));
}

rt::Task<Result<std::vector<PodUsage>>> MetricsClient::pod_usage(rt::Context ctx, std::string namespace_name, LabelSelector pods) {
  constexpr std::string_view api = "resource";
  Question question;
  question.path = "/apis/metrics.k8s.io/v1beta1" + below_namespace(namespace_name) + "pods";
  question.query.emplace_back("labelSelector", pods.to_string());
  question.subject = "pods.metrics.k8s.io";
  auto answer = co_await ask(std::move(ctx), std::move(question));
  if (!answer) co_return cannot_fetch(api, answer.error());
  auto usage = read_pod_usage(*answer);
  if (!usage) co_return cannot_fetch(api, usage.error());
  if (usage->empty()) co_return none_returned(api);
  co_return std::move(usage);
}

rt::Task<Result<std::string>> MetricsClient::custom_version(rt::Context ctx) {
  const rt::TimePoint now = client_.runtime().clock().now();
  if (custom_version_asked_ && now - *custom_version_asked_ < version_age_max) co_return custom_version_;
  auto group = co_await client_.ask_json(std::move(ctx), "GET", "/apis/" + std::string(custom_group), "", "");
  if (!group && group.error().reason == Reason::NotFound)
    co_return error(Reason::NotFound, "no custom metrics API (" + std::string(custom_group) + ") registered");
  if (!group) co_return Unexpected(std::move(group).error());
  std::string version = chosen_version(*group);
  if (version.empty()) co_return error(Reason::NotFound, "no known available metric versions found");
  custom_version_ = version;
  custom_version_asked_ = now;
  co_return version;
}

rt::Task<Result<std::vector<MetricValue>>> MetricsClient::ask_custom(rt::Context ctx, Question question) {
  CO_TRY_ASSIGN(const std::string version, co_await custom_version(ctx));
  question.path.insert(0, "/apis/" + std::string(custom_group) + "/" + version);
  question.subject = std::string(question.subject).insert(question.subject.find(' '), "." + std::string(custom_group));
  CO_TRY_ASSIGN(const codec::Value answer, co_await ask(std::move(ctx), std::move(question)));
  co_return read_metric_values(answer);
}

rt::Task<Result<PodSamples>> MetricsClient::pods_metric(rt::Context ctx, std::string namespace_name, LabelSelector pods, MetricIdentifier metric) {
  constexpr std::string_view api = "custom";
  CO_TRY_ASSIGN(std::string series, series_of(metric));
  Question question;
  question.path = below_namespace(namespace_name) + "pods/*/" + net::percent_encode(metric.name);
  question.query.emplace_back("labelSelector", pods.to_string());
  question.query.emplace_back("metricLabelSelector", std::move(series));
  question.subject = "pods *";
  auto values = co_await ask_custom(std::move(ctx), std::move(question));
  if (!values) co_return cannot_fetch(api, values.error());
  if (values->empty()) co_return none_returned(api);
  co_return pod_samples(*values);
}

rt::Task<Result<MetricsClient::Question>> MetricsClient::question_about(rt::Context ctx, std::string namespace_name,
                                                                        CrossVersionObjectReference object, std::string metric) {
  Question question;
  const std::string group(rules::group_of(object.api_version));
  if (group.empty() && object.kind == "Namespace") {
    question.path = below_namespace(namespace_name) + "metrics/" + net::percent_encode(metric);
    question.subject = "metrics " + metric;
    co_return std::move(question);
  }
  auto resource = co_await kinds_.find(std::move(ctx), group, object.kind);
  if (!resource) {
    const std::string name = group.empty() ? object.kind : object.kind + "." + group;
    co_return error(resource.error().reason, "unable to map kind " + name + " to resource: " + resource.error().message);
  }
  const std::string resource_name = resource->group_resource();
  question.path = below_namespace(namespace_name) + resource_name + "/" + net::percent_encode(object.name) + "/" + net::percent_encode(metric);
  question.subject = resource_name + " " + object.name;
  co_return std::move(question);
}

rt::Task<Result<int64_t>> MetricsClient::object_metric(rt::Context ctx, std::string namespace_name, CrossVersionObjectReference object,
                                                       MetricIdentifier metric) {
  constexpr std::string_view api = "custom";
  CO_TRY_ASSIGN(std::string series, series_of(metric));
  auto question = co_await question_about(ctx, std::move(namespace_name), std::move(object), std::move(metric.name));
  if (!question) co_return cannot_fetch(api, question.error());
  question->query.emplace_back("metricLabelSelector", std::move(series));
  auto values = co_await ask_custom(std::move(ctx), std::move(*question));
  if (!values) co_return cannot_fetch(api, values.error());
  if (values->size() != 1) {
    const Status odd{Reason::InternalError,
                     0,
                     "the custom metrics API server returned " + std::to_string(values->size()) + " results when we asked for exactly one",
                     {}};
    co_return cannot_fetch(api, odd);
  }
  co_return values->front().milli;
}

rt::Task<Result<std::vector<int64_t>>> MetricsClient::external_metric(rt::Context ctx, std::string namespace_name, MetricIdentifier metric) {
  constexpr std::string_view api = "external";
  CO_TRY_ASSIGN(std::string series, series_of(metric));
  Question question;
  question.path = "/apis/" + std::string(external_group) + "/v1beta1" + below_namespace(namespace_name) + net::percent_encode(metric.name);
  question.query.emplace_back("labelSelector", std::move(series));
  question.subject = metric.name + "." + std::string(external_group);
  auto answer = co_await ask(std::move(ctx), std::move(question));
  if (!answer) co_return cannot_fetch(api, answer.error());
  auto values = read_metric_values(*answer);
  if (!values) co_return cannot_fetch(api, values.error());
  if (values->empty()) co_return none_returned(api);
  std::vector<int64_t> out;
  out.reserve(values->size());
  for (const MetricValue& value : *values) out.push_back(value.milli);
  co_return std::move(out);
}

}  // namespace pintle::controller::horizontal_pod_autoscaler
