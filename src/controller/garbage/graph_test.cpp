#include "controller/garbage/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "controller/garbage/plan.h"

namespace pintle::controller::garbage {
namespace {

using api::meta_v1::ObjectMeta;
using api::meta_v1::OwnerReference;

OwnerReference owned_by(const char* uid, bool blocking = true) {
  OwnerReference ref;
  ref.api_version = "apps/v1";
  ref.kind = "Owner";
  ref.name = ref.uid = uid;
  ref.block_owner_deletion = blocking;
  return ref;
}

struct World {
  Graph graph;
  Work see(const char* uid, std::vector<OwnerReference> owners = {}, std::vector<std::string> finalizers = {}, bool deleting = false,
           const char* ns = "a") {
    ObjectMeta meta;
    meta.name = meta.uid = uid;
    meta.namespace_ = ns;
    meta.owner_references = std::move(owners);
    meta.finalizers = std::move(finalizers);
    if (deleting) meta.deletion_timestamp = api::time_from_unix(1, 0);
    return graph.observe({"apps", "Owner", ns, uid, uid}, meta, [](std::string_view, std::string_view) { return true; });
  }
};

TEST(Graph, AsksAboutOwnersThatItHasNotSeen) {
  World w;
  EXPECT_EQ(w.see("child", {owned_by("o")}).collect, std::set<std::string>{"o"});
  EXPECT_TRUE(w.graph.find("o")->is_virtual());
  EXPECT_EQ(w.graph.remove("o").collect, std::set<std::string>{"child"});  // it is absent: look at the child
  EXPECT_TRUE(w.see("other").collect.empty());
}

TEST(Graph, TellsOfOwnersInAnotherNamespace) {
  using Pairs = std::set<std::pair<std::string, std::string>>;
  World w;
  w.see("o");
  EXPECT_TRUE(w.see("child", {owned_by("o")}).misplaced.empty());
  EXPECT_EQ(w.see("far", {owned_by("o")}, {}, false, "b").misplaced, (Pairs{{"far", "o"}}));
  EXPECT_EQ(w.see("wide", {owned_by("o")}, {}, false, "").misplaced, (Pairs{{"wide", "o"}}));
  EXPECT_TRUE(w.see("wide", {owned_by("o")}, {}, false, "").misplaced.empty());   // told once
  EXPECT_TRUE(w.see("early", {owned_by("p")}, {}, false, "").misplaced.empty());  // not seen yet
  EXPECT_EQ(w.see("p").misplaced, (Pairs{{"early", "p"}}));
}

TEST(Graph, AnOwnerThatGoesSendsForItsDependents) {
  World w;
  w.see("o");
  EXPECT_TRUE(w.see("child", {owned_by("o")}).collect.empty());
  EXPECT_EQ(w.graph.remove("o").collect, std::set<std::string>{"child"});
}

TEST(Graph, ForegroundLooksAtAllAndWaitsForThoseThatBlock) {
  World w;
  w.see("o");
  w.see("x", {owned_by("o")});
  w.see("y", {owned_by("o", false)});
  EXPECT_EQ(w.see("o", {}, {std::string(foreground_finalizer)}, true).collect, (std::set<std::string>{"o", "x", "y"}));
  EXPECT_EQ(w.graph.blocking_dependents(*w.graph.find("o")).size(), 1u);
  EXPECT_EQ(w.graph.remove("x").collect, std::set<std::string>{"o"});
  EXPECT_TRUE(w.graph.blocking_dependents(*w.graph.find("o")).empty());
}

TEST(Graph, OrphaningIsAskedForOnce) {
  World w;
  w.see("o");
  EXPECT_EQ(w.see("o", {}, {std::string(orphan_finalizer)}, true).orphan, std::set<std::string>{"o"});
  EXPECT_TRUE(w.see("o", {}, {std::string(orphan_finalizer)}, true).orphan.empty());
}

TEST(Graph, NoOwnerAcrossNamespaces) {
  World w;
  w.see("o", {}, {}, false, "b");
  EXPECT_EQ(w.see("child", {owned_by("o")}).collect, std::set<std::string>{"child"});
}

TEST(Graph, AnOwnerThatCameBackIsAskedAboutAgain) {
  World w;
  w.see("o");
  w.see("x", {owned_by("o")});
  w.see("y", {owned_by("o")});
  EXPECT_EQ(w.graph.remove("o").collect, (std::set<std::string>{"x", "y"}));
  EXPECT_EQ(w.graph.find("o"), nullptr);
  EXPECT_TRUE(w.graph.remove("o").collect.empty());
  EXPECT_TRUE(w.see("x", {owned_by("o")}).collect.empty());  // told once
  EXPECT_EQ(w.see("z", {owned_by("o")}).collect, std::set<std::string>{"o"});
  for (const char* uid : {"x", "y", "z"}) w.graph.remove(uid);
  EXPECT_EQ(w.graph.size(), 0u);
}

TEST(Graph, OneThatOwnsItselfGoes) {
  World w;
  w.see("o", {owned_by("o")});
  w.see("o", {owned_by("o"), owned_by("p")});
  w.graph.remove("o");
  EXPECT_EQ(w.graph.size(), 0u);
}

// Links are kept from both sides by place: after any history they say what the objects say, and nothing stays behind.
TEST(Graph, SaysWhatTheObjectsSayAfterAnyHistory) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  World w;
  std::map<std::string, std::map<std::string, bool>> seen;
  for (int step = 0; step < 20000; ++step) {
    const std::string uid = "u" + std::to_string(below(40));
    if (below(4) == 0) {
      w.graph.remove(uid);
      seen.erase(uid);
    } else {
      std::map<std::string, bool> owners;
      std::vector<OwnerReference> refs;
      for (unsigned i = below(4); i > 0; --i) owners["u" + std::to_string(below(40))] = below(2) == 0;
      for (const auto& [owner, blocks] : owners) refs.push_back(owned_by(owner.c_str(), blocks));
      std::shuffle(refs.begin(), refs.end(), random);
      w.see(uid.c_str(), refs);
      seen[uid] = owners;
    }
    const std::string asked = "u" + std::to_string(below(40));
    const Node* node = w.graph.find(asked);
    ASSERT_EQ(node != nullptr && !node->is_virtual(), seen.contains(asked));
    if (node == nullptr) continue;
    std::map<std::string, bool> owners, dependents, told;
    for (const Node::Owner& one : node->owners()) owners[one.node->uid()] = one.blocks;
    ASSERT_EQ(owners, seen.contains(asked) ? seen[asked] : owners);
    for (const Node::Dependent& one : node->dependents()) told[one.node->uid()] = one.node->owners()[one.place].blocks;
    for (const auto& [dependent, refs] : seen)
      if (const auto ref = refs.find(asked); ref != refs.end()) dependents[dependent] = ref->second;
    ASSERT_EQ(told, dependents);
  }
  for (int i = 0; i < 40; ++i) w.graph.remove("u" + std::to_string(i));
  EXPECT_EQ(w.graph.size(), 0u);
}

TEST(Judge, DecidesByTheOwnersThatAreThere) {
  using enum OwnerState;
  ObjectMeta meta;
  meta.owner_references = {owned_by("1"), owned_by("2")};
  EXPECT_EQ(judge(meta, {Solid, Solid}, false, false).action, Verdict::Do::Nothing);
  EXPECT_EQ(judge(meta, {Solid, Dangling}, false, false).action, Verdict::Do::DropOwners);
  EXPECT_EQ(judge(meta, {Solid, Dangling}, false, false).owners_kept.size(), 1u);
  EXPECT_EQ(judge(meta, {Dangling, Dangling}, true, false).propagation, "Background");
  EXPECT_EQ(judge(meta, {Dangling, Waiting}, true, false).propagation, "Foreground");
  EXPECT_EQ(judge(meta, {Dangling, Waiting}, false, false).propagation, "Background");
  EXPECT_TRUE(judge(meta, {Waiting, Waiting}, true, true).unblock_owners);
  meta.finalizers = {std::string(orphan_finalizer)};
  EXPECT_EQ(judge(meta, {Dangling, Dangling}, true, false).propagation, "Orphan");
}

}  // namespace
}  // namespace pintle::controller::garbage
