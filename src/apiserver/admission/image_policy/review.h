// What the webhook of ImagePolicyWebhook is asked, what its settings mean, and for how long its answers count.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/gen/core_v1.h"
#include "api/gen/imagepolicy_v1alpha1.h"
#include "apiserver/admission/settings.h"
#include "base/mutex.h"
#include "base/status.h"
#include "codec/value.h"
#include "rt/clock.h"

namespace pintle::apiserver::admission::image_policy {

using api::imagepolicy_v1alpha1::ImageReview;
using api::imagepolicy_v1alpha1::ImageReviewStatus;

inline constexpr std::size_t answers_max = 1024;           // kept; the one that was used longest ago goes
inline constexpr std::size_t answers_bytes_max = 4 << 20;  // of questions and answers together
inline constexpr std::string_view failed_open_annotation = "alpha.image-policy.k8s.io/failed-open";

// Of the object `imagePolicy` of the settings; the kubeconfig is not read here. Invalid with one line.
Result<ImagePolicySettings> parse_settings(const codec::Value& document);

// The images of a pod, or those of its ephemeral containers, and its annotations that are the webhook's business.
ImageReview make_review(const api::core_v1::Pod& pod, bool ephemeral, std::string_view ns);
// Why the pod is refused; nullopt: it is allowed.
std::optional<std::string> refusal(const ImageReviewStatus& status);

// Answers by what was asked. Thread-safe.
class Answers {
 public:
  Answers(rt::Duration allow_ttl, rt::Duration deny_ttl) : allow_ttl_(allow_ttl), deny_ttl_(deny_ttl) {}
  std::optional<ImageReviewStatus> find(const std::string& asked, rt::TimePoint now);
  void keep(std::string asked, ImageReviewStatus status, rt::TimePoint now);

 private:
  struct Answer {
    std::string asked;
    ImageReviewStatus status;
    rt::TimePoint until;
  };
  static std::size_t bytes_of(const Answer& answer);
  void forget(std::list<Answer>::iterator answer) REQUIRES(mutex_);

  const rt::Duration allow_ttl_, deny_ttl_;
  ThreadMutex mutex_;
  std::list<Answer> answers_ GUARDED_BY(mutex_);  // the last used first
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::list<Answer>::iterator> by_question_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::admission::image_policy
