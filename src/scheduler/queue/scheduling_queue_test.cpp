// The queue in simulated time, with a profile of two plugins that say what a test tells them.
#include "scheduler/queue/scheduling_queue.h"

#include <gtest/gtest.h>

#include "rt/testing.h"
#include "scheduler/framework/metrics.h"

namespace pintle::scheduler::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t fit_bit = 1 << 0;

class ByPriority final : public Plugin, public QueueSortPlugin {
 public:
  bool less(const QueuedPod& a, const QueuedPod& b) const override {
    return a.info->priority != b.info->priority ? a.info->priority > b.info->priority : a.queued_at < b.queued_at;
  }
};
// Cares about new nodes whose name is that of the pod, and says the same to alike pods of those that go; gates pods with scheduling gates.
class Fit final : public Plugin, public PreEnqueuePlugin {
 public:
  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [](const PodInfo& pod, const EventInstance& event) {
      return event.after<Node>()->metadata.name == pod.pod->metadata.name ? QueueingHint::Queue : QueueingHint::Skip;
    };
    HintFunction on_gone = [this](const PodInfo& pod, const EventInstance& event) {
      ++asked;
      const std::string& gone = event.before<Node>()->metadata.name;
      return gone == "all" || gone == "of-" + pod.pod->metadata.name ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add, on_node},
            {EventResource::Node, action::remove, on_gone, true},
            {EventResource::Pod, action::update_pod_scheduling_gates_eliminated, nullptr}};
  }
  mutable int asked = 0;
  PluginStatus pre_enqueue(const PodInfo& pod) override {
    return pod.pod->spec.scheduling_gates.empty() ? PluginStatus() : PluginStatus::of(Code::UnschedulableAndUnresolvable, "gated");
  }
};

struct World {
  component::metrics::Registry registry;
  SchedulerMetrics metrics{registry};
  Profile profile;
  Fit* fit_plugin = nullptr;
  Nominator nominator;
  std::unique_ptr<SchedulingQueue> queue;

  World() {
    auto fit = std::make_unique<Fit>();
    auto sort = std::make_unique<ByPriority>();
    fit->index = 0;
    sort->index = 1;
    profile.pre_enqueue.push_back({fit.get(), 0, "Fit", 1});
    profile.queue_sort.push_back({sort.get(), 1, "Sort", 1});
    profile.plugins.push_back(std::move(fit));
    profile.plugins.push_back(std::move(sort));
    fit_plugin = static_cast<Fit*>(profile.plugins.front().get());
    queue = std::make_unique<SchedulingQueue>(rt::Executor::current().runtime(), QueueOptions(), metrics, [this](const Pod&) { return &profile; });
    queue->add_profile(profile);
  }
  std::string pop() {
    QueuedPod* pod = queue->pop();
    return pod == nullptr ? "" : pod->info->pod->metadata.name;
  }
  void node_added(const std::string& name) {
    auto node = std::make_shared<Node>();
    node->metadata.name = name;
    queue->on_event({{EventResource::Node, action::add, "NodeAdd"}, nullptr, node});
  }
};

PodInfoPtr pod(const std::string& name, int32_t priority = 0, bool gated = false) {
  auto made = std::make_shared<Pod>();
  made->metadata.name = made->metadata.uid = name;
  made->spec.priority = priority;
  if (gated) made->spec.scheduling_gates.resize(1);
  return make_pod_info(made);
}
rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

void in_world(std::function<rt::Task<void>(World&)> steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    World world;
    co_await steps(world);
  });
}

TEST(SchedulingQueue, PopsByPriorityThenAge) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("old"));
    co_await pass(seconds(1));
    world.queue->add(pod("young"));
    world.queue->add(pod("urgent", 10));
    for (const char* expected : {"urgent", "old", "young", ""}) EXPECT_EQ(world.pop(), expected);
    EXPECT_EQ(world.queue->size(Place::InFlight), 3u);
    world.queue->done("old");
    EXPECT_EQ(world.queue->size(Place::InFlight), 2u);
  });
}

TEST(SchedulingQueue, OnlyAHintMovesAnUnschedulablePod) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    EXPECT_EQ(world.pop(), "a");
    world.queue->requeue("a", pod("a"), fit_bit, 0);
    world.node_added("b");
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 1u);
    world.node_added("a");
    EXPECT_EQ(world.queue->size(Place::Backoff), 1u);
    EXPECT_EQ(world.pop(), "a");  // nothing else is ready: its backoff is cut short
    co_return;
  });
}

// Whoever puts a pod back is to know that it has gone, and what it has become.
TEST(SchedulingQueue, APodInFlightIsMarkedAsGone) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    EXPECT_EQ(world.pop(), "a");
    EXPECT_FALSE(world.queue->find("a")->gone);
    world.queue->remove("a");
    EXPECT_TRUE(world.queue->find("a")->gone);
    const PodInfoPtr again = pod("a", 5);
    world.queue->add(again);
    EXPECT_FALSE(world.queue->find("a")->gone);
    EXPECT_EQ(world.queue->find("a")->info, again);
    world.queue->remove("a");
    world.queue->done("a");
    EXPECT_EQ(world.queue->find("a"), nullptr);
    co_return;
  });
}

// What happens while a pod is in flight is not lost.
// However many pods of a shape wait, an event costs one question; those that hope for its node are asked themselves.
TEST(SchedulingQueue, OneSpeaksForAlikePods) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->set_nominator(world.nominator);
    for (int i = 0; i < 100; ++i) world.queue->add(pod("p" + std::to_string(i)));
    world.queue->add(pod("other", 1));
    for (std::string name = world.pop(); !name.empty(); name = world.pop())
      world.queue->requeue(name, pod(name, name == "other" ? 1 : 0), fit_bit, 0);
    const auto gone = [&world](const std::string& name) {
      auto node = std::make_shared<Node>();
      node->metadata.name = name;
      world.fit_plugin->asked = 0;
      world.queue->on_event({{EventResource::Node, action::remove, "NodeDelete"}, node, nullptr});
    };
    gone("of-nobody");
    EXPECT_EQ(world.fit_plugin->asked, 2);
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 101u);
    world.nominator.add(pod("p0"), "of-p0");
    world.nominator.add(pod("p7"), "of-p7");
    gone("of-p7");
    EXPECT_EQ(world.fit_plugin->asked, 3);
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 100u);
    world.queue->remove("p7");
    gone("all");
    EXPECT_EQ(world.fit_plugin->asked, 2);
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 0u);
    co_return;
  });
}

TEST(SchedulingQueue, EventsDuringFlightCount) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    world.queue->add(pod("b"));
    EXPECT_EQ(world.pop(), "a");
    world.node_added("a");
    EXPECT_EQ(world.pop(), "b");
    world.queue->requeue("a", pod("a"), fit_bit, 0);
    world.queue->requeue("b", pod("b"), fit_bit, 0);
    EXPECT_EQ(world.queue->size(Place::Backoff), 1u);
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 1u);
    co_return;
  });
}

// One whose node is decided is tried again after its backoff, should it come back: nobody kept events for it.
TEST(SchedulingQueue, ASettledPodHearsOfNothing) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    EXPECT_EQ(world.pop(), "a");
    world.queue->settle("a");
    world.queue->settle("a");
    world.node_added("b");
    world.queue->update(pod("a", 1));
    world.queue->requeue("a", pod("a"), fit_bit, 0);
    EXPECT_EQ(world.queue->size(Place::Backoff), 1u);
    EXPECT_EQ(world.pop(), "a");
    world.queue->requeue("a", pod("a"), fit_bit, 0);
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 1u);
    co_return;
  });
}

// Errors: for their whole backoff, which doubles and ends at a whole second.
TEST(SchedulingQueue, ErrorsBackOff) {
  in_world([](World& world) -> rt::Task<void> {
    rt::Clock& clock = rt::Executor::current().runtime().clock();
    world.queue->add(pod("a"));
    for (const int expected : {1, 2, 4, 8, 10, 10}) {
      EXPECT_EQ(world.pop(), "a");
      world.queue->requeue("a", pod("a"), 0, 0);
      EXPECT_EQ(world.pop(), "");
      const rt::TimePoint start = clock.now();
      auto ready = co_await world.queue->wait_ready(rt::Context::background());
      EXPECT_TRUE(ready.has_value());
      EXPECT_GE(clock.now() - start, seconds(expected));
      EXPECT_LE(clock.now() - start, seconds(expected + 1) + milliseconds(1));
    }
  });
}

TEST(SchedulingQueue, NothingWaitsForEver) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    EXPECT_EQ(world.pop(), "a");
    world.queue->requeue("a", pod("a"), fit_bit, 0);
    co_await pass(seconds(299));
    EXPECT_EQ(world.queue->size(Place::Unschedulable), 1u);
    co_await pass(seconds(2));
    EXPECT_EQ(world.pop(), "a");
  });
}

TEST(SchedulingQueue, GatesHoldAPodBack) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a", 0, true));
    EXPECT_EQ(world.pop(), "");
    EXPECT_EQ(world.queue->size(Place::Gated), 1u);
    world.queue->update(pod("a"));
    EXPECT_EQ(world.pop(), "a");
    co_return;
  });
}

// scheduler_unschedulable_pods: how many pods each plugin holds back now.
TEST(SchedulingQueue, CountsWhomPluginsHoldBack) {
  in_world([](World& world) -> rt::Task<void> {
    const auto held = [&world](int plugin) { return world.metrics.unschedulable_pods.with({std::string(plugin_name(plugin)), ""}).value(); };
    world.queue->add(pod("a"));
    world.queue->add(pod("b"));
    for (const char* name : {"a", "b"}) {
      EXPECT_EQ(world.pop(), name);
      world.queue->requeue(name, pod(name), fit_bit, 0);
    }
    EXPECT_EQ(held(0), 2);
    world.node_added("a");
    EXPECT_EQ(world.pop(), "a");  // tried again: nobody rejects it
    EXPECT_EQ(held(0), 1);
    world.queue->requeue("a", pod("a"), 0, fit_bit << 1);  // another one does
    EXPECT_EQ(held(0), 1);
    EXPECT_EQ(held(1), 1);
    world.queue->remove("a");
    world.queue->remove("b");
    EXPECT_EQ(held(0), 0);
    EXPECT_EQ(held(1), 0);
    world.queue->add(pod("c", 0, true));
    world.queue->update(pod("c", 1, true));
    EXPECT_EQ(held(0), 1);  // gated
    world.queue->update(pod("c"));
    EXPECT_EQ(held(0), 0);
    co_return;
  });
}

TEST(SchedulingQueue, ForgetsWhatIsDeleted) {
  in_world([](World& world) -> rt::Task<void> {
    world.queue->add(pod("a"));
    world.queue->remove("a");
    EXPECT_EQ(world.pop(), "");
    world.queue->add(pod("b"));
    EXPECT_EQ(world.pop(), "b");
    world.queue->remove("b");  // in flight: until its cycle ends
    EXPECT_EQ(world.queue->size(Place::InFlight), 1u);
    world.queue->done("b");
    EXPECT_EQ(world.queue->find("b"), nullptr);
    co_return;
  });
}

}  // namespace
}  // namespace pintle::scheduler::queue
