#include "kubelet/container_config/user_namespace_ranges.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/json.h"

namespace pintle::kubelet::container_config {

namespace {

constexpr int64_t first_id = 65536;  // ids below are the machine's own

codec::Value mapping_of(const UserNamespaceRange& range) {
  codec::Value mapping;
  mapping["hostId"] = static_cast<int64_t>(range.host_id);
  mapping["containerId"] = 0;
  mapping["length"] = static_cast<int64_t>(range.length);
  return codec::Value::Array{std::move(mapping)};
}

std::string text_of(const UserNamespaceRange& range) {
  codec::Value out;
  out["uidMappings"] = mapping_of(range);
  out["gidMappings"] = mapping_of(range);
  return codec::to_json(out);
}

// nullopt: not what text_of() writes.
std::optional<UserNamespaceRange> range_of_text(const std::string& text) {
  const auto value = codec::parse_json(text);
  const codec::Value* mappings = value ? value->find("uidMappings") : nullptr;
  if (mappings == nullptr || !mappings->is_array() || mappings->as_array().size() != 1) return std::nullopt;
  const codec::Value *host = mappings->as_array()[0].find("hostId"), *length = mappings->as_array()[0].find("length");
  if (host == nullptr || length == nullptr || !host->is_int() || !length->is_int()) return std::nullopt;
  constexpr int64_t most = int64_t{1} << 32;
  if (host->as_int() < first_id || length->as_int() <= 0 || host->as_int() + length->as_int() > most) return std::nullopt;
  return UserNamespaceRange{static_cast<uint32_t>(host->as_int()), static_cast<uint32_t>(length->as_int())};
}

bool overlap(const UserNamespaceRange& a, const UserNamespaceRange& b) {
  return a.host_id < int64_t{b.host_id} + b.length && b.host_id < int64_t{a.host_id} + a.length;
}

}  // namespace

UserNamespaceRanges::UserNamespaceRanges(rt::Disk& disk, Paths paths, UserNamespaceOptions options)
    : disk_(disk), paths_(std::move(paths)), options_(options) {}

// Those that an earlier life of the kubelet gave.
void UserNamespaceRanges::learn() {
  if (std::exchange(learnt_, true)) return;
  const auto pods = disk_.list(paths_.pods());
  if (!pods) return;  // none was ever made
  for (const std::string& uid : *pods) {
    const auto text = disk_.read(file_of(uid));
    const auto range = text ? range_of_text(*text) : std::nullopt;
    if (range) taken_.emplace(uid, *range);
  }
}

void UserNamespaceRanges::forget_gone() {
  std::erase_if(taken_, [this](const auto& entry) { return !disk_.exists(file_of(entry.first)); });
}

Result<UserNamespaceRange> UserNamespaceRanges::range_of(const std::string& pod_uid) {
  const std::lock_guard lock(mutex_);
  learn();
  forget_gone();
  if (const auto known = taken_.find(pod_uid); known != taken_.end()) return known->second;
  for (uint32_t place = 0; place < options_.pods_max; ++place) {
    const int64_t host_id = first_id + int64_t{place} * options_.ids_per_pod;
    if (host_id + options_.ids_per_pod > (int64_t{1} << 32)) break;
    const UserNamespaceRange range{static_cast<uint32_t>(host_id), options_.ids_per_pod};
    if (std::ranges::any_of(taken_, [&](const auto& entry) { return overlap(entry.second, range); })) continue;
    TRY(disk_.make_directories(paths_.pod(pod_uid), 0750));
    TRY(disk_.replace(file_of(pod_uid), text_of(range), 0644));
    taken_.emplace(pod_uid, range);
    return range;
  }
  return error(Reason::TooManyRequests, "all ranges of ids for user namespaces are taken");
}

}  // namespace pintle::kubelet::container_config
