#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

// The scores of nodes of 4 cpu and 4Gi: n1 empty, n2 with 2 cpu in use, n3 with 2Gi in use.
void check(const std::string& pod, const std::string& want, const std::string& args = "") {
  const Scene scene = Scene()
                          .node("n1 cpu=4 memory=4Gi pods=9")
                          .node("n2 cpu=4 memory=4Gi pods=9")
                          .node("n3 cpu=4 memory=4Gi pods=9")
                          .pod("u @n2 cpu=2")
                          .pod("v @n3 memory=2Gi");
  EXPECT_EQ(scene.score("NodeResourcesBalancedAllocation", pod_of(pod), args), want) << pod;
}

// 75 where the pod changes no balance, more where it makes it better, less where worse.
TEST(NodeResourcesBalancedAllocation, Scores) {
  check("p", "skip");
  check("p cpu=1 memory=1Gi", "n1=75 n2=75 n3=75");
  check("p cpu=2", "n1=62 n2=62 n3=87");
  check("p memory=2Gi", "n1=62 n2=87 n3=62");
}

TEST(NodeResourcesBalancedAllocation, Arguments) {
  const auto refused = [](const std::string& args) { return Scene().refusal("NodeResourcesBalancedAllocation", args); };
  EXPECT_EQ(refused(R"({"resources": [{"name": "cpu", "weight": 1}]})"), "");
  EXPECT_NE(refused(R"({"resources": [{"name": "cpu", "weight": 2}]})"), "");
}

}  // namespace
}  // namespace pintle::scheduler::plugins
