#include "apiserver/token_tracking/token_tracking.h"

#include "apimachinery/identity/service_accounts.h"
#include "apiserver/bootstrap/registry_writer.h"
#include "apiserver/token_tracking/plan.h"
#include "base/check.h"
#include "component/log.h"

namespace pintle::apiserver::token_tracking {
namespace {

using api::core_v1::ConfigMap;
using api::core_v1::Secret;
using authentication::service_account::SecretTokenUse;

const GroupResource& secrets() {
  static const GroupResource resource{"", "secrets"};
  return resource;
}
const GroupResource& maps() {
  static const GroupResource resource{"", "configmaps"};
  return resource;
}

bool is_tracking_map(const storage::CachedObject& object) {
  return object.header().name == apimachinery::token_tracking_name && object.header().ns == apimachinery::token_tracking_namespace;
}

}  // namespace

TokenTracking::TokenTracking(rt::Runtime& runtime, registry::InstalledRegistry& registry, component::metrics::Registry& metrics)
    : runtime_(runtime),
      registry_(registry),
      uses_(metrics, {"serviceaccount_legacy_tokens_total", "Uses of service account tokens kept in Secrets", {}}),
      manual_uses_(metrics, {"serviceaccount_legacy_manual_token_uses_total", "Uses of tokens in Secrets that somebody asked for", {}}),
      automatic_uses_(metrics, {"serviceaccount_legacy_auto_token_uses_total", "Uses of tokens in Secrets that their account lists", {}}),
      refused_uses_(metrics, {"serviceaccount_invalid_legacy_auto_token_uses_total", "Uses of tokens in Secrets that are marked invalid", {}}) {}

int64_t TokenTracking::now_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(runtime_.clock().wall_now().time_since_epoch()).count();
}

void TokenTracking::used(SecretTokenUse use, const Secret& secret) {
  switch (use) {
    case SecretTokenUse::Manual: manual_uses_.with({}).add(); break;
    case SecretTokenUse::Automatic: automatic_uses_.with({}).add(); break;
    case SecretTokenUse::Refused: refused_uses_.with({}).add(); break;
  }
  if (use != SecretTokenUse::Refused) uses_.with({}).add();
  if (day_to_note(secret, now_seconds())) changes_->add(secret.metadata.namespace_ + "/" + secret.metadata.name);
}

void TokenTracking::start() {
  registry_.reader().subscribe(maps(), [changes = changes_](const storage::CacheEvent& event) {
    if (event.object && is_tracking_map(*event.object)) changes->add("");
  });
  changes_->add("");
  registry::ChangedNames::Look look = [this, ctx = loops_.start()](const std::string& name) { return look_at(ctx, name); };
  loops_.follow(*changes_, std::move(look), {"The use of a token could not be noted, which is tried again", "secret"});
}

rt::Task<Result<Unit>> TokenTracking::look_at(rt::Context ctx, std::string name) {
  if (name.empty()) co_return co_await keep_map(std::move(ctx));
  const auto slash = name.find('/');
  co_return co_await note_day(std::move(ctx), name.substr(0, slash), name.substr(slash + 1));
}

// Whichever Secret has that name now: one made in the meantime is noted a use that it did not have, and no harm done.
rt::Task<Result<Unit>> TokenTracking::note_day(rt::Context ctx, std::string ns, std::string name) {
  const Mutation mutation = [now = now_seconds()](api::Object& object) -> Result<Unit> {
    Secret& secret = object.as<Secret>();
    if (secret.type != apimachinery::token_secret_type) return Unit{};
    if (auto day = day_to_note(secret, now)) secret.metadata.labels[apimachinery::last_used_label] = std::move(*day);
    return Unit{};
  };
  RequestScope scope = registry_.own_scope(std::move(ctx));
  auto written = co_await registry_.update(scope, secrets(), std::move(ns), std::move(name), "", mutation);
  if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written.error()));
  co_return Unit{};
}

rt::Task<void> TokenTracking::look_again(rt::Context ctx, rt::Duration wait) {
  auto slept = co_await rt::sleep_for(std::move(ctx), wait);
  if (slept) changes_->add("");
}

rt::Task<Result<Unit>> TokenTracking::keep_map(rt::Context ctx) {
  const std::string ns(apimachinery::token_tracking_namespace), name(apimachinery::token_tracking_name);
  const int64_t now = now_seconds();
  const auto found = registry_.reader().get(maps(), ns, name);
  if (found) {
    if (says_since(found->as<ConfigMap>())) co_return Unit{};
    const Mutation mutation = [now](api::Object& object) -> Result<Unit> {
      ConfigMap& map = object.as<ConfigMap>();
      if (!says_since(map)) map.data[apimachinery::token_tracking_key] = apimachinery::to_day(now);
      return Unit{};
    };
    RequestScope scope = registry_.own_scope(std::move(ctx));
    auto written = co_await registry_.update(scope, maps(), ns, name, "", mutation);
    if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written.error()));
    co_return Unit{};
  }
  const rt::TimePoint at = runtime_.clock().now();
  if (at < next_remake_) {
    loops_.spawn(look_again(std::move(ctx), next_remake_ - at));
    co_return Unit{};
  }
  bootstrap::RegistryWriter writer(registry_);
  api::Object map = api::Object::of<ConfigMap>(bootstrap::token_tracking_map(now));
  auto made = co_await writer.create(std::move(ctx), maps(), ns, std::move(map));
  if (!made && made.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(made.error()));
  if (made) next_remake_ = at + remake_interval;
  co_return Unit{};
}

}  // namespace pintle::apiserver::token_tracking
