#include "controller/serviceaccount_token/plan.h"

#include <algorithm>

#include "apimachinery/identity/service_accounts.h"

namespace pintle::controller::serviceaccount_token {

using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

namespace {

constexpr std::string_view ca_key = "ca.crt";
constexpr std::string_view namespace_key = "namespace";

std::string_view text_at(const FlatMap<std::string>& map, std::string_view key) {
  const std::string* value = map.get(key);
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

}  // namespace

bool AccountRef::is(const ServiceAccount& account) const { return account.metadata.name == name && (uid.empty() || account.metadata.uid == uid); }

AccountRef account_of(const Secret& secret) {
  const auto annotation = [&](std::string_view key) { return std::string(text_at(secret.metadata.annotations, key)); };
  return {annotation(apimachinery::account_name_annotation), annotation(apimachinery::account_uid_annotation)};
}

Plan plan_secret(const Secret& secret, const ServiceAccount* account, std::string_view root_ca_pem) {
  if (account == nullptr || !account_of(secret).is(*account)) return {.act = Act::Remove, .secret = {}, .claims = {}};
  const bool needs_ca = !root_ca_pem.empty() && text_at(secret.data, ca_key) != root_ca_pem;
  const bool needs_namespace = text_at(secret.data, namespace_key).empty();
  const bool needs_token = text_at(secret.data, token_key).empty();
  if (!needs_ca && !needs_namespace && !needs_token) return {};
  Plan plan{.act = needs_token ? Act::SignWrite : Act::Write, .secret = secret, .claims = {}};
  if (needs_ca) plan.secret.data[ca_key] = root_ca_pem;
  if (needs_namespace) plan.secret.data[namespace_key] = secret.metadata.namespace_;
  plan.secret.metadata.annotations[apimachinery::account_name_annotation] = account->metadata.name;
  plan.secret.metadata.annotations[apimachinery::account_uid_annotation] = account->metadata.uid;
  if (needs_token)
    plan.claims = apimachinery::to_value(
        apimachinery::SecretTokenClaims{account->metadata.namespace_, account->metadata.name, account->metadata.uid, secret.metadata.name});
  return plan;
}

std::optional<ServiceAccount> without_secret(const ServiceAccount& account, std::string_view secret) {
  ServiceAccount out = account;
  const auto named = std::ranges::remove_if(out.secrets, [&](const auto& reference) { return reference.name == secret; });
  if (named.empty()) return std::nullopt;
  out.secrets.erase(named.begin(), named.end());
  return out;
}

}  // namespace pintle::controller::serviceaccount_token
