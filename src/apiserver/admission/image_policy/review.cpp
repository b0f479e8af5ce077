#include "apiserver/admission/image_policy/review.h"

#include <fmt/format.h>

#include <algorithm>

namespace pintle::apiserver::admission::image_policy {
namespace {

// A duration of the settings: a number of `unit`s; 0: the default; -1: none.
struct Range {
  std::string_view field;
  rt::Duration unit;
  rt::Duration least;
  rt::Duration most;
};
constexpr Range allow_range{"allowTTL", std::chrono::seconds(1), std::chrono::seconds(1), std::chrono::minutes(30)};
constexpr Range deny_range{"denyTTL", std::chrono::seconds(1), std::chrono::seconds(1), std::chrono::minutes(30)};
constexpr Range backoff_range{"retryBackoff", std::chrono::milliseconds(1), std::chrono::milliseconds(1), std::chrono::minutes(5)};

Result<Unit> take_duration(const codec::Value& settings, const Range& range, rt::Duration& into) {
  const codec::Value* value = settings.find(range.field);
  if (value == nullptr) return Unit{};
  if (!value->is_int()) return error(Reason::Invalid, fmt::format("imagePolicy.{}: not a number", range.field));
  const int64_t count = value->as_int();
  if (count == 0) return Unit{};
  if (count == -1) {
    into = {};
    return Unit{};
  }
  if (count < range.least / range.unit || count > range.most / range.unit)
    return error(Reason::Invalid,
                 fmt::format("imagePolicy.{}: {} is not between {} and {}", range.field, count, range.least / range.unit, range.most / range.unit));
  into = count * range.unit;
  return Unit{};
}

}  // namespace

Result<ImagePolicySettings> parse_settings(const codec::Value& document) {
  ImagePolicySettings out;
  const codec::Value* settings = document.find("imagePolicy");
  if (settings == nullptr || !settings->is_object()) return error(Reason::Invalid, "imagePolicy: must be there, an object");
  constexpr std::string_view fields[] = {"kubeConfigFile", "allowTTL", "denyTTL", "retryBackoff", "defaultAllow"};
  for (const auto& [field, value] : settings->as_object())
    if (std::ranges::find(fields, field) == std::end(fields)) return error(Reason::Invalid, fmt::format("unknown field \"imagePolicy.{}\"", field));
  out.kubeconfig_file = settings->string_at("kubeConfigFile");
  if (out.kubeconfig_file.empty()) return error(Reason::Invalid, "imagePolicy.kubeConfigFile: must name the file that says where the webhook is");
  TRY(take_duration(*settings, allow_range, out.allow_ttl));
  TRY(take_duration(*settings, deny_range, out.deny_ttl));
  TRY(take_duration(*settings, backoff_range, out.retry_backoff));
  if (const codec::Value* allow = settings->find("defaultAllow")) {
    if (!allow->is_bool()) return error(Reason::Invalid, "imagePolicy.defaultAllow: neither true nor false");
    out.default_allow = allow->as_bool();
  }
  return out;
}

ImageReview make_review(const api::core_v1::Pod& pod, bool ephemeral, std::string_view ns) {
  ImageReview out;
  const auto add = [&](const auto& containers) {
    for (const auto& container : containers) out.spec.containers.emplace_back().image = container.image;
  };
  if (ephemeral) {
    add(pod.spec.ephemeral_containers);
  } else {
    add(pod.spec.containers);
    add(pod.spec.init_containers);
  }
  for (const auto& [key, value] : pod.metadata.annotations)
    if (key.find(".image-policy.k8s.io/") != std::string::npos) out.spec.annotations[key] = value;
  out.spec.namespace_ = ns;
  return out;
}

std::optional<std::string> refusal(const ImageReviewStatus& status) {
  if (status.allowed) return std::nullopt;
  if (status.reason.empty()) return "one or more images rejected by webhook backend";
  return "image policy webhook backend denied one or more images: " + status.reason;
}

std::optional<ImageReviewStatus> Answers::find(const std::string& asked, rt::TimePoint now) {
  ThreadLock lock(mutex_);
  const auto known = by_question_.find(asked);
  if (known == by_question_.end()) return std::nullopt;
  if (known->second->until <= now) {
    forget(known->second);
    return std::nullopt;
  }
  answers_.splice(answers_.begin(), answers_, known->second);
  return answers_.front().status;
}

void Answers::keep(std::string asked, ImageReviewStatus status, rt::TimePoint now) {
  const rt::Duration ttl = status.allowed ? allow_ttl_ : deny_ttl_;
  if (ttl <= rt::Duration::zero()) return;
  Answer answer{std::move(asked), std::move(status), now + ttl};
  const std::size_t bytes = bytes_of(answer);
  ThreadLock lock(mutex_);
  if (const auto known = by_question_.find(answer.asked); known != by_question_.end()) forget(known->second);
  if (bytes > answers_bytes_max) return;
  while (answers_.size() == answers_max || bytes_ + bytes > answers_bytes_max) forget(std::prev(answers_.end()));
  answers_.push_front(std::move(answer));
  by_question_[answers_.front().asked] = answers_.begin();
  bytes_ += bytes;
}

std::size_t Answers::bytes_of(const Answer& answer) {
  std::size_t bytes = answer.asked.size() + answer.status.reason.size();
  for (const auto& [key, value] : answer.status.audit_annotations) bytes += key.size() + value.size();
  return bytes;
}

void Answers::forget(std::list<Answer>::iterator answer) {
  bytes_ -= bytes_of(*answer);
  by_question_.erase(answer->asked);
  answers_.erase(answer);
}

}  // namespace pintle::apiserver::admission::image_policy
