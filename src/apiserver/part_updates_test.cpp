// What the parts of an object may change: a resize of a pod, its ephemeral containers, status; and what configured webhooks
// and policies do while nothing calls them.
#include <functional>

#include <gtest/gtest.h>

#include "apiserver/testing/in_process.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using testing::Answer;
using testing::InProcessServer;
using Steps = std::function<rt::Task<void>(InProcessServer&)>;

rt::Task<void> run_server(Steps steps) {
  ApiServerOptions options;
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_await steps(**server);
  co_await (*server)->stop();
}
void with_server(Steps steps) { rt::testing::run_task(run_server(std::move(steps))); }

const std::string pods = "/api/v1/namespaces/default/pods";
const std::string strategic = "application/strategic-merge-patch+json";
const std::string merge = "application/merge-patch+json";
const std::string markings = R"("metadata":{"labels":{"a":"b"},"annotations":{"a":"b"},"finalizers":["example.com/f"],)"
                             R"("ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"u"}]})";

constexpr const char* marked_fields[] = {"metadata.labels", "metadata.annotations", "metadata.finalizers", "metadata.ownerReferences"};

rt::Task<void> make(InProcessServer& server, std::string path, std::string body) {
  const Answer made = co_await server.ask("POST", path, body);
  EXPECT_EQ(made.status, 201) << made.body;
}

// A Linux node of 2 cpus and a pod on it.
rt::Task<void> make_pod(InProcessServer& server) {
  co_await make(server, "/api/v1/namespaces/default/serviceaccounts", R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  co_await make(
      server, "/api/v1/nodes",
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n","labels":{"kubernetes.io/os":"linux"}},"status":{"allocatable":{"cpu":"2","memory":"4Gi"}}})");
  co_await make(
      server, pods,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"nodeName":"n","initContainers":[{"name":"i","image":"x"}],"containers":[
    {"name":"c","image":"x","resources":{"requests":{"cpu":"100m","memory":"64Mi"}}},{"name":"d","image":"x"}]}})");
}

rt::Task<void> expect_resize(InProcessServer& server, std::string body, std::string type, int status, std::string why) {
  const Answer answer = co_await server.ask("PATCH", pods + "/p/resize", body, type);
  EXPECT_EQ(answer.status, status) << body << answer.body;
  EXPECT_NE(answer.body.find(why), std::string::npos) << why << " " << answer.body;
}

std::string resources(const std::string& text) { return R"({"spec":{"containers":[{"name":"c",)" + text + "}]}}"; }

rt::Task<void> resize(InProcessServer& server) {
  co_await make_pod(server);
  const std::string grow = R"({"spec":{"containers":[{"name":"c","image":"other","resources":{"requests":{"cpu":"200m"}}}]},)" + markings + "}";
  const Answer grown = co_await server.ask("PATCH", pods + "/p/resize", grow, strategic);
  EXPECT_EQ(grown.status, 200) << grown.body;
  EXPECT_EQ(grown.at("spec.containers.0.resources.requests.cpu"), "200m");
  EXPECT_EQ(grown.at("spec.containers.0.image"), "x") << "no more than resources";
  for (const char* field : marked_fields) EXPECT_EQ(grown.at(field), "") << field;
  EXPECT_EQ(grown.at("metadata.generation"), "2");
  co_await expect_resize(server, resources(R"("resources":{"requests":{"example.com/gpu":"1"},"limits":{"example.com/gpu":"1"}})"), strategic, 422,
                         "only cpu and memory resources are mutable");
  co_await expect_resize(server, resources(R"("resources":{"limits":{"ephemeral-storage":"1Gi"}})"), strategic, 422,
                         "only cpu and memory resources are mutable");
  co_await expect_resize(server, resources(R"("resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}])"), strategic, 422,
                         "only cpu and memory resources are mutable");
  co_await expect_resize(server, resources(R"("resources":{"requests":{"memory":null}})"), strategic, 422, "resource requests cannot be removed");
  co_await expect_resize(server, R"({"spec":{"containers":[{"name":"d","image":"x"},{"name":"c","image":"x"}]}})", merge, 422,
                         "containers may not be renamed or reordered on resize");
  co_await expect_resize(server, R"({"spec":{"containers":[{"name":"c","image":"x"}]}})", merge, 422,
                         "containers may not be added or removed on resize");
  const std::string all = R"({"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1","memory":"1Gi"}})";
  co_await expect_resize(server,
                         R"({"spec":{"containers":[{"name":"c","resources":)" + all + R"(},{"name":"d","resources":)" + all +
                             R"(}],"initContainers":[{"name":"i","resources":)" + all + "}]}}",
                         strategic, 422, "Pod QOS Class may not change as a result of resizing");
}
TEST(PartUpdates, ResizeIsAboutCpuAndMemory) { with_server(resize); }

rt::Task<void> resize_and_node(InProcessServer& server) {
  co_await make_pod(server);
  co_await expect_resize(server, resources(R"("resources":{"requests":{"cpu":"3"}})"), strategic, 403, "NodeCapacity");
  co_await expect_resize(server, R"({"spec":{"initContainers":[{"name":"i","resources":{"requests":{"cpu":"10m"}}}]}})", strategic, 403,
                         "InPlacePodVerticalScalingInitContainers");
  const std::string running =
      R"({"status":{"containerStatuses":[{"name":"c","image":"x","imageID":"","ready":true,"restartCount":0,"state":{"running":{}}}]}})";
  const Answer reported = co_await server.ask("PATCH", pods + "/p/status", running, merge);
  EXPECT_EQ(reported.status, 200) << reported.body;
  co_await expect_resize(server, resources(R"("resources":{"requests":{"cpu":"300m"}})"), strategic, 422, "node without support for resize");
  (void)co_await server.ask("PATCH", pods + "/p/status", R"({"status":{"containerStatuses":null}})", merge);
  (void)co_await server.ask("PATCH", "/api/v1/nodes/n", R"({"metadata":{"labels":{"kubernetes.io/os":"windows"}}})", merge);
  co_await expect_resize(server, resources(R"("resources":{"requests":{"cpu":"300m"}})"), strategic, 403, "UnsupportedPlatform");
  (void)co_await server.ask("DELETE", "/api/v1/nodes/n");
  co_await expect_resize(server, resources(R"("resources":{"requests":{"cpu":"300m"}})"), strategic, 403, "not found");
}
TEST(PartUpdates, ResizeIsWhatTheNodeCan) { with_server(resize_and_node); }

rt::Task<void> debug(InProcessServer& server) {
  co_await make_pod(server);
  const std::string body =
      R"({"spec":{"containers":[{"name":"c","image":"other"}],"ephemeralContainers":[{"name":"e","image":"x"}]},)" + markings + "}";
  const Answer added = co_await server.ask("PATCH", pods + "/p/ephemeralcontainers", body, strategic);
  EXPECT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(added.at("spec.ephemeralContainers.0.name"), "e");
  EXPECT_EQ(added.at("spec.containers.0.image"), "x");
  for (const char* field : marked_fields) EXPECT_EQ(added.at(field), "") << field;
  co_await make(
      server, pods,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"m","annotations":{"kubernetes.io/config.mirror":"h"}},"spec":{"nodeName":"n","containers":[{"name":"c","image":"x"}]}})");
  const Answer mirror =
      co_await server.ask("PATCH", pods + "/m/ephemeralcontainers", R"({"spec":{"ephemeralContainers":[{"name":"e","image":"x"}]}})", strategic);
  EXPECT_EQ(mirror.status, 422) << mirror.body;
}
TEST(PartUpdates, EphemeralContainersChangeNothingElse) { with_server(debug); }

rt::Task<void> mark_status(InProcessServer& server, std::string collection, std::string body, std::string status) {
  co_await make(server, collection, body);
  const Answer marked = co_await server.ask("PATCH", collection + "/x/status", R"({"status":)" + status + "," + markings + "}", merge);
  EXPECT_EQ(marked.status, 200) << marked.body;
  for (const char* field : marked_fields) EXPECT_EQ(marked.at(field), "") << collection << field;
}

rt::Task<void> status_alone(InProcessServer& server) {
  co_await mark_status(
      server, "/apis/storage.k8s.io/v1/volumeattachments",
      R"({"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","metadata":{"name":"x"},"spec":{"attacher":"a.b","nodeName":"n","source":{"persistentVolumeName":"v"}}})",
      R"({"attached":true})");
  co_await mark_status(
      server, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
      R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"name":"x"},"spec":{"matchingPrecedence":9000,"priorityLevelConfiguration":{"name":"global-default"}}})",
      R"({"conditions":[]})");
}

rt::Task<void> deployment_labels(InProcessServer& server) {
  const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";
  co_await make(
      server, deployments,
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},)"
      R"("spec":{"containers":[{"name":"c","image":"x"}]}}}})");
  const Answer marked = co_await server.ask("PATCH", deployments + "/x/status",
                                            R"({"metadata":{"labels":{"a":"b"},"annotations":{"a":"b"}},"status":{"replicas":1}})", merge);
  EXPECT_EQ(marked.status, 200) << marked.body;
  EXPECT_EQ(marked.at("metadata.labels"), "");
  EXPECT_EQ(marked.at("status.replicas"), "1");
}
// The time of a phase is the server's, and of no manager, unless a client tells one of its own.
rt::Task<void> phase_times(InProcessServer& server) {
  co_await make(
      server, "/api/v1/persistentvolumes",
      R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],)"
      R"("hostPath":{"path":"/x"}},"status":{"lastPhaseTransitionTime":"2001-01-01T00:00:00Z"}})");
  const std::string status = "/api/v1/persistentvolumes/v/status";
  const std::string time = "status.lastPhaseTransitionTime";
  const auto with = [](std::string_view fields) { return R"({"status":{)" + std::string(fields) + "}}"; };
  Answer answer = co_await server.ask("PATCH", status, with(R"("phase":"Available","lastPhaseTransitionTime":null)"), merge);
  EXPECT_EQ(answer.at("status.phase"), "Available");
  EXPECT_TRUE(answer.at(time).starts_with("20")) << "the phase changed, and no time was told: " << answer.body;
  EXPECT_EQ(answer.body.find("f:lastPhaseTransitionTime"), std::string::npos) << answer.body;
  answer = co_await server.ask("PATCH", status, with(R"("lastPhaseTransitionTime":"2002-02-02T00:00:00Z")"), merge);
  EXPECT_EQ(answer.at(time), "2002-02-02T00:00:00Z");
  EXPECT_NE(answer.body.find("f:lastPhaseTransitionTime"), std::string::npos) << answer.body;
  answer = co_await server.ask("PATCH", status, with(R"("lastPhaseTransitionTime":null)"), merge);
  EXPECT_EQ(answer.at(time), "2002-02-02T00:00:00Z") << "the phase is the same, and so is its time";
  answer = co_await server.ask("PATCH", status, with(R"("phase":"Bound")"), merge);
  EXPECT_NE(answer.at(time), "2002-02-02T00:00:00Z") << "the phase changed, and the time was not told anew";
}

TEST(PartUpdates, TimesOfVolumesPhases) { with_server(phase_times); }
TEST(PartUpdates, StatusOfDeploymentsLeavesLabelsAlone) { with_server(deployment_labels); }

TEST(PartUpdates, StatusOfSomeLeavesMetadataAlone) { with_server(status_alone); }

std::string config_map(const std::string& name) { return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + R"("}})"; }

std::string webhook(const std::string& kind, const std::string& policy) {
  return R"({"apiVersion":"admissionregistration.k8s.io/v1","kind":")" + kind +
         R"(","metadata":{"name":"w"},"webhooks":[{"name":"w.example.com","failurePolicy":")" + policy +
         R"(","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/"},"namespaceSelector":{"matchLabels":{"guarded":"yes"}},)" +
         R"("rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["*"],"resources":["configmaps"]}]}]})";
}

rt::Task<void> expect_created(InProcessServer& server, std::string ns, std::string name, int status) {
  const Answer made = co_await server.ask("POST", "/api/v1/namespaces/" + ns + "/configmaps", config_map(name));
  EXPECT_EQ(made.status, status) << made.body;
}

constexpr const char* phases[] = {"Validating", "Mutating"};

rt::Task<void> webhooks(InProcessServer& server) {
  co_await make(server, "/api/v1/namespaces", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"safe","labels":{"guarded":"yes"}}})");
  for (const std::string phase : phases) {
    const std::string kind = phase + "WebhookConfiguration", name = phase == "Mutating" ? "m" : "v";
    const std::string path =
        "/apis/admissionregistration.k8s.io/v1/" + std::string(phase == "Mutating" ? "mutating" : "validating") + "webhookconfigurations";
    const Answer made = co_await server.ask("POST", path, webhook(kind, "Fail"));
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("warning"), "");
    co_await expect_created(server, "safe", name, 500);
    co_await expect_created(server, "default", name, 201);
    const Answer gone = co_await server.ask("DELETE", path + "/w");
    EXPECT_EQ(gone.status, 200) << "a wrong configuration can be taken back";
    const Answer lenient = co_await server.ask("POST", path, webhook(kind, "Ignore"));
    EXPECT_EQ(lenient.status, 201) << lenient.body;
    co_await expect_created(server, "safe", name, 201);
  }
}
TEST(ConfiguredAdmission, WebhooksThatDoNotAnswerRefuse) { with_server(webhooks); }

rt::Task<void> policies(InProcessServer& server) {
  const std::string api = "/apis/admissionregistration.k8s.io/v1/",
                    head = R"({"apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":"x"},"kind":)";
  const std::string rules =
      R"("matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"]}]})";
  co_await make(server, api + "validatingadmissionpolicies",
                head + R"("ValidatingAdmissionPolicy","spec":{)" + rules + R"(,"validations":[{"expression":"false"}]}})");
  co_await expect_created(server, "default", "unbound", 201);
  co_await make(server, api + "validatingadmissionpolicybindings",
                head + R"("ValidatingAdmissionPolicyBinding","spec":{"policyName":"x","validationActions":["Deny"],)"
                       R"("matchResources":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"default"}}}}})");
  co_await expect_created(server, "default", "bound", 422);
  co_await expect_created(server, "kube-system", "bound", 201);
  const Answer audited =
      co_await server.ask("PATCH", api + "validatingadmissionpolicybindings/x", R"({"spec":{"validationActions":["Audit"]}})", merge);
  EXPECT_EQ(audited.status, 200) << audited.body;
  co_await expect_created(server, "default", "audited", 201);
}
TEST(ConfiguredAdmission, PoliciesRefuseWhatTheirBindingsSelect) { with_server(policies); }

}  // namespace
}  // namespace pintle::apiserver
