#include "kubelet/cpu_manager/cpu_manager.h"

#include <fmt/format.h>

#include "codec/json_text.h"
#include "component/log.h"
#include "kubelet/resources/pod_resources.h"
#include "os/replace_file.h"

namespace pintle::kubelet::cpu_manager {

namespace log = component::log;

namespace {

constexpr uint32_t cpu_state_mode = 0600;  // as upstream's

Result<CpuState> read_state(rt::Disk& disk, const std::string& path, const std::string& policy) {
  const auto drain = [&](const std::string& why) {
    return error(Reason::Invalid, fmt::format("could not restore state from checkpoint: {}, please drain this node and delete the CPU manager "
                                              "checkpoint file \"{}\" before restarting Kubelet",
                                              why, path));
  };
  const auto text = disk.read(path, cpu_state_bytes_max);
  CpuState fresh;
  fresh.policy = policy;
  if (!text && text.error().reason == Reason::NotFound) return fresh;
  if (!text) return drain(text.error().message);
  auto read = decode_cpu_state(*text);
  if (!read) return drain(read.error().message);
  if (read->policy != policy)
    return drain(fmt::format("configured policy {} differs from state checkpoint policy {}", codec::go_quote(policy), codec::go_quote(read->policy)));
  return read;
}

Result<Unit> write_state(const std::string& path, const CpuState& state) {
  return os::replace_file(path, encode_cpu_state(state), cpu_state_mode, os::Durability::Synced);
}

Result<StaticPolicy> static_policy(const CpuManagerOptions& options) {
  TRY_ASSIGN(const StaticOptions wanted, static_options(options.policy_options));
  TRY_ASSIGN(CpuTopology topology, read_cpu_topology(options.sysfs));
  TRY_ASSIGN(CpuSet reserved, parse_cpu_set(options.reserved_cpus));
  const auto count = static_cast<std::size_t>((options.reserved_milli + 999) / 1000);
  return StaticPolicy::make(std::move(topology), std::move(reserved), count, wanted);
}

}  // namespace

CpuManagerOptions cpu_manager_options(const api::kubeletconfig_v1beta1::KubeletConfiguration& config, const rules::ResourceList& reserved,
                                      std::string root_dir) {
  CpuManagerOptions out;
  if (!config.cpu_manager_policy.empty()) out.policy = config.cpu_manager_policy;
  out.policy_options = config.cpu_manager_policy_options;
  out.reserved_cpus = config.reserved_system_cpus;
  out.reserved_milli = resources::resource_milli_value(reserved, "cpu");
  out.root_dir = std::move(root_dir);
  return out;
}

Result<std::unique_ptr<CpuManager>> CpuManager::make(rt::Runtime& runtime, const CpuManagerOptions& options) {
  std::unique_ptr<CpuManager> out(new CpuManager(runtime, options.root_dir + "/" + cpu_state_file));
  if (options.policy == "static") {
    TRY_ASSIGN(StaticPolicy policy, static_policy(options));
    out->policy_.emplace(std::move(policy));
  } else if (options.policy != "none") {
    return error(Reason::Invalid, "unknown policy: " + codec::go_quote(options.policy));
  } else if (!options.policy_options.empty()) {
    return error(Reason::Invalid, "None policy: received unsupported options=" + std::to_string(options.policy_options.size()));
  }
  TRY_ASSIGN(CpuState read, read_state(runtime.disk(), out->path_, options.policy));
  out->state_ = read;
  if (out->policy_) {
    auto begun = out->policy_->begin(std::move(read));
    if (!begun)
      return error(Reason::Invalid,
                   fmt::format("start cpu manager error: {}; please drain this node and delete the CPU manager checkpoint file \"{}\"",
                               begun.error().message, out->path_));
    out->state_ = std::move(*begun);
  }
  TRY(write_state(out->path_, out->state_));
  return out;
}

rt::Task<Result<Unit>> CpuManager::save(rt::Context ctx) {
  const uint64_t wanted = version_;
  if (saved_ >= wanted) co_return Unit{};
  CO_TRY_ASSIGN(const auto lock, co_await saving_.lock(std::move(ctx)));
  if (saved_ >= wanted) co_return Unit{};  // with those that came later
  const uint64_t now = version_;
  const CpuState state = state_;
  Result<Unit> written = Unit{};
  co_await runtime_.run_blocking([&] { written = write_state(path_, state); });
  if (written) saved_ = now;
  co_return std::move(written);
}

rt::Task<void> CpuManager::save_in_background(rt::Context ctx) {
  const auto saved = co_await save(ctx);
  if (!saved && !ctx.done()) log::error("The record of CPUs was not written", saved.error(), {{"path", path_}});
}

Expected<Unit, WaitingReason> CpuManager::allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, CpuSet& reusable,
                                                   const std::optional<std::set<int64_t>>& numa_nodes) {
  if (!policy_) return Unit{};
  const auto given = policy_->allocate(pod, container, reusable, state_, numa_nodes);
  if (!given) return Unexpected(given.error());
  if (!*given) return Unit{};
  ++version_;
  if (changed_) changed_();
  return Unit{};
}

topology_hints::ResourceHints CpuManager::hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container,
                                                const CpuSet& reusable) const {
  return policy_ ? policy_->hints(pod, container, reusable, state_) : topology_hints::ResourceHints();
}

topology_hints::ResourceHints CpuManager::pod_hints(const api::core_v1::Pod& pod) const {
  return policy_ ? policy_->pod_hints(pod, state_) : topology_hints::ResourceHints();
}

void CpuManager::release(std::string_view uid) {
  if (!policy_ || !policy_->release(uid, state_)) return;
  ++version_;
  tasks_.spawn(save_in_background(tasks_.context()));
  if (changed_) changed_();
}

CpuSet CpuManager::own_cpus(std::string_view uid, std::string_view container) const {
  const auto pod = state_.of_pods.find(uid);
  if (pod == state_.of_pods.end()) return {};
  const auto found = pod->second.find(container);
  return found == pod->second.end() ? CpuSet() : found->second;
}

std::string CpuManager::cpus_of(std::string_view uid, std::string_view container) const {
  if (!policy_) return "";
  const CpuSet own = own_cpus(uid, container);
  return format_cpu_set(own.empty() ? state_.shared : own);
}

CpuSet CpuManager::allocatable() const { return policy_ ? without(policy_->topology().all(), policy_->reserved()) : CpuSet(); }

}  // namespace pintle::kubelet::cpu_manager
