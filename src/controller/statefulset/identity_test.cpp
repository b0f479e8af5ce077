#include "controller/statefulset/identity.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::statefulset {
namespace {

using namespace testing;

StatefulSet set_of(const std::string& spec) { return from_yaml<StatefulSet>("{metadata: {name: web, namespace: d}, spec: " + spec + "}"); }

TEST(StatefulSetIdentity, OrdinalsOfNames) {
  const auto check = [](const std::string& name, std::optional<int32_t> want) { EXPECT_EQ(ordinal_of(set_of("{}"), name), want) << name; };
  check("web-0", 0);
  check("web-12", 12);
  check("web-2147483647", 2147483647);
  for (const std::string name : {"web", "web-", "web-x", "web-01", "web--1", "web-2147483648", "webs-1", "other-1"}) check(name, std::nullopt);
}

TEST(StatefulSetIdentity, WhichOrdinalsAreWanted) {
  const auto check = [](const std::string& spec, int32_t ordinal, bool want) {
    EXPECT_EQ(is_wanted(set_of(spec), ordinal), want) << spec << " " << ordinal;
  };
  check("{replicas: 2}", 0, true);
  check("{replicas: 2}", 1, true);
  check("{replicas: 2}", 2, false);
  check("{replicas: 2, ordinals: {start: 5}}", 4, false);  // also below the first
  check("{replicas: 2, ordinals: {start: 5}}", 5, true);
  check("{replicas: 2, ordinals: {start: 5}}", 7, false);
  check("{replicas: 2, ordinals: {start: 2147483647}}", 2147483647, true);
  check("{}", 0, true);
}

TEST(StatefulSetIdentity, PodsAndClaims) {
  const auto set = set_of(
      "{serviceName: svc, selector: {matchLabels: {app: web}}, volumeClaimTemplates: [{metadata: {name: data, labels: {a: b}}}], "
      "template: {metadata: {labels: {app: web}}, spec: {volumes: [{name: data, emptyDir: {}}, {name: other, emptyDir: {}}]}}}");
  const Pod pod = make_pod(set, set.spec.template_, 3, "rev");
  EXPECT_EQ(pod.metadata.name + " " + pod.spec.hostname + "." + pod.spec.subdomain + " " + *pod.metadata.labels.get(revision_label),
            "web-3 web-3.svc rev");
  ASSERT_EQ(pod.spec.volumes.size(), 2u);  // the claim takes the place of the volume of its name
  EXPECT_EQ(pod.spec.volumes[0].name + " " + pod.spec.volumes[0].persistent_volume_claim->claim_name + " " + pod.spec.volumes[1].name,
            "data data-web-3 other");
  EXPECT_TRUE(has_identity(set, pod) && has_storage(set, pod));
  Pod renamed = pod;
  renamed.metadata.labels["apps.kubernetes.io/pod-index"] = "4";
  EXPECT_FALSE(has_identity(set, renamed));
  renamed.spec.volumes.clear();
  EXPECT_FALSE(has_storage(set, renamed));
  const auto claims = claims_of(set, 3);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].metadata.name + " " + *claims[0].metadata.labels.get("app") + *claims[0].metadata.labels.get("a"), "data-web-3 webb");
}

}  // namespace
}  // namespace pintle::controller::statefulset
