#include <gtest/gtest.h>

#include "kubelet/static_pods/manifest.h"
#include "kubelet/static_pods/mirror_pods.h"
#include "kubelet/static_pods/static_pod_source.h"
#include "rt/sim/simulation.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::static_pods {
namespace {

using namespace std::chrono_literals;
using api::core_v1::Pod;

constexpr const char* web = R"(apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers:
  - name: web
    image: registry/web:1
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: 100m}}
)";

const ManifestSource source{"/manifests/web.yaml", "Node-1", "2026-01-01T00:00:00Z"};

TEST(StaticPod, NamedDefaultedMarked) {
  const auto pod = parse_static_pod(web, source);
  ASSERT_TRUE(pod.has_value()) << pod.error().message;
  EXPECT_EQ(pod->metadata.name, "web-node-1");
  EXPECT_EQ(pod->metadata.namespace_, "default");
  EXPECT_EQ(pod->metadata.uid.size(), 32u);
  EXPECT_EQ(*pod->metadata.annotations.get("kubernetes.io/config.hash"), pod->metadata.uid);
  EXPECT_EQ(*pod->metadata.annotations.get("kubernetes.io/config.source"), "file");
  EXPECT_EQ(pod->spec.node_name, "Node-1");
  EXPECT_EQ(pod->spec.restart_policy, "Always");
  EXPECT_EQ(pod->spec.containers[0].image_pull_policy, "IfNotPresent");
  EXPECT_EQ(pod->spec.containers[0].ports[0].host_port, 80);
  EXPECT_EQ(pod->spec.containers[0].resources.requests.get("cpu")->text(), "100m");
  EXPECT_EQ(pod->spec.tolerations.back().effect, "NoExecute");
  EXPECT_TRUE(is_static_pod(*pod));
  // The same text elsewhere, and another text, are other pods.
  EXPECT_EQ(parse_static_pod(web, source)->metadata.uid, pod->metadata.uid);
  EXPECT_NE(parse_static_pod(web, {"/other", "Node-1", ""})->metadata.uid, pod->metadata.uid);
  EXPECT_NE(parse_static_pod(std::string(web) + "    command: [x]\n", source)->metadata.uid, pod->metadata.uid);
}

void check_refused(std::string_view text, std::string_view why) {
  const auto pod = parse_static_pod(text, source);
  ASSERT_FALSE(pod.has_value()) << why;
  EXPECT_NE(pod.error().message.find(why), std::string::npos) << pod.error().message;
}
TEST(StaticPod, Refused) {
  const std::string head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: b}]\n";
  check_refused("{", "please check config file");
  check_refused("apiVersion: v1\nkind: Service\n", "not a v1 Pod");
  check_refused("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "name is needed");
  check_refused("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "spec.containers");
  EXPECT_TRUE(parse_static_pod(head, source).has_value());
}

// `more`: what the spec says besides its container, which says `container` besides its name and image.
void check_reference(const std::string& more, std::string_view kind_and_field, const std::string& container = "") {
  const auto pod = parse_static_pod(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: b" + container + "}]\n  " + more + "\n", source);
  if (kind_and_field.empty()) {
    EXPECT_TRUE(pod.has_value()) << more << ": " << pod.error().message;
    return;
  }
  ASSERT_FALSE(pod.has_value()) << more;
  EXPECT_EQ(pod.error().message, "/manifests/web.yaml: static pods may not reference " + std::string(kind_and_field));
}
void check_volume(const std::string& source, std::string_view kind_and_field) {
  check_reference("volumes: [{name: h, emptyDir: {}}, {name: v, " + source + "}]", kind_and_field);
}

TEST(StaticPod, MayNotReferToTheApi) {
  check_reference("serviceAccountName: x", "serviceaccounts: spec.serviceAccountName");
  check_reference("serviceAccount: x", "serviceaccounts: spec.serviceAccount");
  check_reference("imagePullSecrets: [{name: s}]", "secrets: spec.imagePullSecrets");
  check_reference("resourceClaims: [{name: c, resourceClaimName: x}]", "resourceclaims: spec.resourceClaims");
  check_reference("", "secrets: spec.containers[0].envFrom[0].secretRef", ", envFrom: [{secretRef: {name: s}}]");
  check_reference("", "configmaps: spec.containers[0].env[1].valueFrom.configMapKeyRef",
                  ", env: [{name: X, value: x}, {name: Z, valueFrom: {configMapKeyRef: {name: c, key: k}}}]");
  check_volume("secret: {secretName: s}", "secrets: spec.volumes[1].secret");
  check_volume("configMap: {name: c}", "configmaps: spec.volumes[1].configMap");
  check_volume("csi: {driver: d.example.com}", "csidrivers (via CSI volumes): spec.volumes[1].csi");
  check_volume("glusterfs: {endpoints: e, path: p}", "endpoints (via glusterFS volumes): spec.volumes[1].glusterfs");
  check_volume("persistentVolumeClaim: {claimName: c}", "persistentvolumeclaims: spec.volumes[1].persistentVolumeClaim");
  check_volume("ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}",
               "persistentvolumeclaims (via ephemeral volumes): spec.volumes[1].ephemeral");
  check_volume("azureFile: {secretName: s, shareName: x}", "secrets: spec.volumes[1].azureFile");
  check_volume("cephfs: {monitors: [m], secretRef: {name: s}}", "secrets: spec.volumes[1].cephfs.secretRef");
  check_volume("iscsi: {targetPortal: t, iqn: 'iqn.2001-04.com.example:x', lun: 0, secretRef: {name: s}}",
               "secrets: spec.volumes[1].iscsi.secretRef");
  check_volume("projected: {sources: [{downwardAPI: {}}, {configMap: {name: c}}]}", "configmaps: spec.volumes[1].projected.sources[1].configMap");
  check_volume("projected: {sources: [{serviceAccountToken: {path: t}}]}",
               "serviceaccounts (via projected volumes): spec.volumes[1].projected.sources[0].serviceAccountToken");
  check_volume("projected: {sources: [{podCertificate: {signerName: example.com/s, keyType: ED25519}}]}",
               "podcertificates: spec.volumes[1].projected.sources[0].podCertificate");
  check_volume("hostPath: {path: /etc}", "");
  check_volume("nfs: {server: s, path: /p}", "");
  check_volume("cephfs: {monitors: [m]}", "");
}

PodPtr pod_ptr(const char* text) { return std::make_shared<const Pod>(*parse_static_pod(text, source)); }

TEST(MirrorPods, Plan) {
  const PodPtr pod = pod_ptr(web);
  const auto mirror = std::make_shared<Pod>(mirror_of_static_pod(*pod, "Node-1", "node-uid"));
  EXPECT_EQ(mirror->metadata.owner_references[0].uid, "node-uid");
  EXPECT_EQ(*mirror->metadata.annotations.get("kubernetes.io/config.mirror"), pod->metadata.uid);
  EXPECT_TRUE(plan_mirrors({pod}, {mirror}).empty());
  EXPECT_EQ(plan_mirrors({pod}, {}).create.size(), 1u);
  EXPECT_EQ(plan_mirrors({}, {mirror}).remove.size(), 1u);
  const auto outdated = std::make_shared<Pod>(*mirror);
  outdated->metadata.annotations["kubernetes.io/config.mirror"] = "old";
  MirrorPlan plan = plan_mirrors({pod}, {outdated});
  EXPECT_EQ(plan.remove.size(), 1u);
  EXPECT_EQ(plan.create.size(), 0u);  // once the old one is gone
  const auto deleted = std::make_shared<Pod>(*mirror);
  deleted->metadata.deletion_timestamp = api::time_from_unix(1, 0);
  EXPECT_EQ(plan_mirrors({pod}, {deleted}).remove.size(), 1u);
}

rt::Task<void> follow_a_folder() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  rt::Disk& disk = runtime.disk();
  (void)disk.make_directories("/manifests");
  std::vector<std::vector<std::string>> told;
  StaticPodDeps deps{runtime, "/manifests", "n1", [&told](std::vector<PodPtr> pods) {
                       std::vector<std::string> names;
                       for (const PodPtr& pod : pods) names.push_back(pod->metadata.name + pod->metadata.uid);
                       told.push_back(std::move(names));
                     }};
  StaticPodSource pods(std::move(deps));
  pods.start();
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(told.size(), 1u);
  EXPECT_TRUE(told.back().empty());  // it says that there are none
  (void)disk.write("/manifests/web.yaml", web);
  (void)disk.write("/manifests/.hidden.yaml", web);
  (void)disk.write("/manifests/broken.yaml", "{");
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(told.back().size(), 1u);
  const auto before = told.back();
  (void)disk.write("/manifests/web.yaml", std::string(web) + "    command: [x]\n");
  (void)disk.write("/manifests/twin.yaml", web);
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(told.back().size(), 1u);
  EXPECT_NE(told.back(), before);
  (void)disk.remove("/manifests/web.yaml");
  (void)disk.remove("/manifests/twin.yaml");
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_TRUE(told.back().empty());
  co_await pods.stop();
}
TEST(StaticPodSource, FollowsAFolder) { rt::testing::run_sim(follow_a_folder()); }

}  // namespace
}  // namespace pintle::kubelet::static_pods
