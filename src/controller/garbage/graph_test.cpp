#include "controller/garbage/graph.h"

#include <gtest/gtest.h>

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
  EXPECT_TRUE(w.graph.find("o")->is_virtual);
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
