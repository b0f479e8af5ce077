#include "kubelet/cpu_manager/cpu_placement.h"

#include <set>

#include "component/log.h"

namespace pintle::kubelet::cpu_manager {

namespace log = component::log;

rt::Task<void> CpuPlacement::place(rt::Context ctx, std::vector<PlacedContainer> running) {
  std::set<std::string> ids;
  for (const PlacedContainer& container : running) ids.insert(container.id);
  std::erase_if(told_, [&ids](const auto& entry) { return !ids.contains(entry.first); });
  for (const PlacedContainer& container : running) {
    const auto told = told_.find(container.id);
    if (container.cpus.empty() || (told != told_.end() && told->second == container.cpus)) continue;
    api::cri_v1::UpdateContainerResourcesRequest request;
    request.container_id = container.id;
    request.linux.ensure().cpuset_cpus = container.cpus;
    const auto done = co_await cri_.update_container_resources(ctx, std::move(request));
    if (ctx.done()) co_return;
    if (done) {
      told_[container.id] = container.cpus;
    } else {
      log::info(2, "A container was not moved to its CPUs", {{"container", container.id}, {"cpus", container.cpus}, {"err", done.error().message}});
    }
  }
}

}  // namespace pintle::kubelet::cpu_manager
