#include "scheduler/plugins/priority_sort/priority_sort.h"

#include "scheduler/queue/scheduling_queue.h"

namespace pintle::scheduler::plugins {

namespace {

class PrioritySort final : public Plugin, public QueueSortPlugin {
 public:
  bool less(const queue::QueuedPod& a, const queue::QueuedPod& b) const override {
    return a.info->priority != b.info->priority ? a.info->priority > b.info->priority : a.queued_at < b.queued_at;
  }
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_priority_sort(const PluginDeps&, const std::string&) { return std::make_unique<PrioritySort>(); }

}  // namespace pintle::scheduler::plugins
