#include "kubelet/allocation/pod_allocator.h"

#include "component/metrics.h"
#include "kubelet/resources/pod_resources.h"

namespace pintle::kubelet::allocation {

using api::core_v1::Container;

namespace {

Unexpected<WaitingReason> unexpected(const std::string& why) {
  return Unexpected(WaitingReason{"UnexpectedAdmissionError", "Allocate failed due to " + why + ", which is unexpected"});
}

}  // namespace

// What has come of a pod so far.
struct PodAllocator::Progress {
  devices::DeviceManager::Reusable devices;
  CpuSet cpus;
  memory_manager::ReusableMemory memory;
  memory_manager::WantedNodes of_pod;  // where all of it goes
};

Result<TopologySettings> topology_settings(const api::kubeletconfig_v1beta1::KubeletConfiguration& config, const std::string& sysfs) {
  TopologySettings out;
  if (config.topology_manager_policy.empty() || config.topology_manager_policy == "none") return out;
  auto machine = topology_hints::read_numa_nodes(sysfs);
  TRY_ASSIGN(auto policy,
             topology_hints::TopologyPolicy::make(config.topology_manager_policy, config.topology_manager_policy_options, std::move(machine)));
  out.policy.emplace(std::move(policy));
  out.whole_pods = config.topology_manager_scope == "pod";
  return out;
}

Expected<memory_manager::WantedNodes, WaitingReason> PodAllocator::decide(const std::vector<topology_hints::ResourceHints>& hints) const {
  const auto merged = topology_.policy->merge(hints);
  if (!merged) return Unexpected(WaitingReason{"TopologyAffinityError", "Resources cannot be allocated with Topology locality"});
  memory_manager::WantedNodes out;
  out.preferred = merged->preferred;
  if (!merged->nodes) return out;
  out.nodes.emplace();
  for (const int32_t node : topology_.policy->machine().nodes)
    if ((*merged->nodes >> node) & 1) out.nodes->insert(node);
  return out;
}

rt::Task<Expected<Unit, WaitingReason>> PodAllocator::allocate_container(rt::Context ctx, PodPtr pod, const Container* container,
                                                                         Progress* progress) {
  memory_manager::WantedNodes wanted = progress->of_pod;
  if (topology_.policy && !topology_.whole_pods) {
    std::vector<topology_hints::ResourceHints> hints;
    hints.push_back(devices_.hints(*pod, *container, progress->devices, topology_.policy->machine().nodes));
    hints.push_back(cpus_.hints(*pod, *container, progress->cpus));
    hints.push_back(memory_.hints(*pod, *container, progress->memory));
    auto decided = decide(hints);
    if (!decided) co_return Unexpected(std::move(decided).error());
    wanted = std::move(*decided);
  }
  const auto devices = co_await devices_.allocate(std::move(ctx), pod, container->name, &progress->devices, wanted.nodes);
  if (!devices) co_return unexpected(devices.error().message);
  auto cpus = cpus_.allocate(*pod, *container, progress->cpus, wanted.nodes);
  if (!cpus) co_return std::move(cpus);
  const auto memory = memory_.allocate(*pod, *container, wanted, progress->memory);
  if (!memory) co_return unexpected(memory.error().message);
  co_return Unit{};
}

rt::Task<Expected<Unit, WaitingReason>> PodAllocator::allocate_all(rt::Context ctx, PodPtr pod) {
  Progress progress;
  if (topology_.policy && topology_.whole_pods) {
    std::vector<topology_hints::ResourceHints> hints;
    hints.push_back(devices_.pod_hints(*pod, topology_.policy->machine().nodes));
    hints.push_back(cpus_.pod_hints(*pod));
    hints.push_back(memory_.pod_hints(*pod));
    auto decided = decide(hints);
    if (!decided) co_return Unexpected(std::move(decided).error());
    progress.of_pod = std::move(*decided);
  }
  for (const auto* list : {&pod->spec.init_containers, &pod->spec.containers}) {
    for (const Container& container : *list) {
      auto given = co_await allocate_container(ctx, pod, &container, &progress);
      if (!given) co_return std::move(given);
    }
  }
  Result<Unit> saved = Unit{};
  if (devices_.wants_devices(*pod)) saved = co_await devices_.save(ctx);
  if (saved) saved = co_await cpus_.save(ctx);
  if (saved) saved = co_await memory_.save(ctx);
  if (!saved) co_return unexpected(saved.error().message);
  co_return Unit{};
}

bool PodAllocator::wants(const api::core_v1::Pod& pod) const {
  return devices_.wants_devices(pod) || (cpus_.is_static() && resources::wants_exclusive_cpus(pod)) || memory_.wants(pod);
}

bool PodAllocator::has(const std::string& uid) const {
  return devices_.allocations().all().contains(uid) || cpus_.has_own(uid) || memory_.has_own(uid);
}

rt::Task<Expected<Unit, WaitingReason>> PodAllocator::allocate(rt::Context ctx, PodPtr pod) {
  if (!wants(*pod)) co_return Unit{};
  ++requests_;
  rt::AsyncMutex::Lock lock;
  if (topology_.policy) {
    auto turn = co_await deciding_.lock(ctx);
    if (!turn) co_return unexpected(turn.error().message);
    lock = std::move(*turn);
  }
  auto given = co_await allocate_all(std::move(ctx), pod);
  if (!given) {
    ++refusals_;
    release(pod->metadata.uid);
  }
  co_return std::move(given);
}

void PodAllocator::write_metrics(std::string& out) const {
  memory_.write_metrics(out);
  if (!topology_.policy) return;
  namespace metrics = component::metrics;
  constexpr std::string_view asked = "kubelet_topology_manager_admission_requests_total", refused = "kubelet_topology_manager_admission_errors_total";
  metrics::write_head(out, asked, "[ALPHA] The number of admission requests where resources have to be aligned.", "counter");
  metrics::write_sample(out, asked, {}, {}, static_cast<double>(requests_));
  metrics::write_head(out, refused, "[ALPHA] The number of admission request failures where resources could not be aligned.", "counter");
  metrics::write_sample(out, refused, {}, {}, static_cast<double>(refusals_));
}

void PodAllocator::release(std::string_view uid) {
  devices_.release(uid);
  cpus_.release(uid);
  memory_.release(uid);
}

}  // namespace pintle::kubelet::allocation
