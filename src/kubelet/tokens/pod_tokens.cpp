#include "kubelet/tokens/pod_tokens.h"

#include <algorithm>

#include "api/gen/authentication_v1.h"
#include "rt/far_time.h"

namespace pintle::kubelet::tokens {

namespace core = api::core_v1;
namespace auth = api::authentication_v1;

namespace {

constexpr rt::Duration age_max = std::chrono::hours(24);
constexpr rt::Duration jitter_max = std::chrono::seconds(10);
constexpr rt::Duration again_after = std::chrono::seconds(30);  // a refresh that failed, while the old token is valid
constexpr int64_t default_life_seconds = 3600;

rt::WallTime wall_time(const api::Time& time) { return rt::wall_time_of(time.seconds, time.nanos); }

}  // namespace

rt::WallTime token_refresh_time(const TokenTimes& times, rt::Duration jitter) {
  const rt::Duration life = times.expires - times.issued;
  return times.issued + std::min(life / 5 * 4, age_max) - std::min(jitter, life / 10);
}

std::optional<rt::TimePoint> PodTokens::next_refresh() const {
  if (tokens_.empty()) return std::nullopt;
  const auto first = std::ranges::min_element(tokens_, {}, [](const auto& item) { return item.second.refresh; });
  return runtime_.clock().now() + (first->second.refresh - runtime_.clock().wall_now());
}

rt::Task<Result<PodTokens::Token>> PodTokens::request(rt::Context ctx, std::string namespace_name, std::string service_account,
                                                      core::ServiceAccountTokenProjection source, std::string pod_name, std::string pod_uid,
                                                      std::string service_account_uid) {
  auth::TokenRequest body;
  body.metadata.namespace_ = namespace_name;
  body.metadata.name = service_account;
  body.metadata.uid = std::move(service_account_uid);
  if (!source.audience.empty()) body.spec.audiences = {source.audience};
  body.spec.expiration_seconds = source.expiration_seconds.value_or(default_life_seconds);
  auth::BoundObjectReference& bound = body.spec.bound_object_ref.emplace();
  bound.api_version = "v1";
  bound.kind = "Pod";
  bound.name = std::move(pod_name);
  bound.uid = std::move(pod_uid);
  const client::Resource& parent = client::resource_of<core::ServiceAccount>();
  CO_TRY_ASSIGN(auth::TokenRequest answer,
                (co_await client_.create_subresource<auth::TokenRequest>(ctx, parent, std::move(namespace_name), std::move(service_account),
                                                                         std::string("token"), std::move(body))));
  uint64_t jitter = runtime_.random().below(static_cast<uint64_t>(jitter_max.count()));
  Token token;
  token.text = std::move(answer.status.token);
  token.expires = wall_time(answer.status.expiration_timestamp);
  const rt::Duration life = rt::seconds_of(answer.spec.expiration_seconds.value_or(default_life_seconds));
  TokenTimes times;
  times.issued = token.expires - life;
  times.expires = token.expires;
  token.refresh = token_refresh_time(times, rt::Duration(static_cast<int64_t>(jitter)));
  co_return std::move(token);
}

rt::Task<Result<std::string>> PodTokens::get(rt::Context ctx, const core::Pod& pod, const core::ServiceAccountTokenProjection& source,
                                             std::string service_account_uid) {
  CO_TRY_ASSIGN(IssuedToken token, co_await get_issued(std::move(ctx), pod, source, std::move(service_account_uid)));
  co_return std::move(token.text);
}

rt::Task<Result<IssuedToken>> PodTokens::get_issued(rt::Context ctx, const core::Pod& pod, const core::ServiceAccountTokenProjection& source,
                                                    std::string service_account_uid) {
  const auto key = std::make_tuple(source.audience, source.expiration_seconds.value_or(default_life_seconds), service_account_uid);
  const auto it = tokens_.find(key);
  if (it != tokens_.end() && runtime_.clock().wall_now() < it->second.refresh) co_return IssuedToken{it->second.text, it->second.expires};
  auto fresh = co_await request(std::move(ctx), pod.metadata.namespace_, pod.spec.service_account_name, source, pod.metadata.name, pod.metadata.uid,
                                std::move(service_account_uid));
  if (fresh) {
    IssuedToken out{fresh->text, fresh->expires};
    tokens_[key] = std::move(*fresh);
    co_return std::move(out);
  }
  const auto old = tokens_.find(key);
  const rt::WallTime now = runtime_.clock().wall_now();
  if (old != tokens_.end() && now < old->second.expires) {
    old->second.refresh = now + again_after;
    co_return IssuedToken{old->second.text, old->second.expires};
  }
  co_return error(fresh.error().reason, "failed to fetch token: " + fresh.error().message);
}

}  // namespace pintle::kubelet::tokens
