// Preparing the claims of a pod, and taking them back.
#include <fmt/format.h>

#include <algorithm>

#include "kubelet/dynamic_resources/claim_manager.h"
#include "rules/resource_claims.h"

namespace pintle::kubelet::dynamic_resources {

using api::core_v1::Pod;

namespace {

api::dra_v1::Claim named(const ClaimInfo& info) {
  api::dra_v1::Claim out;
  out.namespace_ = info.namespace_name;
  out.uid = info.uid;
  out.name = info.name;
  return out;
}

const api::dra_v1::Claim* claim_with(const std::vector<api::dra_v1::Claim>& claims, std::string_view uid) {
  const auto found = std::ranges::find(claims, uid, &api::dra_v1::Claim::uid);
  return found == claims.end() ? nullptr : &*found;
}

// What a driver answered to `method`: for each claim that was asked for, once, and without an error.
template <class Answers>
Result<Unit> check_answers(std::string_view method, const std::vector<api::dra_v1::Claim>& claims, const Answers& answers) {
  for (const auto& [uid, answer] : answers) {
    const auto* claim = claim_with(claims, uid);
    if (!claim) return error(Reason::Invalid, fmt::format("{} returned result for unknown claim UID {}", method, uid));
    if (!answer.error.empty()) return error(Reason::Invalid, fmt::format("{} failed for ResourceClaim {}: {}", method, claim->name, answer.error));
  }
  if (answers.size() < claims.size())
    return error(Reason::Invalid, fmt::format("{} skipped {} ResourceClaims", method, claims.size() - answers.size()));
  return Unit{};
}

Result<Unit> with_words(Result<Unit> result, std::string_view words) {
  if (result) return result;
  return error(result.error().reason, fmt::format("{}: {}", words, result.error().message));
}

double passed_seconds(rt::Clock& clock, rt::TimePoint begin) { return std::chrono::duration<double>(clock.now() - begin).count(); }

}  // namespace

// --- preparing -------------------------------------------------------------------------------------------------------------------

rt::Task<Result<Unit>> ClaimManager::prepare(rt::Context ctx, PodPtr pod) {
  const rt::TimePoint begin = deps_.runtime.clock().now();
  auto done = co_await prepare_all(std::move(ctx), std::move(pod));
  metrics_.operations.with({"PrepareResources", done ? "false" : "true"}).observe(passed_seconds(deps_.runtime.clock(), begin));
  co_return with_words(std::move(done), "prepare dynamic resources");
}

rt::Task<Result<ClaimManager::Claim>> ClaimManager::fetch(rt::Context ctx, std::string namespace_name, std::string name) {
  Result<Claim> got = error(Reason::ServiceUnavailable, "there is no API server");
  if (deps_.claim) {
    got = co_await deps_.claim(std::move(ctx), std::move(namespace_name), name);
  } else if (deps_.client) {
    got = co_await deps_.client->get<Claim>(std::move(ctx), std::move(namespace_name), name);
  }
  if (!got) co_return error(got.error().reason, "fetch ResourceClaim " + name + ": " + got.error().message);
  co_return std::move(got);
}

// Looks first, and changes nothing: a pod whose claims cannot be had leaves nothing behind that its end would have to undo.
rt::Task<Result<ClaimManager::WantedClaims>> ClaimManager::look_at(rt::Context ctx, PodPtr pod, std::vector<PodClaim> claims) {
  WantedClaims out;
  for (const PodClaim& one : claims) {
    CO_TRY_ASSIGN(const Claim claim, co_await fetch(ctx, pod->metadata.namespace_, one.name));
    if (one.check_owner) {
      std::string why = rules::not_made_for(*pod, claim);
      if (!why.empty()) co_return error(Reason::Invalid, std::move(why));
    }
    if (!rules::is_reserved_for(claim, *pod))
      co_return error(Reason::Invalid, fmt::format("pod {} ({}) is not allowed to use ResourceClaim {} ({})", pod->metadata.name, pod->metadata.uid,
                                                   one.name, claim.metadata.uid));
    auto info = claim_info_of(claim);
    if (!info) co_return error(info.error().reason, "ResourceClaim " + claim.metadata.name + ": " + info.error().message);
    for (const auto& [driver, devices] : info->drivers) CO_TRY(plugins_.find(driver));
    out.push_back({ClaimInfos::key(info->namespace_name, info->name), std::move(*info)});
  }
  co_return std::move(out);
}

rt::Task<Result<Unit>> ClaimManager::prepare_all(rt::Context ctx, PodPtr pod) {
  CO_TRY_ASSIGN(auto claims, claims_of(*pod, deps_.extended_resources));
  if (claims.empty()) co_return Unit{};
  std::vector<std::string> keys;
  for (const PodClaim& claim : claims) keys.push_back(ClaimInfos::key(pod->metadata.namespace_, claim.name));
  CO_TRY_ASSIGN(const auto held, co_await working_.lock(ctx, keys));
  CO_TRY_ASSIGN(auto wanted, co_await look_at(ctx, pod, std::move(claims)));
  for (const Wanted& one : wanted) {
    const ClaimInfo* known = claims_.find(one.key);
    if (known && known->uid != one.info.uid)
      co_return error(Reason::Conflict, fmt::format("old ResourceClaim with same name {} and different UID {} still exists (previous pod "
                                                    "force-deleted?!)",
                                                    known->name, known->uid));
  }
  Batches batches;
  for (Wanted& one : wanted) {
    ClaimInfo* known = claims_.find(one.key);
    if (!known) known = &claims_.put(std::move(one.info));
    known->pods.insert(pod->metadata.uid);
    if (known->prepared) continue;
    for (const auto& [driver, devices] : known->drivers) {
      auto& batch = batches[driver];
      if (!claim_with(batch, known->uid)) batch.push_back(named(*known));
    }
  }
  // Also when all is prepared: that this pod uses it, too, must outlive us.
  auto saved = co_await save(ctx);
  if (!saved) co_return with_words(std::move(saved), "checkpoint ResourceClaim cache");
  for (const auto& [driver, batch] : batches) {
    CO_TRY_ASSIGN(auto plugin, plugins_.find(driver));
    CO_TRY(co_await prepare_batch(ctx, std::move(plugin), batch));
  }
  if (batches.empty()) co_return Unit{};
  for (const std::string& key : keys)
    if (ClaimInfo* claim = claims_.find(key)) claim->prepared = true;
  saved = co_await save(std::move(ctx));
  co_return with_words(std::move(saved), "checkpoint ResourceClaim state");
}

rt::Task<Result<Unit>> ClaimManager::prepare_batch(rt::Context ctx, std::shared_ptr<DriverPlugin> plugin, std::vector<api::dra_v1::Claim> claims) {
  constexpr std::string_view method = "NodePrepareResources";
  auto answer = co_await plugin->prepare(std::move(ctx), claims);
  if (!answer) co_return error(answer.error().reason, fmt::format("{}: {}", method, answer.error().message));
  CO_TRY(check_answers(method, claims, answer->claims));
  for (auto& [uid, prepared] : answer->claims) CO_TRY(take(plugin->driver(), std::move(prepared.devices), *claim_with(claims, uid)));
  co_return Unit{};
}

// What it says counts instead of what it said before: a driver that is asked again answers again.
Result<Unit> ClaimManager::take(const std::string& driver, std::vector<api::dra_v1::Device> devices, const api::dra_v1::Claim& claim) {
  auto prepared = prepared_devices(std::move(devices));
  if (!prepared)
    return error(prepared.error().reason, fmt::format("NodePrepareResources failed for ResourceClaim {}: {}", claim.name, prepared.error().message));
  ClaimInfo* info = claims_.find(ClaimInfos::key(claim.namespace_, claim.name));
  if (!info)
    return error(Reason::InternalError,
                 fmt::format("internal error: unable to get claim info for ResourceClaim {} in namespace {}", claim.name, claim.namespace_));
  info->drivers[driver] = std::move(*prepared);
  return Unit{};
}

// --- taking back -----------------------------------------------------------------------------------------------------------------

rt::Task<Result<Unit>> ClaimManager::unprepare(rt::Context ctx, std::string pod_uid) {
  const rt::TimePoint begin = deps_.runtime.clock().now();
  auto done = co_await unprepare_all(std::move(ctx), std::move(pod_uid));
  metrics_.operations.with({"UnprepareResources", done ? "false" : "true"}).observe(passed_seconds(deps_.runtime.clock(), begin));
  co_return with_words(std::move(done), "unprepare dynamic resources");
}

// Goes by what is known here alone: the claims, and the pod, may be gone from the API.
rt::Task<Result<Unit>> ClaimManager::unprepare_all(rt::Context ctx, std::string pod_uid) {
  const auto keys = claims_.keys_of(pod_uid);
  if (keys.empty()) co_return Unit{};
  CO_TRY_ASSIGN(const auto held, co_await working_.lock(ctx, keys));
  Batches batches;
  std::vector<std::string> last;
  for (const std::string& key : keys) {
    ClaimInfo* claim = claims_.find(key);
    if (!claim || !claim->pods.contains(pod_uid)) continue;
    if (claim->pods.size() > 1) {
      claim->pods.erase(pod_uid);
      continue;
    }
    last.push_back(key);
    claim->prepared = false;
    for (const auto& [driver, devices] : claim->drivers) batches[driver].push_back(named(*claim));
  }
  Result<Unit> failed = Unit{};
  for (const auto& [driver, batch] : batches) {
    failed = co_await unprepare_batch(ctx, driver, batch);
    if (!failed) break;
  }
  if (failed)
    for (const std::string& key : last) claims_.erase(key);
  auto saved = co_await save(std::move(ctx));
  if (!failed) co_return std::move(failed);
  co_return with_words(std::move(saved), "checkpoint ResourceClaim state");
}

rt::Task<Result<Unit>> ClaimManager::unprepare_batch(rt::Context ctx, std::string driver, std::vector<api::dra_v1::Claim> claims) {
  constexpr std::string_view method = "NodeUnprepareResources";
  CO_TRY_ASSIGN(const auto plugin, plugins_.find(driver));
  const auto answer = co_await plugin->unprepare(std::move(ctx), claims);
  if (!answer) co_return error(answer.error().reason, fmt::format("{}: {}", method, answer.error().message));
  co_return check_answers(method, claims, answer->claims);
}

}  // namespace pintle::kubelet::dynamic_resources
