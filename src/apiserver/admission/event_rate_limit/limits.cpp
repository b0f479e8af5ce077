#include "apiserver/admission/event_rate_limit/limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/certificate/keys.h"

namespace pintle::apiserver::admission::event_rate_limit {
namespace {

constexpr std::string_view types[] = {"Server", "Namespace", "User", "SourceAndObject"};

}  // namespace

Result<Unit> check(const Configuration& configuration) {
  if (configuration.limits.empty()) return error(Reason::Invalid, "limits: must not be empty");
  for (std::size_t i = 0; i < configuration.limits.size(); ++i) {
    const auto& limit = configuration.limits[i];
    const auto wrong = [&](std::string_view why) { return error(Reason::Invalid, fmt::format("limits[{}].{}", i, why)); };
    if (std::ranges::find(types, limit.type) == std::end(types))
      return wrong(fmt::format("type: \"{}\" is none of {}", limit.type, fmt::join(types, ", ")));
    if (limit.burst <= 0) return wrong("burst: must be positive");
    if (limit.qps <= 0) return wrong("qps: must be positive");
    if (limit.type != "Server" && limit.cache_size < 0) return wrong("cacheSize: must not be negative");
  }
  return Unit{};
}

Limits::Limit::Limit(const rt::Clock& clock, api::eventratelimit_v1alpha1::Limit wanted)
    : clock_(clock),
      wanted_(std::move(wanted)),
      remembered_(wanted_.type == "Server" ? 1 : static_cast<std::size_t>(wanted_.cache_size == 0 ? remembered_default : wanted_.cache_size)) {}

std::string Limits::Limit::key_of(const Sender& sender) const {
  if (wanted_.type == "Namespace") return std::string(sender.ns);
  if (wanted_.type == "User") return std::string(sender.user);
  if (wanted_.type != "SourceAndObject" || sender.event == nullptr) return "";
  const auto& [source, object] = std::tie(sender.event->source, sender.event->involved_object);
  std::string key = source.component + source.host + object.kind + object.namespace_ + object.name + object.uid + object.api_version;
  if (key.size() > key_bytes_max) key = key.substr(0, key_bytes_max) + "..." + component::hex(component::hmac_sha256("event", key));
  return key;
}

bool Limits::Limit::take(const std::string& key) {
  ThreadLock lock(mutex_);
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
  } else {
    if (buckets_.size() == remembered_) {
      by_key_.erase(buckets_.back().key);
      buckets_.pop_back();
    }
    buckets_.emplace_front(key, clock_, wanted_.qps, wanted_.burst);
    by_key_[key] = buckets_.begin();
  }
  return buckets_.front().tokens.try_take();
}

Limits::Limits(const rt::Clock& clock, const Configuration& configuration) {
  for (const auto& wanted : configuration.limits) limits_.push_back(std::make_unique<Limit>(clock, wanted));
}

Result<Unit> Limits::take(const Sender& sender) {
  std::vector<std::string> reached;
  for (const auto& limit : limits_) {
    const std::string key = limit->key_of(sender);
    if (!limit->take(key)) reached.push_back(fmt::format("limit reached on type {} for key {}", limit->type(), key));
  }
  if (reached.empty()) return Unit{};
  const std::string all = reached.size() == 1 ? reached.front() : fmt::format("[{}]", fmt::join(reached, ", "));
  return error(Reason::TooManyRequests, "Too many requests: " + all);
}

}  // namespace pintle::apiserver::admission::event_rate_limit
