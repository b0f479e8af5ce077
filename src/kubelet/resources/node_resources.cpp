#include "kubelet/resources/node_resources.h"

#include <algorithm>
#include <charconv>

#include "kubelet/types/cpu_set.h"

namespace pintle::kubelet::resources {

namespace {

using api::Quantity;

constexpr std::string_view hugepages_prefix = "hugepages-";

// Linux' defaults (upstream's DefaultEvictionHard).
const std::map<std::string, std::string> default_hard = {{"memory.available", "100Mi"},
                                                         {"nodefs.available", "10%"},
                                                         {"nodefs.inodesFree", "5%"},
                                                         {"imagefs.available", "15%"},
                                                         {"imagefs.inodesFree", "5%"}};

// Thresholds are taken out of these resources.
constexpr std::pair<std::string_view, std::string_view> reserved_by_signal[] = {{"memory", "memory.available"},
                                                                                {"ephemeral-storage", "nodefs.available"}};

Result<Unit> add_reserved(const FlatMap<std::string>& from, std::string_view field, rules::ResourceList& out) {
  for (const auto& [name, text] : from) {
    auto quantity = Quantity::parse(text);
    if (!quantity || quantity->sign() < 0)
      return error(Reason::Invalid, std::string(field) + ": \"" + name + "\" has an invalid quantity \"" + text + "\"");
    Quantity& sum = out[name];
    sum = sum + *quantity;
  }
  return Unit{};
}

}  // namespace

int64_t EvictionThreshold::of(int64_t capacity) const { return is_share ? static_cast<int64_t>(static_cast<double>(capacity) * share) : amount; }

Result<EvictionThreshold> parse_eviction_threshold(std::string_view text) {
  EvictionThreshold out;
  if (text.ends_with('%')) {
    float percent = 0;
    const std::string_view digits = text.substr(0, text.size() - 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), percent);
    if (failed != std::errc() || end != digits.data() + digits.size() || percent < 0 || percent > 100)
      return error(Reason::Invalid, "eviction percentage threshold must be between 0% and 100%: " + std::string(text));
    out.is_share = true;
    // Upstream divides in single precision; allocatable storage shows it.
    out.share = static_cast<double>(percent / 100);
    return out;
  }
  auto quantity = Quantity::parse(text);
  if (!quantity || quantity->sign() < 0) return error(Reason::Invalid, "invalid eviction threshold: " + std::string(text));
  out.amount = quantity->value();
  return out;
}

std::map<std::string, std::string> hard_eviction_texts(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  std::map<std::string, std::string> texts;
  if (config.eviction_hard.empty() || config.merge_default_eviction_settings.value_or(false)) texts = default_hard;
  for (const auto& [signal, text] : config.eviction_hard) texts[signal] = text;
  return texts;
}

Result<EvictionThresholds> hard_eviction_thresholds(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  EvictionThresholds out;
  for (const auto& [signal, text] : hard_eviction_texts(config)) {
    auto threshold = parse_eviction_threshold(text);
    if (!threshold) return error(Reason::Invalid, "evictionHard: " + signal + ": " + threshold.error().message);
    if (threshold->is_share ? threshold->share > 0 : threshold->amount > 0) out.emplace(signal, *threshold);
  }
  return out;
}

Quantity binary_quantity(int64_t bytes) {
  constexpr int64_t kibi = 1024;
  const bool whole = bytes % kibi == 0 && bytes != 0;
  auto quantity = Quantity::parse(whole ? std::to_string(bytes / kibi) + "Ki" : std::to_string(bytes));
  return quantity ? std::move(*quantity) : Quantity();
}

rules::ResourceList node_capacity(const NodeSize& size) {
  rules::ResourceList out;
  out["cpu"] = Quantity::from_int(size.machine.cores);
  out["memory"] = binary_quantity(static_cast<int64_t>(size.machine.memory_bytes));
  if (size.storage_bytes > 0) out["ephemeral-storage"] = binary_quantity(static_cast<int64_t>(size.storage_bytes));
  for (std::size_t i = 0; i < size.machine.hugepage_sizes_bytes.size(); ++i) {
    const uint64_t page = size.machine.hugepage_sizes_bytes[i];
    out[std::string(hugepages_prefix) + binary_quantity(static_cast<int64_t>(page)).text()] =
        binary_quantity(static_cast<int64_t>(page * size.machine.hugepage_counts[i]));
  }
  int64_t pods = size.max_pods;
  if (size.pods_per_core > 0) pods = std::min<int64_t>(pods, static_cast<int64_t>(size.pods_per_core) * size.machine.cores);
  out["pods"] = Quantity::from_int(pods);
  return out;
}

Result<rules::ResourceList> reserved_resources(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  rules::ResourceList out;
  TRY(add_reserved(config.kube_reserved, "kubeReserved", out));
  TRY(add_reserved(config.system_reserved, "systemReserved", out));
  // CPUs that are named are what is reserved of them, whatever the amounts say.
  if (!config.reserved_system_cpus.empty()) {
    TRY_ASSIGN(const CpuSet named, parse_cpu_set(config.reserved_system_cpus));
    out["cpu"] = Quantity::from_int(static_cast<int64_t>(named.size()));
  }
  return out;
}

rules::ResourceList allocatable_for_pods(const rules::ResourceList& capacity, const rules::ResourceList& reserved) {
  rules::ResourceList out = capacity;
  for (auto& [name, amount] : out) {
    if (const Quantity* less = reserved.get(name)) amount = amount - *less;
    if (amount.sign() < 0) amount = Quantity::from_int(0);
  }
  return out;
}

rules::ResourceList kept_from_pods(const rules::ResourceList& capacity, const rules::ResourceList& reserved, const EvictionThresholds& hard) {
  rules::ResourceList all = reserved;
  for (const auto& [resource, signal] : reserved_by_signal) {
    const auto threshold = hard.find(signal);
    const Quantity* size = capacity.get(resource);
    if (threshold == hard.end() || !size) continue;
    Quantity& sum = all[resource];
    sum = sum + binary_quantity(threshold->second.of(size->value()));
  }
  return all;
}

rules::ResourceList node_allocatable(const rules::ResourceList& capacity, const rules::ResourceList& reserved, const EvictionThresholds& hard) {
  rules::ResourceList out = allocatable_for_pods(capacity, kept_from_pods(capacity, reserved, hard));
  Quantity& memory = out["memory"];
  for (const auto& [name, amount] : capacity)
    if (name.starts_with(hugepages_prefix)) memory = memory - amount;
  if (memory.sign() < 0) memory = Quantity::from_int(0);
  return out;
}

}  // namespace pintle::kubelet::resources
