#include "kubelet/dynamic_resources/claim_info.h"

#include <fmt/format.h>

#include <algorithm>

namespace pintle::kubelet::dynamic_resources {

namespace {

bool words_fit(const std::vector<std::string>& words) {
  return words.size() <= device_words_max && std::ranges::all_of(words, [](const auto& word) { return word.size() <= device_word_bytes_max; });
}

}  // namespace

bool PreparedDevice::serves(std::string_view request) const {
  return request.empty() || requests.empty() || std::ranges::find(requests, request) != requests.end();
}

Result<ClaimInfo> claim_info_of(const api::resource_v1::ResourceClaim& claim) {
  if (!claim.status.allocation) return error(Reason::Invalid, "not allocated");
  ClaimInfo out;
  out.namespace_name = claim.metadata.namespace_;
  out.name = claim.metadata.name;
  out.uid = claim.metadata.uid;
  for (const auto& result : claim.status.allocation->devices.results) out.drivers[result.driver];
  return out;
}

Result<std::vector<PreparedDevice>> prepared_devices(std::vector<api::dra_v1::Device> told) {
  if (told.size() > claim_devices_max) return error(Reason::Invalid, fmt::format("more than {} devices for one claim", claim_devices_max));
  std::vector<PreparedDevice> out;
  for (auto& one : told) {
    const bool fits = words_fit(one.request_names) && words_fit(one.cdi_device_ids) && words_fit({one.pool_name, one.device_name}) &&
                      one.share_id.value_or("").size() <= device_word_bytes_max;
    if (!fits) return error(Reason::Invalid, "a device with names past all measure");
    PreparedDevice& device = out.emplace_back();
    device.pool = std::move(one.pool_name);
    device.device = std::move(one.device_name);
    device.share_id = std::move(one.share_id);
    device.requests = std::move(one.request_names);
    device.cdi_devices = std::move(one.cdi_device_ids);
  }
  return out;
}

void add_cdi_devices(const ClaimInfo& claim, std::string_view request, std::vector<std::string>& out) {
  for (const auto& [driver, devices] : claim.drivers)
    for (const PreparedDevice& device : devices)
      if (device.serves(request)) out.insert(out.end(), device.cdi_devices.begin(), device.cdi_devices.end());
}

std::string ClaimInfos::key(std::string_view namespace_name, std::string_view name) { return std::string(namespace_name).append("/").append(name); }

ClaimInfo* ClaimInfos::find(std::string_view key) {
  const auto found = claims_.find(key);
  return found == claims_.end() ? nullptr : &found->second;
}

const ClaimInfo* ClaimInfos::find(std::string_view key) const {
  const auto found = claims_.find(key);
  return found == claims_.end() ? nullptr : &found->second;
}

ClaimInfo& ClaimInfos::put(ClaimInfo info) {
  ClaimInfo& place = claims_[key(info.namespace_name, info.name)];
  place = std::move(info);
  return place;
}

void ClaimInfos::erase(std::string_view key) {
  if (const auto found = claims_.find(key); found != claims_.end()) claims_.erase(found);
}

std::vector<std::string> ClaimInfos::keys_of(std::string_view pod_uid) const {
  std::vector<std::string> out;
  for (const auto& [key, claim] : claims_)
    if (claim.pods.contains(std::string(pod_uid))) out.push_back(key);
  return out;
}

std::set<std::string> ClaimInfos::pods() const {
  std::set<std::string> out;
  for (const auto& [key, claim] : claims_) out.insert(claim.pods.begin(), claim.pods.end());
  return out;
}

std::vector<std::string> ClaimInfos::pods_with(std::string_view driver, const std::set<std::string>& devices) const {
  std::set<std::string> out;
  for (const auto& [key, claim] : claims_) {
    const auto of = claim.drivers.find(driver);
    if (of == claim.drivers.end()) continue;
    const bool has = std::ranges::any_of(of->second, [&](const auto& one) { return devices.contains(one.pool + "/" + one.device); });
    if (has) out.insert(claim.pods.begin(), claim.pods.end());
  }
  return {out.begin(), out.end()};
}

std::map<std::string, std::size_t> ClaimInfos::in_use() const {
  std::map<std::string, std::size_t> out{{"<any>", 0}};
  for (const auto& [key, claim] : claims_) {
    if (!claim.prepared) continue;
    ++out["<any>"];
    for (const auto& [driver, devices] : claim.drivers) ++out[driver];
  }
  return out;
}

}  // namespace pintle::kubelet::dynamic_resources
