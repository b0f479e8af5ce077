#include "kubelet/memory_manager/memory_manager.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "codec/json_text.h"
#include "component/log.h"
#include "component/metrics.h"
#include "os/replace_file.h"

namespace pintle::kubelet::memory_manager {

namespace log = component::log;

namespace {

constexpr uint32_t memory_state_mode = 0600;  // as upstream's

Result<MemoryState> read_memory_state(rt::Disk& disk, const std::string& path, const std::string& policy) {
  const auto drain = [&](const std::string& why) {
    return error(Reason::Invalid, fmt::format("could not restore state from checkpoint: {}, please drain this node and delete the memory manager "
                                              "checkpoint file \"{}\" before restarting Kubelet",
                                              why, path));
  };
  const auto text = disk.read(path, memory_state_bytes_max);
  MemoryState fresh;
  fresh.policy = policy;
  if (!text && text.error().reason == Reason::NotFound) return fresh;
  if (!text) return drain(text.error().message);
  auto read = decode_memory_state(*text);
  if (!read) return drain(read.error().message);
  if (read->policy != policy)
    return drain(fmt::format("[memorymanager] configured policy {} differs from state checkpoint policy {}", codec::go_quote(policy),
                             codec::go_quote(read->policy)));
  return read;
}

Result<Unit> write_memory_state(const std::string& path, const MemoryState& state) {
  return os::replace_file(path, encode_memory_state(state), memory_state_mode, os::Durability::Synced);
}

Result<StaticPolicy> policy_of(const MemoryManagerOptions& options) {
  const SizesByNode machine = read_node_memory(options.sysfs, options.memory_bytes);
  TRY_ASSIGN(const SizesByNode reserved, reserved_by_node(options.reserved_memory, options.reserved_of_node, machine));
  return StaticPolicy::make(untouched(machine, reserved));
}

}  // namespace

MemoryManagerOptions memory_manager_options(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  MemoryManagerOptions out;
  if (!config.memory_manager_policy.empty()) out.policy = config.memory_manager_policy;
  out.reserved_memory = config.reserved_memory;
  return out;
}

Result<std::unique_ptr<MemoryManager>> MemoryManager::make(rt::Runtime& runtime, const MemoryManagerOptions& options) {
  std::unique_ptr<MemoryManager> out(new MemoryManager(runtime, options.root_dir + "/" + memory_state_file));
  if (options.policy == "Static") {
    TRY_ASSIGN(StaticPolicy policy, policy_of(options));
    out->policy_.emplace(std::move(policy));
  } else if (options.policy == "BestEffort") {
    return error(Reason::Invalid, "policy \"BestEffort\" is not available for platform \"linux\"");
  } else if (options.policy != "None") {
    return error(Reason::Invalid, "unknown policy: " + codec::go_quote(options.policy));
  }
  TRY_ASSIGN(out->state_, read_memory_state(runtime.disk(), out->path_, options.policy));
  if (out->policy_) {
    TRY_ASSIGN(out->state_, out->policy_->begin(std::move(out->state_)));
  }
  TRY(write_memory_state(out->path_, out->state_));
  return out;
}

Result<Unit> MemoryManager::allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const WantedNodes& wanted,
                                     ReusableMemory& reusable) {
  if (!policy_) return Unit{};
  const auto given = policy_->allocate(pod, container, wanted, reusable, state_);
  if (!given) {
    ++pinnings_;
    ++refusals_;
    return Unexpected(given.error());
  }
  if (!*given) return Unit{};
  ++pinnings_;
  ++version_;
  return Unit{};
}

topology_hints::ResourceHints MemoryManager::hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container,
                                                   const ReusableMemory& reusable) const {
  return policy_ ? policy_->hints(pod, container, reusable, state_) : topology_hints::ResourceHints();
}

topology_hints::ResourceHints MemoryManager::pod_hints(const api::core_v1::Pod& pod) const {
  return policy_ ? policy_->pod_hints(pod, state_) : topology_hints::ResourceHints();
}

bool MemoryManager::wants(const api::core_v1::Pod& pod) const { return policy_ && StaticPolicy::pins(pod); }

rt::Task<Result<Unit>> MemoryManager::save(rt::Context ctx) {
  const uint64_t wanted = version_;
  if (saved_ >= wanted) co_return Unit{};
  CO_TRY_ASSIGN(const auto lock, co_await saving_.lock(std::move(ctx)));
  if (saved_ >= wanted) co_return Unit{};  // with those that came later
  const uint64_t now = version_;
  const MemoryState state = state_;
  Result<Unit> written = Unit{};
  co_await runtime_.run_blocking([&] { written = write_memory_state(path_, state); });
  if (written) saved_ = now;
  co_return std::move(written);
}

rt::Task<void> MemoryManager::save_in_background(rt::Context ctx) {
  const auto saved = co_await save(ctx);
  if (!saved && !ctx.done()) log::error("The record of memory was not written", saved.error(), {{"path", path_}});
}

void MemoryManager::begin_container(const api::core_v1::Pod& pod, std::string_view container) {
  if (!policy_ || !policy_->begin_container(pod, container, state_)) return;
  ++version_;
  tasks_.spawn(save_in_background(tasks_.context()));
}

void MemoryManager::release(std::string_view uid) {
  if (!policy_ || !policy_->release(uid, state_)) return;
  ++version_;
  tasks_.spawn(save_in_background(tasks_.context()));
}

std::string MemoryManager::nodes_of(std::string_view uid, std::string_view container) const {
  std::set<int64_t> nodes;
  if (const Blocks* blocks = state_.find(uid, container))
    for (const Block& block : *blocks) nodes.insert(block.nodes.begin(), block.nodes.end());
  return fmt::format("{}", fmt::join(nodes, ","));
}

Blocks MemoryManager::allocatable() const {
  Blocks out;
  if (!policy_) return out;
  for (const auto& [id, node] : policy_->machine())
    for (const auto& [type, table] : node.of)
      if (table.allocatable > 0) out.push_back({{id}, type, table.allocatable});
  return out;
}

void MemoryManager::write_metrics(std::string& out) const {
  if (!policy_) return;
  namespace metrics = component::metrics;
  constexpr std::string_view pinned = "kubelet_memory_manager_pinning_requests_total", failed = "kubelet_memory_manager_pinning_errors_total";
  metrics::write_head(out, pinned, "[ALPHA] The number of memory pages allocations which required pinning.", "counter");
  metrics::write_sample(out, pinned, {}, {}, static_cast<double>(pinnings_));
  metrics::write_head(out, failed, "[ALPHA] The number of memory pages allocations which required pinning that failed.", "counter");
  metrics::write_sample(out, failed, {}, {}, static_cast<double>(refusals_));
}

}  // namespace pintle::kubelet::memory_manager
