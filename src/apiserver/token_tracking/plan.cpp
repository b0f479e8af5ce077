#include "apiserver/token_tracking/plan.h"

#include "apimachinery/identity/service_accounts.h"

namespace pintle::apiserver::token_tracking {
namespace {

constexpr int64_t day_seconds = 24 * 3600;

}  // namespace

std::optional<std::string> day_to_note(const api::core_v1::Secret& secret, int64_t now) {
  std::string today = apimachinery::to_day(now);
  const std::string* said = secret.metadata.labels.get(apimachinery::last_used_label);
  if (said != nullptr && (*said == today || *said == apimachinery::to_day(now + day_seconds))) return std::nullopt;
  return today;
}

bool says_since(const api::core_v1::ConfigMap& map) {
  const std::string* since = map.data.get(apimachinery::token_tracking_key);
  return since != nullptr && apimachinery::parse_day(*since);
}

}  // namespace pintle::apiserver::token_tracking
