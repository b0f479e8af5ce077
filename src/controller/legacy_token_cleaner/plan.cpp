#include "controller/legacy_token_cleaner/plan.h"

#include <algorithm>

#include "apimachinery/identity/service_accounts.h"

namespace pintle::controller::legacy_token_cleaner {

using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

namespace {

constexpr int64_t day_seconds = 24 * 3600;

bool is_account_of(const Secret& secret, const ServiceAccount& account) {
  const std::string* uid = secret.metadata.annotations.get(apimachinery::account_uid_annotation);
  return uid == nullptr || uid->empty() || *uid == account.metadata.uid;
}

// The first day whose uses still count; days are compared as texts, as they are written.
std::string first_day(Period period) { return apimachinery::to_day(period.now - period.clean_up_seconds); }

}  // namespace

std::optional<bool> noted_long_enough(const api::core_v1::ConfigMap& map, Period period) {
  const std::string* since = map.data.get(apimachinery::token_tracking_key);
  const auto day = since != nullptr ? apimachinery::parse_day(*since) : std::nullopt;
  if (!day) return std::nullopt;
  return period.now >= *day + day_seconds + period.clean_up_seconds;  // from the end of that day on
}

bool is_unused(const Secret& secret, const ServiceAccount* account, Period period) {
  if (secret.metadata.deletion_timestamp || secret.type != apimachinery::token_secret_type) return false;
  if (secret.metadata.creation_timestamp.seconds >= period.now - period.clean_up_seconds) return false;
  if (const std::string* used = secret.metadata.labels.get(apimachinery::last_used_label))
    if (!apimachinery::parse_day(*used) || *used >= first_day(period)) return false;
  if (account == nullptr || !is_account_of(secret, *account)) return false;
  return std::ranges::any_of(account->secrets, [&](const auto& reference) { return reference.name == secret.metadata.name; });
}

Step next_step(const Secret& secret, Period period) {
  const std::string* since = secret.metadata.labels.get(apimachinery::invalid_since_label);
  if (since == nullptr || !apimachinery::parse_day(*since)) return Step::Mark;
  return *since >= first_day(period) ? Step::Wait : Step::Remove;
}

}  // namespace pintle::controller::legacy_token_cleaner
