#include "controller/volume_expander/plan.h"

#include "controller/testing/text_objects.h"

namespace pintle::controller::volume_expander {
namespace {

using namespace testing;
using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;

PersistentVolumeClaim claim_of(const std::string& asked, const std::string& has, const std::string& annotations = "") {
  return from_yaml<PersistentVolumeClaim>("{metadata: {name: c, namespace: d, uid: u, annotations: {" + annotations +
                                          "}}, spec: {resources: {requests: {storage: " + asked + "}}}, status: {capacity: {storage: " + has + "}}}");
}

void check(const PersistentVolumeClaim& claim, const std::string& volume, const std::string& want) {
  const auto plan = plan_expansion(claim, from_yaml<PersistentVolume>(volume));
  EXPECT_EQ(plan ? plan->message + (plan->resizer.empty() ? "" : " | " + plan->resizer) : "nothing", want) << volume;
}

TEST(ExpansionPlan, WhoMakesItLarger) {
  const std::string external = "waiting for an external controller to expand this PVC";
  const std::string csi = "spec: {csi: {driver: d, volumeHandle: h}}";
  check(claim_of("1Gi", "1Gi"), "{" + csi + "}", "nothing");
  check(claim_of("2Gi", "1Gi"), "{" + csi + "}", external);
  check(claim_of("2Gi", "1Gi"), "{spec: {hostPath: {path: /x}}}", external);
  check(claim_of("1Gi", "1Gi"), "{metadata: {annotations: {volume.alpha.kubernetes.io/pre-resize-capacity: 1Gi}}, " + csi + "}", external);
  const std::string migrated = "CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc";
  check(claim_of("2Gi", "1Gi"), "{spec: {awsElasticBlockStore: {volumeID: v}}}", migrated + " | ebs.csi.aws.com");
  check(claim_of("2Gi", "1Gi", "volume.kubernetes.io/storage-resizer: ebs.csi.aws.com"), "{spec: {awsElasticBlockStore: {volumeID: v}}}", migrated);
}

TEST(ExpansionPlan, News) {
  EXPECT_TRUE(is_news(claim_of("1Gi", "1Gi"), claim_of("2Gi", "1Gi")));
  EXPECT_TRUE(is_news(claim_of("2Gi", "1Gi"), claim_of("2Gi", "2Gi")));
  EXPECT_FALSE(is_news(claim_of("2Gi", "1Gi"), claim_of("2048Mi", "1Gi")));
  EXPECT_FALSE(is_news(claim_of("2Gi", "1Gi"), claim_of("1Gi", "1Gi")));
}

TEST(ExpansionPlan, Bound) {
  const auto claim = claim_of("1Gi", "1Gi");
  EXPECT_TRUE(is_bound_to(from_yaml<PersistentVolume>("{spec: {claimRef: {namespace: d, name: c, uid: u}}}"), claim));
  EXPECT_FALSE(is_bound_to(from_yaml<PersistentVolume>("{spec: {claimRef: {namespace: d, name: c, uid: v}}}"), claim));
  EXPECT_FALSE(is_bound_to({}, claim));
}

}  // namespace
}  // namespace pintle::controller::volume_expander
