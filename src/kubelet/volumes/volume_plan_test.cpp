#include "kubelet/volumes/volume_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

namespace pintle::kubelet::volumes {
namespace {

using Uids = std::vector<std::string>;

constexpr VolumeTraits disk{.attachable = true, .staged = true, .one_pod = false};
constexpr VolumeTraits unshared{.attachable = false, .staged = false, .one_pod = false};
constexpr VolumeTraits sole{.attachable = true, .staged = true, .one_pod = true};

NodeVolume volume_of(VolumeTraits traits, Presence staged, std::map<std::string, VolumePlace, std::less<>> pods = {}) {
  NodeVolume out;
  out.traits = traits;
  out.stage.presence = staged;
  out.pods = std::move(pods);
  return out;
}

VolumePlace place(Presence presence) {
  VolumePlace out;
  out.presence = presence;
  return out;
}

std::string text_of(const VolumePlan& plan) {
  static constexpr std::string_view steps[] = {"stage", "publish", "unpublish", "unstage"};
  static constexpr std::string_view waits[] = {"attachment", "step", "backoff", "other pod"};
  std::string out;
  for (const VolumeStep& step : plan.steps) out.append(steps[static_cast<int>(step.kind)]).append(" ").append(step.pod_uid).append("; ");
  for (const auto& [uid, why] : plan.waits) out.append(uid).append(" waits for ").append(waits[static_cast<int>(why)]).append("; ");
  if (plan.forget) out += "forget; ";
  return out;
}

void check_plan(const NodeVolume& volume, const Uids& wanted, bool attached, const std::string& text) {
  EXPECT_EQ(text_of(plan(volume, wanted, attached)), text);
}

TEST(VolumePlans, AStepAfterTheOther) {
  check_plan(volume_of(disk, Presence::Absent), {"a"}, false, "a waits for attachment; ");
  check_plan(volume_of(disk, Presence::Absent), {"a", "b"}, true, "stage ; a waits for step; b waits for step; ");
  check_plan(volume_of(disk, Presence::Present), {"a", "b"}, true, "publish a; a waits for step; b waits for step; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Present)}}), {"a"}, true, "");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Present)}}), {"a"}, false, "");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Present)}}), {"b"}, true, "unpublish a; b waits for step; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Present)}}), {}, true, "unpublish a; ");
  check_plan(volume_of(disk, Presence::Present), {}, true, "unstage ; ");
  check_plan(volume_of(disk, Presence::Present), {}, false, "unstage ; ");
  check_plan(volume_of(disk, Presence::Absent), {}, true, "forget; ");
  // Nothing is shared: all at once.
  check_plan(volume_of(unshared, Presence::Absent, {{"a", place(Presence::Present)}}), {"b", "c"}, false,
             "unpublish a; publish b; publish c; b waits for step; c waits for step; ");
}

TEST(VolumePlans, WhatIsUncertain) {
  check_plan(volume_of(disk, Presence::Uncertain), {"a"}, true, "stage ; a waits for step; ");
  check_plan(volume_of(disk, Presence::Uncertain), {}, true, "unstage ; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Uncertain)}}), {"a"}, true, "publish a; a waits for step; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", place(Presence::Uncertain)}}), {}, true, "unpublish a; ");
  check_plan(volume_of(disk, Presence::Uncertain, {{"a", place(Presence::Uncertain)}}), {"a"}, true, "stage ; a waits for step; ");
  check_plan(volume_of(disk, Presence::Uncertain, {{"a", place(Presence::Uncertain)}}), {"a"}, false, "a waits for attachment; ");
}

TEST(VolumePlans, WhatIsHeldForAPod) {
  VolumePlace held = place(Presence::Uncertain);
  held.held = true;
  check_plan(volume_of(disk, Presence::Uncertain, {{"a", held}}), {}, true, "");
  check_plan(volume_of(disk, Presence::Uncertain, {{"a", held}}), {"b"}, true, "stage ; b waits for step; ");
  check_plan(volume_of(sole, Presence::Present, {{"a", held}}), {"b"}, true, "b waits for other pod; ");
  check_plan(volume_of(disk, Presence::Uncertain), {}, true, "unstage ; ");
}

TEST(VolumePlans, AfterAFailure) {
  NodeVolume stage = volume_of(disk, Presence::Uncertain);
  stage.stage.backing_off = StepKind::Stage;
  check_plan(stage, {"a"}, true, "a waits for backoff; ");
  check_plan(stage, {}, true, "unstage ; ");
  // One that cannot be unpublished holds no other.
  VolumePlace stuck = place(Presence::Uncertain);
  stuck.backing_off = StepKind::Unpublish;
  check_plan(volume_of(disk, Presence::Present, {{"a", stuck}}), {"b"}, true, "publish b; b waits for step; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", stuck}}), {}, true, "");
  check_plan(volume_of(sole, Presence::Present, {{"a", stuck}}), {"b"}, true, "b waits for other pod; ");
}

TEST(VolumePlans, WhileAStepRuns) {
  VolumePlace publishing = place(Presence::Absent);
  publishing.running = StepKind::Publish;
  check_plan(volume_of(disk, Presence::Present, {{"a", publishing}}), {"a", "b"}, true, "a waits for step; b waits for step; ");
  check_plan(volume_of(disk, Presence::Present, {{"a", publishing}}), {}, true, "");
  check_plan(volume_of(unshared, Presence::Absent, {{"a", publishing}}), {"b"}, true, "publish b; b waits for step; ");
}

TEST(VolumePlans, OnePodAlone) {
  check_plan(volume_of(sole, Presence::Present), {"b", "a"}, true, "publish b; a waits for other pod; b waits for step; ");
  check_plan(volume_of(sole, Presence::Present, {{"a", place(Presence::Uncertain)}}), {"b", "a"}, true,
             "publish a; a waits for step; b waits for other pod; ");
  check_plan(volume_of(sole, Presence::Present, {{"a", place(Presence::Present)}}), {"b"}, true, "unpublish a; b waits for other pod; ");
}

// What is mounted in truth, however steps ended.
struct Truth {
  bool staged = false;
  std::set<std::string> published;

  void carry_out(const VolumeStep& step) {
    switch (step.kind) {
      case StepKind::Stage: staged = true; break;
      case StepKind::Unstage: staged = false; break;
      case StepKind::Publish: published.insert(step.pod_uid); break;
      case StepKind::Unpublish: published.erase(step.pod_uid); break;
    }
  }
};

// One volume of a node whose pods come and go, whose steps end in any way and whose kubelet starts anew.
class Life {
 public:
  Life(VolumeTraits traits, unsigned seed) : traits_(traits), random_(seed) {}

  void run(int events) {
    for (int i = 0; i < events && !::testing::Test::HasFatalFailure(); ++i) {
      happen();
      proceed();
    }
  }
  // All goes well from now on: what is wanted is there, and nothing else.
  void settle() {
    attached_ = true;
    let_go();
    for (int i = 0; i < 100; ++i) {
      while (!running_.empty()) end(0, Outcome::Done, true);
      end_backoffs();
      proceed();
      if (running_.empty()) break;
    }
    EXPECT_TRUE(running_.empty());
    EXPECT_EQ(truth_.staged, traits_.staged && !wanted_.empty());
    const std::set<std::string> wanted(wanted_.begin(), wanted_.end());
    if (traits_.one_pod)
      EXPECT_EQ(truth_.published.size(), wanted.empty() ? 0u : 1u);
    else
      EXPECT_EQ(truth_.published, wanted);
    EXPECT_EQ(volumes_.find(name) == nullptr, wanted.empty());
    for (const std::string& uid : wanted) EXPECT_EQ(volumes_.of_pod(uid).size(), truth_.published.count(uid));
  }

 private:
  static constexpr const char* name = "example.com/disk^v1";

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  std::string some_pod() { return std::string(1, static_cast<char>('a' + below(4))); }

  void happen() {
    switch (below(8)) {
      case 0:
      case 1: come(some_pod()); break;
      case 2:
      case 3: std::erase(wanted_, some_pod()); break;
      case 4: attached_ = below(2) == 0; break;
      case 5:
        end_backoffs();
        let_go();
        break;
      case 6:
        if (!running_.empty()) end(below(static_cast<unsigned>(running_.size())), static_cast<Outcome>(below(3)), below(2) == 0);
        break;
      default:
        if (below(10) == 0) start_anew();
    }
  }
  void come(const std::string& uid) {
    if (std::ranges::find(wanted_, uid) == wanted_.end()) wanted_.push_back(uid);
    volumes_.enter(name, traits_);
    volumes_.let_go(name, uid);
  }
  void start_anew() {
    for (const VolumeStep& step : running_)
      if (below(2) == 0) truth_.carry_out(step);
    running_.clear();
    failed_.clear();
    volumes_ = NodeVolumes();
    if (truth_.staged || !truth_.published.empty()) volumes_.adopt(name, traits_, truth_.staged, {truth_.published.begin(), truth_.published.end()});
    if (!wanted_.empty()) volumes_.enter(name, traits_);
    for (const std::string& uid : truth_.published) held_.insert(uid);
  }
  // Pods that an earlier life had are known again: those that are wanted want it, the others are gone.
  void let_go() {
    for (const std::string& uid : std::exchange(held_, {}))
      if (volumes_.find(name)) volumes_.let_go(name, uid);
  }
  void end_backoffs() {
    for (const VolumeStep& step : std::exchange(failed_, {})) volumes_.end_backoff(name, step);
  }
  void end(std::size_t at, Outcome outcome, bool carried_out) {
    const VolumeStep step = running_[at];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    if (outcome == Outcome::Done || (outcome == Outcome::Unknown && carried_out)) truth_.carry_out(step);
    volumes_.end(name, step, outcome);
    if (outcome != Outcome::Done) failed_.push_back(step);
  }
  void proceed() {
    const NodeVolume* volume = volumes_.find(name);
    if (!volume) return;
    const VolumePlan next = plan(*volume, wanted_, attached_);
    for (const VolumeStep& step : next.steps) {
      check_allowed(step);
      volumes_.begin(name, step);
      running_.push_back(step);
    }
    ASSERT_TRUE(running_.size() <= 1 || !traits_.shared());
    for (const std::string& uid : wanted_) EXPECT_TRUE(next.waits.contains(uid) || truth_.published.contains(uid));
    if (!next.forget) return;
    ASSERT_TRUE(!truth_.staged && truth_.published.empty()) << "undone before it is forgotten";
    volumes_.forget(name);
  }
  void check_allowed(const VolumeStep& step) {
    const bool wanted = std::ranges::find(wanted_, step.pod_uid) != wanted_.end();
    switch (step.kind) {
      case StepKind::Stage: ASSERT_TRUE(attached_ || !traits_.attachable); break;
      case StepKind::Unstage: ASSERT_TRUE(truth_.published.empty() && wanted_.empty()); break;
      case StepKind::Unpublish: ASSERT_FALSE(wanted); break;
      case StepKind::Publish:
        ASSERT_TRUE(wanted && (attached_ || !traits_.attachable) && (truth_.staged || !traits_.staged));
        ASSERT_TRUE(!traits_.one_pod || truth_.published.empty() || truth_.published == std::set<std::string>{step.pod_uid});
        break;
    }
  }

  const VolumeTraits traits_;
  std::mt19937 random_;
  NodeVolumes volumes_;
  Truth truth_;
  Uids wanted_;
  bool attached_ = false;
  std::vector<VolumeStep> running_, failed_;
  std::set<std::string> held_;
};

TEST(VolumePlans, WhateverHappens) {
  for (unsigned seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const VolumeTraits traits{.attachable = (seed & 1) != 0, .staged = (seed & 2) != 0, .one_pod = (seed & 4) != 0};
    Life life(traits, seed);
    life.run(300);
    life.settle();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace pintle::kubelet::volumes
