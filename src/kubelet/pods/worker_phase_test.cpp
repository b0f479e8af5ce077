#include "kubelet/pods/worker_phase.h"

#include <gtest/gtest.h>

#include <string>

namespace pintle::kubelet::pods {
namespace {

constexpr WorkerPhase phases[] = {WorkerPhase::Syncing, WorkerPhase::Terminating, WorkerPhase::Terminated, WorkerPhase::Finished};

// The next of each phase, in their order: S, T, t, F.
std::string nexts(const PhaseInputs& inputs) {
  std::string out;
  for (const WorkerPhase phase : phases) out += "STtF"[static_cast<std::size_t>(next_phase(phase, inputs))];
  return out;
}

TEST(WorkerPhase, EachGoesOnForItsOwnReasons) {
  EXPECT_EQ(nexts({}), "STtF");
  EXPECT_EQ(nexts({.removed = true}), "TTtF");
  EXPECT_EQ(nexts({.deleted = true}), "TTtF");
  EXPECT_EQ(nexts({.ended = true}), "TTtF");
  EXPECT_EQ(nexts({.terminal = true}), "TTtF");
  EXPECT_EQ(nexts({.completed = true}), "TTtF");
  EXPECT_EQ(nexts({.stopped = true}), "SttF");
  EXPECT_EQ(nexts({.torn_down = true}), "STFF");
}

// A pod whose containers have stopped by themselves is not taken for one that ends, and no phase is left out.
TEST(WorkerPhase, OneAtATime) {
  EXPECT_EQ(nexts({.stopped = true, .torn_down = true}), "StFF");
  const PhaseInputs all{true, true, true, true, true, true, true};
  EXPECT_EQ(nexts(all), "TtFF");
}

}  // namespace
}  // namespace pintle::kubelet::pods
