#include "controller/statefulset/claim_owners.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::statefulset {
namespace {

using namespace testing;

// Two pods from ordinal 1 on; the policy "whenDeleted whenScaled".
StatefulSet set_of(const std::string& policy) {
  StatefulSet set;
  set.metadata.name = "web";
  set.metadata.uid = "s1";
  set.spec.replicas = 2;
  set.spec.ordinals.ensure().start = 1;
  auto& retention = set.spec.persistent_volume_claim_retention_policy.ensure();
  const auto words = split(policy, ' ');
  retention.when_deleted = words[0];
  retention.when_scaled = words[1];
  return set;
}

// "web:s1* pod:p0 Other/x:u*": the set, the pod, others; a star: as a controller.
PersistentVolumeClaim claim_of(const std::string& owners, const std::string& pod) {
  PersistentVolumeClaim claim;
  for (std::string word : split(owners, ' ')) {
    auto& ref = claim.metadata.owner_references.emplace_back();
    if (word.ends_with('*')) {
      ref.controller = true;
      word.pop_back();
    }
    const std::string who = word.substr(0, word.find(':'));
    ref.uid = word.substr(word.find(':') + 1);
    ref.api_version = who == "web" ? "apps/v1" : "v1";
    ref.kind = who == "web" ? "StatefulSet" : who == "pod" ? "Pod" : "Other";
    ref.name = who == "pod" ? pod : who;
  }
  return claim;
}

void check(const std::string& policy, const std::string& pod, const std::string& owners, const std::string& want) {
  Pod object;
  object.metadata.name = pod;
  object.metadata.uid = "p1";
  const auto planned = plan_owners(claim_of(owners, pod), set_of(policy), object);
  Words out;
  if (!planned) out.add("as it is");
  for (const auto& ref : planned.value_or(std::vector<api::meta_v1::OwnerReference>()))
    out.add((ref.kind == "Pod" ? "pod" : ref.name) + ":" + ref.uid + (ref.controller.value_or(false) ? "*" : ""));
  EXPECT_EQ(out.text(), want) << policy << ", " << pod << " of " << owners;
}

TEST(ClaimOwners, ByThePolicy) {
  check("Retain Retain", "web-1", "", "as it is");
  check("Retain Retain", "web-0", "web:s1* x:u", "x:u");
  check("Delete Retain", "web-1", "", "web:s1*");
  check("Delete Retain", "web-0", "", "web:s1*");
  check("Delete Retain", "web-1", "web:s1*", "as it is");
  check("Delete Delete", "web-1", "", "web:s1*");
  check("Delete Delete", "web-2", "pod:p1*", "web:s1*");  // wanted again
  check("Delete Delete", "web-3", "web:s1*", "pod:p1*");
  check("Retain Delete", "web-0", "", "pod:p1*");  // below the first ordinal
  check("Retain Delete", "web-3", "pod:p1*", "as it is");
  check("Retain Delete", "web-1", "web:s1*", "");
}

TEST(ClaimOwners, OnlyWhereNobodyElseControls) {
  check("Delete Retain", "web-1", "x:u", "x:u web:s1*");
  check("Delete Retain", "web-1", "x:u*", "as it is");
  check("Delete Retain", "web-1", "x:u* web:s1*", "x:u*");
  check("Retain Retain", "web-1", "x:u* web:s1*", "x:u*");
  check("Delete Retain", "web-1", "web:s1", "web:s1*");  // as a controller, like upstream
  // A former self's: not touched.
  check("Delete Retain", "web-1", "web:s0*", "as it is");
  check("Retain Delete", "web-3", "pod:p0*", "as it is");
}

TEST(ClaimOwners, Stale) {
  const auto check_stale = [](const std::string& policy, const std::string& owners, bool want) {
    EXPECT_EQ(is_stale(claim_of(owners, "web-1"), set_of(policy), "web-1"), want) << policy << " " << owners;
  };
  check_stale("Retain Delete", "pod:p0*", true);
  check_stale("Retain Delete", "", false);
  check_stale("Delete Delete", "web:s1*", false);
  check_stale("Delete Retain", "pod:p0*", false);  // its claims are for the next one
}

}  // namespace
}  // namespace pintle::controller::statefulset
