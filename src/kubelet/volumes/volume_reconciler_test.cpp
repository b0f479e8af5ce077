#include "kubelet/volumes/volume_reconciler.h"

#include <gtest/gtest.h>

#include <deque>

#include "rt/testing.h"

namespace pintle::kubelet::volumes {
namespace {

namespace core = api::core_v1;

// What it is told to do it notes; each step ends as the test says, with Done unless said.
class FakePlugin final : public VolumePlugin {
 public:
  std::string_view name() const override { return "example.com/disk"; }
  bool supports(const VolumeSpec&) const override { return true; }
  std::optional<VolumeTraits> traits(const VolumeSpec& spec) const override {
    VolumeTraits out = of_all;
    out.one_pod = is_of_one_pod(spec);
    return out;
  }
  std::string source(const VolumeSpec& spec) const override { return spec.persistent->spec.csi->volume_handle; }
  VolumeTraits traits_before(const VolumeOnDisk&) const override { return of_all; }

  rt::Task<StepEnd> stage(rt::Context ctx, VolumeSpec spec, std::string attached_path) override {
    co_return co_await step(ctx, "stage " + spec.name() + attached_path);
  }
  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override {
    StepEnd end = co_await step(ctx, "publish " + volume.pod->metadata.uid);
    MountedVolume made;
    made.host_path = "/of/" + volume.pod->metadata.uid;
    co_return Published{std::move(end), std::move(made)};
  }
  rt::Task<StepEnd> unpublish(rt::Context ctx, VolumeOnDisk volume, std::string pod_uid) override {
    co_return co_await step(ctx, "unpublish " + volume.name + " " + pod_uid);
  }
  rt::Task<StepEnd> unstage(rt::Context ctx, VolumeOnDisk volume) override { co_return co_await step(ctx, "unstage " + volume.name); }

  VolumeTraits of_all{.attachable = false, .staged = true, .one_pod = false};
  std::vector<std::string> steps;
  std::map<std::string, std::deque<Outcome>> ends;  // by step
  std::set<std::string> hang;                       // until the context ends

 private:
  rt::Task<StepEnd> step(rt::Context ctx, std::string what) {
    steps.push_back(what);
    EXPECT_EQ(running_++, 0) << what << ": one step at a time";
    if (hang.contains(what))
      (void)co_await rt::sleep_for(ctx, std::chrono::hours(1));
    else
      co_await rt::yield();
    --running_;
    std::deque<Outcome>& next = ends[what];
    if (next.empty()) co_return step_done();
    const Outcome outcome = next.front();
    next.pop_front();
    if (outcome == Outcome::Done) co_return step_done();
    co_return StepEnd{outcome, Status{Reason::InternalError, 0, "no luck", {}}, "MountVolume.MountDevice"};
  }
  int running_ = 0;
};

struct Node {
  Node() : plugin(std::make_shared<FakePlugin>()), reconciler(deps()) {}
  VolumeReconcilerDeps deps() {
    VolumeReconcilerDeps out{rt::Executor::current().runtime(), {}, {}, {}};
    out.warn = [this](const core::Pod& pod, std::string_view reason, const std::string& message) {
      warnings.push_back(pod.metadata.uid + " " + std::string(reason) + ": " + message);
    };
    out.ready = [this](const std::string& uid) { ready.push_back(uid); };
    out.in_use_changed = [this] { ++in_use_changes; };
    return out;
  }
  static PodVolume volume_of(const std::string& uid, const std::function<void(core::PersistentVolume&)>& change = {}) {
    auto pod = std::make_shared<core::Pod>();
    pod->metadata.uid = uid;
    pod->spec.volumes.emplace_back().name = "v";
    auto persistent = std::make_shared<core::PersistentVolume>();
    persistent->metadata.name = "pv";
    persistent->spec.csi.ensure().volume_handle = "h1";
    if (change) change(*persistent);
    PodVolume out;
    out.pod = pod;
    out.spec.entry = std::shared_ptr<const core::Volume>(pod, &pod->spec.volumes[0]);
    out.spec.persistent = persistent;
    return out;
  }
  Result<const MountedVolume*> want(const std::string& uid) { return reconciler.want(volume_of(uid), plugin); }
  rt::Task<bool> released(std::string uid) {
    const auto done = co_await reconciler.release(rt::Context::background().with_timeout(std::chrono::hours(1)), std::move(uid));
    co_return done.has_value();
  }
  std::vector<std::string> take_steps() { return std::exchange(plugin->steps, {}); }

  std::vector<std::string> warnings, ready;
  int in_use_changes = 0;
  std::shared_ptr<FakePlugin> plugin;
  VolumeReconciler reconciler;
};

using Steps = std::vector<std::string>;

void run_node(std::function<rt::Task<void>(Node&)> body) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    Node node;
    co_await body(node);
    co_await node.reconciler.stop();
  });
}

rt::Task<void> let_run() { (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(1)); }

rt::Task<void> check_steps_shared(Node& n) {
  EXPECT_EQ(n.want("a").value(), nullptr);
  EXPECT_EQ(n.want("b").value(), nullptr);
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a", "publish b"}));
  EXPECT_EQ(n.ready, (Steps{"a", "b"}));
  EXPECT_EQ(n.want("b").value()->host_path, "/of/b");
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"unpublish pv a"});
  EXPECT_TRUE(co_await n.released("b"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv b", "unstage pv"}));
  EXPECT_TRUE(co_await n.released("nobody"));
  EXPECT_TRUE(n.warnings.empty());
}
TEST(VolumeReconcilers, StagedOnceAndUnstagedByTheLast) { run_node(check_steps_shared); }

rt::Task<void> check_failures(Node& n) {
  n.plugin->ends["stage pv"] = {Outcome::Unknown};
  n.plugin->ends["unpublish pv a"] = {Outcome::Unknown};
  (void)n.want("a");
  co_await let_run();
  EXPECT_EQ(n.warnings, Steps{"a FailedMount: MountVolume.MountDevice failed for volume \"pv\" : no luck"});
  EXPECT_EQ(n.take_steps(), Steps{"stage pv"}) << "not again before its time";
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a"}));
  EXPECT_FALSE(co_await n.released("a")) << "who waits is told";
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv a", "unpublish pv a", "unstage pv"}));
}
TEST(VolumeReconcilers, AStepThatFailsIsTakenAgain) { run_node(check_failures); }

// It never came to be staged, perhaps in part: undone all the same. What says that it did nothing leaves nothing to undo.
rt::Task<void> check_uncertain(Node& n) {
  n.plugin->ends["stage pv"] = {Outcome::Unknown};
  (void)n.want("a");
  co_await let_run();
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "unstage pv"}));
  n.plugin->ends["stage pv"] = {Outcome::NothingDone};
  (void)n.want("a");
  co_await let_run();
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"stage pv"});
}
TEST(VolumeReconcilers, WhatIsUncertainIsUndone) { run_node(check_uncertain); }

rt::Task<void> check_attached(Node& n) {
  n.plugin->of_all.attachable = true;
  (void)n.want("a");
  co_await let_run();
  EXPECT_TRUE(n.take_steps().empty()) << "it is not attached";
  EXPECT_EQ(n.reconciler.in_use(), std::set<std::string>{"example.com/disk/pv"});
  EXPECT_EQ(n.in_use_changes, 1);
  n.reconciler.set_attached({{"example.com/disk/other", "/dev/x"}});
  n.reconciler.set_attached({{"example.com/disk/pv", "/dev/y"}});
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv/dev/y", "publish a"}));
  EXPECT_TRUE(co_await n.released("a"));
  EXPECT_EQ(n.reconciler.in_use().size(), 1u) << "staged still";
  co_await let_run();
  EXPECT_TRUE(n.reconciler.in_use().empty());
  EXPECT_EQ(n.in_use_changes, 2);
}
TEST(VolumeReconcilers, AttachmentIsWaitedFor) { run_node(check_attached); }

rt::Task<void> check_adopted(Node& n) {
  const VolumeOnDisk pv{"example.com/disk/pv", "pv", false};
  const VolumeOnDisk other{"example.com/disk/other", "other", false};
  n.reconciler.adopt(n.plugin, pv, true, std::nullopt);
  n.reconciler.adopt(n.plugin, pv, false, "runs");
  n.reconciler.adopt(n.plugin, pv, false, "gone");
  n.reconciler.adopt(n.plugin, other, true, std::nullopt);
  n.reconciler.adopted();
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"unstage other"}) << "pods' volumes are left until the pods are known";
  EXPECT_EQ(n.want("runs").value(), nullptr);
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish runs"}));
  EXPECT_TRUE(co_await n.released("gone"));
  EXPECT_TRUE(co_await n.released("runs"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv gone", "unpublish pv runs", "unstage pv"}));
}
TEST(VolumeReconcilers, AnEarlierLifeIsTakenOver) { run_node(check_adopted); }

rt::Task<void> check_one_pod(Node& n) {
  const auto sole = [](core::PersistentVolume& persistent) { persistent.spec.access_modes = {"ReadWriteOncePod"}; };
  (void)n.reconciler.want(n.volume_of("a", sole), n.plugin);
  (void)n.reconciler.want(n.volume_of("b", sole), n.plugin);
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a"}));
  EXPECT_EQ(n.warnings, Steps{"b FailedMount: MountVolume.SetUp failed for volume \"pv\" : volume uses the ReadWriteOncePod access mode and is "
                              "already in use by another pod"});
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv a", "publish b"}));
}
TEST(VolumeReconcilers, ReadWriteOncePod) { run_node(check_one_pod); }

// The PersistentVolume is deleted and made anew, of something else, while a pod still has the first.
rt::Task<void> check_other(Node& n) {
  const auto moved = [](core::PersistentVolume& persistent) { persistent.spec.csi->volume_handle = "h2"; };
  (void)n.want("a");
  co_await let_run();
  const auto refused = n.reconciler.want(n.volume_of("b", moved), n.plugin);
  EXPECT_FALSE(refused);
  if (!refused) {
    EXPECT_EQ(refused.error().message, "another volume of this name is still in use on this node");
  }
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_TRUE(n.reconciler.want(n.volume_of("b", moved), n.plugin));
}
TEST(VolumeReconcilers, AnotherVolumeOfTheName) { run_node(check_other); }

// A step that never ends holds its volume, and the stop of the kubelet ends it.
rt::Task<void> check_hanging(Node& n) {
  n.plugin->hang = {"stage pv"};
  (void)n.want("a");
  co_await let_run();
  const auto waited = co_await n.reconciler.release(rt::Context::background().with_timeout(std::chrono::seconds(1)), "a");
  EXPECT_TRUE(waited) << "nothing is published to it";
  EXPECT_EQ(n.take_steps(), Steps{"stage pv"});
}
// A mount that never ends is broken off when its pod goes, and undone.
rt::Task<void> check_broken_off(Node& n) {
  n.plugin->hang = {"publish a"};
  n.plugin->ends["publish a"] = {Outcome::Unknown};
  (void)n.want("a");
  (void)n.want("b");
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a"}));
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv a", "publish b"}));
  EXPECT_TRUE(n.warnings.empty());
}
TEST(VolumeReconcilers, APodGoesWhileItsMountHangs) { run_node(check_broken_off); }

// What is mounted is published once more, and stays mounted whatever becomes of that.
rt::Task<void> check_renewed(Node& n) {
  (void)n.want("a");
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a"}));
  n.reconciler.renew(n.volume_of("a"), n.plugin);
  n.reconciler.renew(n.volume_of("b"), n.plugin);  // it does not have it
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"publish a"});
  n.plugin->ends["publish a"] = {Outcome::NothingDone};
  n.reconciler.renew(n.volume_of("a"), n.plugin);
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"publish a"}) << "not again before it is asked for";
  EXPECT_TRUE(*n.want("a"));
  EXPECT_TRUE(co_await n.released("a"));
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"unpublish pv a", "unstage pv"}));
}
TEST(VolumeReconcilers, PublishedOnceMore) { run_node(check_renewed); }

// What stood in the way is gone: nobody waits for the end of the back-off.
rt::Task<void> check_retried(Node& n) {
  n.plugin->ends["stage pv"] = {Outcome::NothingDone, Outcome::NothingDone};
  (void)n.want("a");
  co_await let_run();
  EXPECT_EQ(n.take_steps(), Steps{"stage pv"});
  n.reconciler.retry(*n.plugin);
  co_await let_run();
  n.reconciler.retry(*n.plugin);
  co_await let_run();
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "stage pv", "publish a"}));
}
TEST(VolumeReconcilers, TriedAtOnceWhenTold) { run_node(check_retried); }

// What an earlier process left counts as attached until it is known that nobody attaches it.
rt::Task<void> check_not_attached(Node& n) {
  n.plugin->of_all.attachable = true;
  VolumeOnDisk left;
  left.unique_name = n.plugin->unique_name(n.volume_of("a").spec, "a");
  left.name = "pv";
  n.reconciler.adopt(n.plugin, left, true, "a");
  n.reconciler.adopted();
  EXPECT_EQ(n.reconciler.in_use().size(), 1U);
  n.plugin->of_all.attachable = false;
  (void)n.want("a");
  co_await let_run();
  EXPECT_TRUE(n.reconciler.in_use().empty());
  EXPECT_EQ(n.take_steps(), (Steps{"stage pv", "publish a"}));
}
TEST(VolumeReconcilers, NotAttachedAfterAll) { run_node(check_not_attached); }

TEST(VolumeReconcilers, AStepThatHangs) { run_node(check_hanging); }

}  // namespace
}  // namespace pintle::kubelet::volumes
