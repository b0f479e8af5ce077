#include "controller/garbage/plan.h"

#include <gtest/gtest.h>

#include <map>

#include "controller/testing/text_objects.h"

namespace pintle::controller::garbage {
namespace {

using namespace testing;
using api::meta_v1::ObjectMeta;

// Owners "a:solid b:dangling c:waiting"; their states beside them.
std::pair<ObjectMeta, std::vector<OwnerState>> object_of(const std::string& owners, const std::string& finalizers) {
  std::pair<ObjectMeta, std::vector<OwnerState>> out;
  for (const std::string& word : split(owners, ' ')) {
    const std::string name = word.substr(0, word.find(':')), state = word.substr(word.find(':') + 1);
    auto& ref = out.first.owner_references.emplace_back();
    ref.name = ref.uid = name;
    const std::map<std::string, OwnerState> states = {
        {"solid", OwnerState::Solid}, {"dangling", OwnerState::Dangling}, {"waiting", OwnerState::Waiting}, {"invalid", OwnerState::Invalid}};
    const auto found = states.find(state);
    if (found != states.end()) out.second.push_back(found->second);
    EXPECT_TRUE(found != states.end()) << word;
  }
  out.first.finalizers = split(finalizers, ' ');
  return out;
}

// "nothing", "keep(a)", "delete Background", "delete Foreground unblock"
std::string text_of(const Verdict& verdict) {
  Words out;
  if (verdict.action == Verdict::Do::Nothing) return "nothing";
  if (verdict.action == Verdict::Do::DropOwners) {
    std::vector<std::string> kept;
    for (const auto& ref : verdict.owners_kept) kept.push_back(ref.name);
    out.add("keep", kept);
  } else {
    out.add("delete " + verdict.propagation);
  }
  if (verdict.unblock_owners) out.add("unblock");
  return out.text();
}

enum class Dependents { None, Some, Waiting };

void check(const std::string& owners, Dependents dependents, const std::string& finalizers, const std::string& want) {
  const auto [meta, states] = object_of(owners, finalizers);
  EXPECT_EQ(text_of(judge(meta, states, dependents != Dependents::None, dependents == Dependents::Waiting)), want) << owners;
}

TEST(GarbagePlan, OwnersThatAreThereKeepIt) {
  check("", Dependents::None, "", "nothing");
  check("a:solid", Dependents::None, "", "nothing");
  check("a:solid b:solid", Dependents::None, "", "nothing");
  check("a:solid b:dangling", Dependents::None, "", "keep(a)");
  check("a:dangling b:solid c:waiting d:solid", Dependents::None, "", "keep(b d)");
  check("a:solid b:waiting", Dependents::Some, "", "keep(a)");  // what waits for it is let go
}

TEST(GarbagePlan, WithoutOwnersItGoes) {
  check("a:dangling", Dependents::None, "", "delete Background");
  check("a:dangling b:dangling", Dependents::Some, "", "delete Background");
  check("a:dangling", Dependents::None, "foregroundDeletion", "delete Foreground");  // as it was deleted before
  check("a:dangling", Dependents::None, "orphan", "delete Orphan");
  check("a:dangling", Dependents::None, "x.example/y", "delete Background");
}

// An object in no namespace that names an owner in one.
TEST(GarbagePlan, WithAnOwnerThatCannotBeOneNothingIsDone) {
  check("a:invalid", Dependents::None, "", "nothing");
  check("a:invalid b:dangling", Dependents::Some, "", "nothing");
  check("a:waiting b:invalid", Dependents::Waiting, "foregroundDeletion", "nothing");
  const auto ref = from_yaml<api::meta_v1::OwnerReference>("{apiVersion: apps/v1, kind: Deployment, name: d, uid: u}");
  EXPECT_EQ(misplaced_message(ref, ""), R"(ownerRef [apps/v1/Deployment, namespace: , name: d, uid: u] does not exist in namespace "")");
  EXPECT_EQ(misplaced_message(ref, "x"), R"(ownerRef [apps/v1/Deployment, namespace: x, name: d, uid: u] does not exist in namespace "x")");
}

TEST(GarbagePlan, AnOwnerThatWaits) {
  check("a:waiting", Dependents::None, "", "delete Background");
  check("a:waiting", Dependents::Some, "", "delete Foreground");  // its own dependents first
  check("a:waiting b:dangling", Dependents::Some, "", "delete Foreground");
  check("a:waiting", Dependents::Waiting, "", "delete Foreground unblock");  // perhaps a circle
  check("a:waiting", Dependents::Some, "orphan", "delete Foreground");
}

TEST(GarbagePlan, Patches) {
  const auto meta = from_yaml<ObjectMeta>("{name: x, uid: u, resourceVersion: '7', finalizers: [orphan, a/b, orphan]}");
  EXPECT_EQ(owners_patch(meta, {}), R"({"metadata":{"uid":"u","resourceVersion":"7","ownerReferences":null}})");
  const auto owner = from_yaml<api::meta_v1::OwnerReference>("{apiVersion: v1, kind: Pod, name: p, uid: q}");
  EXPECT_EQ(owners_patch(meta, {owner}),
            R"({"metadata":{"uid":"u","resourceVersion":"7","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"q"}]}})");
  EXPECT_EQ(without_finalizer_patch(meta, "orphan"), R"({"metadata":{"uid":"u","resourceVersion":"7","finalizers":["a/b"]}})");
  EXPECT_EQ(without_finalizer_patch(meta, "none"), R"({"metadata":{"uid":"u","resourceVersion":"7","finalizers":["orphan","a/b","orphan"]}})");
}

}  // namespace
}  // namespace pintle::controller::garbage
