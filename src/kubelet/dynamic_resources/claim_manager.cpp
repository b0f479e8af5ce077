// The record, what claims give to containers, and health. Preparing: prepare.cpp.
#include "kubelet/dynamic_resources/claim_manager.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/dynamic_resources/checkpoint.h"
#include "os/replace_file.h"
#include "rules/resource_claims.h"

namespace pintle::kubelet::dynamic_resources {

using namespace api::core_v1;

namespace {

constexpr uint32_t claims_file_mode = 0600;  // as upstream's

std::string file_error(const Status& why) { return fmt::format("could not save checkpoint {}: {}", claims_file, why.message); }

}  // namespace

ClaimManager::ClaimManager(ClaimManagerDeps deps) : deps_(std::move(deps)), plugins_(plugin_deps()) {}
ClaimManager::~ClaimManager() = default;

DriverPluginsDeps ClaimManager::plugin_deps() {
  DriverPluginsDeps out{deps_.runtime, deps_.client, deps_.node_name, metrics_};
  out.usable = [this] {
    drivers_.increment();
    if (deps_.drivers_changed) deps_.drivers_changed();
  };
  if (deps_.health) {
    out.health = [this](const std::string& driver, api::drahealth_v1alpha1::NodeWatchResourcesResponse report) {
      return take_health(driver, std::move(report));
    };
    out.health_lost = [this](const std::string& driver) { tell_of_health(driver, health_.forget(driver)); };
  }
  out.timing = deps_.timing;
  return out;
}

rt::Task<Result<Unit>> ClaimManager::load() {
  const std::string path = deps_.folder + "/" + claims_file;
  Result<ClaimInfos> read = error(Reason::NotFound, "");
  co_await deps_.runtime.run_blocking([&] {
    const auto text = deps_.runtime.disk().read(path, claims_file_bytes_max);
    read = text ? decode_claims(*text) : Result<ClaimInfos>(Unexpected(text.error()));
  });
  if (read) {
    claims_ = std::move(*read);
  } else if (read.error().reason != Reason::NotFound) {
    co_return error(read.error().reason, fmt::format("create ResourceClaim cache: failed to get checkpoint {}: {}; drain the node and remove {}",
                                                     claims_file, read.error().message, path));
  }
  co_return Unit{};
}

void ClaimManager::start() {
  plugins_.start();
  if (deps_.health) tasks_.spawn(expire_health(tasks_.context()));
}

rt::Task<void> ClaimManager::stop() {
  co_await plugins_.stop();
  co_await tasks_.close();
}

rt::Task<Result<Unit>> ClaimManager::save(rt::Context ctx) {
  const uint64_t wanted = ++wanted_;
  CO_TRY_ASSIGN(const auto lock, co_await saving_.lock(std::move(ctx)));
  if (saved_ >= wanted) co_return Unit{};  // with those that came later
  const uint64_t now = wanted_;
  const std::string path = deps_.folder + "/" + claims_file;
  const std::string text = encode_claims(claims_);
  Result<Unit> written = Unit{};
  co_await deps_.runtime.run_blocking([&] { written = os::replace_file(path, text, claims_file_mode, os::Durability::Synced); });
  if (!written) co_return error(written.error().reason, file_error(written.error()));
  saved_ = now;
  co_return Unit{};
}

// --- what containers have ------------------------------------------------------------------------------------------------------

const ClaimInfo* ClaimManager::find(const Pod& pod, const std::string& claim) const {
  return claims_.find(ClaimInfos::key(pod.metadata.namespace_, claim));
}

Result<std::vector<std::string>> ClaimManager::cdi_devices(const Pod& pod, const Container& container) const {
  std::vector<std::string> out;
  TRY_ASSIGN(const RequestsByClaim wanted, requests_of(pod, container, deps_.extended_resources));
  for (const auto& [name, requests] : wanted) {
    const ClaimInfo* claim = find(pod, name);
    if (!claim)
      return error(Reason::InternalError,
                   fmt::format("internal error: unable to get claim info for ResourceClaim {} in namespace {}", name, pod.metadata.namespace_));
    for (const std::string& request : requests) add_cdi_devices(*claim, request, out);
  }
  return out;
}

std::vector<const ClaimInfo*> ClaimManager::claims_of_container(const Pod& pod, const Container& container) const {
  std::vector<const ClaimInfo*> out;
  const auto wanted = requests_of(pod, container, deps_.extended_resources);
  if (!wanted) return {};
  for (const auto& [name, requests] : *wanted) {
    const ClaimInfo* claim = find(pod, name);
    if (!claim) return {};
    out.push_back(claim);
  }
  return out;
}

// --- health ----------------------------------------------------------------------------------------------------------------------

Result<Unit> ClaimManager::take_health(const std::string& driver, api::drahealth_v1alpha1::NodeWatchResourcesResponse report) {
  TRY_ASSIGN(const auto changed, health_.tell(driver, std::move(report), deps_.runtime.clock().now()));
  reports_.increment();
  tell_of_health(driver, changed);
  return Unit{};
}

void ClaimManager::tell_of_health(const std::string& driver, const DeviceHealths::Names& devices) {
  if (devices.empty() || !deps_.health_changed) return;
  const auto pods = claims_.pods_with(driver, devices);
  if (!pods.empty()) deps_.health_changed(pods);
}

// What nobody repeats is not believed for ever. Sleeps until the first of it is old.
rt::Task<void> ClaimManager::expire_health(rt::Context ctx) {
  while (!ctx.done()) {
    const uint64_t seen = reports_.value();
    const auto next = health_.next_expiry();
    const rt::Context bounded = next ? ctx.with_deadline(*next + std::chrono::milliseconds(1)) : ctx;
    (void)co_await reports_.wait(bounded, seen + 1);
    for (const auto& [driver, devices] : health_.expire(deps_.runtime.clock().now())) tell_of_health(driver, devices);
  }
}

namespace {

ResourceHealth health_of(const std::string& driver, const PreparedDevice& device, DeviceHealth health, bool with_message) {
  ResourceHealth out;
  out.resource_id = device.cdi_devices.empty() ? driver + "/" + device.pool + "/" + device.device : device.cdi_devices.front();
  out.health = health.health;
  if (with_message && !health.message.empty()) out.message = std::move(health.message);
  return out;
}

// A request's name without that of the alternative among its own.
std::string_view base_request(std::string_view request) { return request.substr(0, request.find('/')); }

}  // namespace

void ClaimManager::write_health(const Pod& pod, PodStatus& status) const {
  for (ContainerStatus& container : status.container_statuses) {
    const auto spec = std::ranges::find(pod.spec.containers, container.name, &Container::name);
    if (spec == pod.spec.containers.end()) continue;
    for (const auto& used : spec->resources.claims) {
      const auto entry = std::ranges::find(pod.spec.resource_claims, used.name, &PodResourceClaim::name);
      if (entry == pod.spec.resource_claims.end()) continue;
      const auto name = rules::resource_claim_name(pod, *entry);
      const ClaimInfo* claim = name ? find(pod, name->name) : nullptr;
      if (!claim) continue;
      ResourceStatus told;
      told.name = "claim:" + used.name + (used.request.empty() ? "" : "/" + used.request);
      std::set<std::string> ids;
      for (const auto& [driver, devices] : claim->drivers) {
        for (const PreparedDevice& device : devices) {
          if (!device.serves(base_request(used.request))) continue;
          ResourceHealth health = health_of(driver, device, health_.of(driver, device.pool, device.device), deps_.health_messages);
          if (ids.insert(health.resource_id).second) told.resources.push_back(std::move(health));
        }
      }
      if (!told.resources.empty()) container.allocated_resources_status.push_back(std::move(told));
    }
  }
}

void ClaimManager::write_metrics(std::string& out) const {
  namespace metrics = component::metrics;
  out += metrics_.registry.write();
  constexpr std::string_view name = "dra_resource_claims_in_use";
  metrics::write_head(
      out, name,
      "[ALPHA] The number of ResourceClaims that are currently in use on the node, by driver name (driver_name label value) and across "
      "all drivers (special value <any> for driver_name). Note that the sum of all by-driver counts is not the total number of in-use "
      "ResourceClaims because the same ResourceClaim might use devices from different drivers. Instead, use the count for the <any> "
      "driver_name.",
      "gauge");
  static constexpr std::string_view labels[] = {"driver_name"};
  for (const auto& [driver, count] : claims_.in_use()) {
    const std::string values[] = {driver};
    metrics::write_sample(out, name, labels, values, static_cast<double>(count));
  }
}

}  // namespace pintle::kubelet::dynamic_resources
