#include <gtest/gtest.h>

#include "scheduler/queue/scheduling_queue.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

queue::QueuedPod queued(int32_t priority, int64_t since_seconds) {
  queue::QueuedPod out;
  Pod pod = pod_of("p");
  pod.spec.priority = priority;
  out.info = make_pod_info(std::make_shared<const Pod>(std::move(pod)));
  out.queued_at = rt::TimePoint(std::chrono::seconds(since_seconds));
  return out;
}
void check(const queue::QueuedPod& a, const queue::QueuedPod& b, bool a_first, bool b_first) {
  Scene().run("PrioritySort", "", [&](Scene::World& world) {
    const auto& sort = dynamic_cast<QueueSortPlugin&>(*world.plugin);
    EXPECT_EQ(sort.less(a, b), a_first);
    EXPECT_EQ(sort.less(b, a), b_first);
  });
}

TEST(PrioritySort, HigherFirstThenLonger) {
  check(queued(10, 5), queued(5, 1), true, false);
  check(queued(5, 1), queued(5, 2), true, false);
  check(queued(-5, 1), queued(0, 9), false, true);
  check(queued(5, 1), queued(5, 1), false, false);
}

}  // namespace
}  // namespace pintle::scheduler::plugins
