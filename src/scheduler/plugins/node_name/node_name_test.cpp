#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

TEST(NodeName, TheNodeThatIsAskedFor) {
  const Scene scene = Scene().node("n1").node("n2");
  EXPECT_EQ(scene.filter("NodeName", pod_of("p")), "n1; n2");
  EXPECT_EQ(scene.filter("NodeName", pod_of("p @n2")), "n1: !node(s) didn't match the requested node name; n2");
  EXPECT_EQ(scene.filter("NodeName", pod_of("p @n9")),
            "n1: !node(s) didn't match the requested node name; n2: !node(s) didn't match the requested node name");
}

}  // namespace
}  // namespace pintle::scheduler::plugins
