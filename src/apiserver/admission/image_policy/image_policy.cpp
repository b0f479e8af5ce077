#include "api/codec.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/image_policy/review.h"
#include "base/check.h"
#include "client/kubeconfig.h"
#include "rt/sync.h"

namespace pintle::apiserver::admission {
namespace {

using namespace image_policy;
using api::core_v1::Pod;

constexpr int tries_max = 5;
constexpr double backoff_factor = 1.5;
constexpr rt::Duration ask_timeout = std::chrono::seconds(30);

// A webhook that was too busy, or failed itself, is asked again.
bool is_passing(const Status& failure) {
  return failure.reason == Reason::InternalError || failure.reason == Reason::TooManyRequests || failure.details.retry_after_seconds > 0;
}

class ImagePolicyWebhook : public AdmissionPlugin {
 public:
  ImagePolicyWebhook(rt::Runtime& runtime, ImagePolicySettings settings)
      : runtime_(runtime), settings_(std::move(settings)), answers_(settings_.allow_ttl, settings_.deny_ttl) {}
  std::string_view name() const override { return "ImagePolicyWebhook"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!is_pods(a) || (!a.subresource.empty() && a.subresource != "ephemeralcontainers") || a.object_as<Pod>() == nullptr) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override {
    if (auto answer = validate_now(a)) co_return std::move(*answer);
    Pod& pod = *a.object_as<Pod>();
    const ImageReview review = make_review(pod, !a.subresource.empty(), a.ns);
    std::string asked;
    api::encode_json(api::type_of<api::imagepolicy_v1alpha1::ImageReviewSpec>(), &review.spec, asked);
    auto status = answers_.find(asked, runtime_.clock().now());
    if (!status) {
      std::string body = R"({"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1","spec":)" + asked + "}";
      auto answered = co_await ask(ctx, std::move(body));
      if (!answered && settings_.default_allow) {
        annotate(a, "failed-open", "true");
        pod.metadata.annotations[failed_open_annotation] = "true";
        co_return Unit{};
      }
      if (!answered) co_return refuse(a, answered.error().message);
      answers_.keep(std::move(asked), *answered, runtime_.clock().now());
      status = std::move(*answered);
    }
    for (const auto& [key, value] : status->audit_annotations) annotate(a, key, value);
    if (const auto why = refusal(*status)) co_return refuse(a, *why);
    co_return Unit{};
  }

 private:
  static void annotate(const AdmissionAttributes& a, const std::string& key, const std::string& value) {
    if (a.audit_annotations) a.audit_annotations->add("imagepolicywebhook.image-policy.k8s.io/" + key, value);
  }
  // Answers are kept, connections are not.
  rt::Task<Result<ImageReviewStatus>> ask(rt::Context ctx, std::string body) {
    rt::Duration wait = settings_.retry_backoff;
    for (int tries = 1;; ++tries) {
      const rt::Context bounded = ctx.with_timeout(ask_timeout);
      auto answer = co_await ask_once(bounded, body);
      if (answer || tries == tries_max || !is_passing(answer.error())) co_return answer;
      CO_TRY(co_await rt::sleep_for(ctx, wait));
      wait = std::chrono::duration_cast<rt::Duration>(wait * backoff_factor);
    }
  }
  rt::Task<Result<ImageReviewStatus>> ask_once(rt::Context ctx, std::string body) {
    client::ConnectionConfig connection = *settings_.connection;
    std::string path = "/";
    const auto scheme = connection.client.server.find("://");
    if (const auto slash = connection.client.server.find('/', scheme == std::string::npos ? 0 : scheme + 3); slash != std::string::npos) {
      path = connection.client.server.substr(slash);
      connection.client.server.resize(slash);
    }
    path += "?timeout=30s";
    CO_TRY_ASSIGN(const std::unique_ptr<client::Client> webhook, client::connect(runtime_, std::move(connection)));
    auto answer = co_await webhook->ask_json(std::move(ctx), "POST", std::move(path), std::move(body), "application/json");
    co_await webhook->close();
    if (!answer) co_return Unexpected(std::move(answer).error());
    ImageReview review;
    CO_TRY(api::decode_value(*answer, api::type_of<ImageReview>(), &review));
    co_return std::move(review.status);
  }

  rt::Runtime& runtime_;
  const ImagePolicySettings settings_;
  Answers answers_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_image_policy_webhook(const AdmissionDeps& deps) {
  CHECK(deps.runtime && deps.settings && deps.settings->image_policy, "check_admission_config() asks for the webhook");
  return std::make_unique<ImagePolicyWebhook>(*deps.runtime, *deps.settings->image_policy);
}

}  // namespace pintle::apiserver::admission
