#include "controller/attach_detach/state_of_world.h"

#include <gtest/gtest.h>

namespace pintle::controller::attach_detach {
namespace {

using Names = std::vector<std::string>;
const rules::CsiVolume one{"d.example", "1", "pv-1"}, two{"d.example", "2", "pv-2"}, other{"e.example", "1", "pv-3"};
constexpr rt::TimePoint at(int second) { return rt::TimePoint(std::chrono::seconds(second)); }

TEST(StateOfWorld, PodsComeAndGo) {
  StateOfWorld world;
  EXPECT_EQ(world.set_pod("ns/a", "n", {one, two}, at(1)), (Names{unique_name(one), unique_name(two)}));
  EXPECT_EQ(world.set_pod("ns/a", "n", {one, two}, at(2)), Names{});
  EXPECT_EQ(world.set_pod("ns/b", "n", {one, other}, at(2)), (Names{unique_name(one), unique_name(other)}));
  EXPECT_EQ(world.on_node("n"), (Names{unique_name(one), unique_name(two), unique_name(other)}));
  EXPECT_EQ(world.of_driver("d.example"), (Names{unique_name(one), unique_name(two)}));
  EXPECT_EQ(world.remove_pod("ns/a", at(3)), (Names{unique_name(one), unique_name(two)}));
  EXPECT_EQ(world.place(unique_name(one), "n")->pods, std::set<std::string>{"ns/b"});
  EXPECT_EQ(world.find(unique_name(two)), nullptr) << "nobody needs it and it was not attached";
  EXPECT_EQ(world.remove_pod("ns/b", at(3)).size(), 2u);
  EXPECT_EQ(world.remove_pod("ns/b", at(3)), Names{});
  EXPECT_TRUE(world.empty());
}

TEST(StateOfWorld, WhatIsAttachedStays) {
  StateOfWorld world;
  world.set_pod("ns/a", "n", {one}, at(1));
  world.take_up(one, "n", true, at(2));
  EXPECT_EQ(world.reported_on("n"), Names{unique_name(one)});
  EXPECT_FALSE(world.place(unique_name(one), "n")->unwanted_since);
  world.remove_pod("ns/a", at(3));
  EXPECT_EQ(world.place(unique_name(one), "n")->unwanted_since, at(3));
  world.set_pod("ns/b", "n", {one}, at(4));
  EXPECT_FALSE(world.place(unique_name(one), "n")->unwanted_since);
  world.remove_pod("ns/b", at(5));
  world.forget(unique_name(one), "n");
  EXPECT_TRUE(world.empty());
  EXPECT_EQ(world.reported_on("n"), Names{});
}

TEST(StateOfWorld, FoundAtTheStart) {
  StateOfWorld world;
  world.take_up(*rules::parse_unique_name("kubernetes.io/csi/d.example^1"), "n", true, at(1));
  EXPECT_EQ(world.place(unique_name(one), "n")->unwanted_since, at(1));
  world.set_pod("ns/a", "m", {one}, at(2));
  EXPECT_EQ(world.find(unique_name(one))->volume, one) << "a pod tells more of it";
  world.forget(unique_name(one), "n");
  EXPECT_EQ(world.find(unique_name(one))->places.size(), 1u);
}

}  // namespace
}  // namespace pintle::controller::attach_detach
