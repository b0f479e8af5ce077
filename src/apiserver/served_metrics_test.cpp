// metrics.k8s.io of a server that asks kubelets: a kubelet that this test is, in virtual time.
#include <functional>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/values.h"
#include "apiserver/testing/in_process.h"
#include "component/serving/self_signed_certificate.h"
#include "net/server.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using std::chrono::seconds;
using testing::Answer;
using testing::InProcessServer;

const std::string node_metrics = "/apis/metrics.k8s.io/v1beta1/nodes";
const std::string pod_metrics = "/apis/metrics.k8s.io/v1beta1/pods";
const std::string api_service = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
const std::string reader_role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader";

// A kubelet whose node uses one core and whose containers use a quarter of one each.
class Kubelet final : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context, net::Request& request, net::ResponseWriter& writer) override {
    const int64_t now = now_ms();
    const double passed = static_cast<double>(now - began_) / 1000;
    if (request.path == "/metrics/resource") asked.push_back((now - began_) / 1000);
    std::string page = fmt::format("node_cpu_usage_seconds_total {} {}\nnode_memory_working_set_bytes 1048576\n", 10 + passed, now);
    for (const std::string& labels : containers) {
      page += fmt::format("container_cpu_usage_seconds_total{{{}}} {} {}\n", labels, 10 + passed / 4, now);
      page += fmt::format("container_memory_working_set_bytes{{{}}} 4096\n", labels);
    }
    Bytes body(status == 200 ? page : std::string("no"));
    (void)co_await net::respond(writer, status, "text/plain", std::move(body));
  }

  int status = 200;
  std::vector<std::string> containers;
  std::vector<int64_t> asked;  // seconds since the test began

 private:
  static int64_t now_ms() {
    const auto now = rt::Executor::current().runtime().clock().wall_now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }
  const int64_t began_ = now_ms();
};

struct World {
  InProcessServer& server;
  Kubelet& kubelet;
  rt::Endpoint at;  // the kubelet
};
using Steps = std::function<rt::Task<void>(World)>;

rt::Task<void> run(Steps steps, std::optional<rt::Duration> resolution) {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  Kubelet kubelet;
  component::SelfSignedSetup wanted{
      .runtime = runtime, .cert_file = "/kubelet/serving.crt", .key_file = "/kubelet/serving.key", .common_name = "node"};
  component::SelfSignedCertificate certificate(std::move(wanted));
  const auto certified = certificate.ensure();
  CHECK(certified, certified ? "" : certified.error().message);
  net::ServerOptions listening;
  listening.listen = {"127.0.0.1", 0};
  auto& tls = listening.tls.emplace();
  tls.cert_file = certificate.cert_file();
  tls.key_file = certificate.key_file();
  auto serving = net::make_server(runtime, kubelet, std::move(listening));
  const auto started = co_await serving->start();
  CHECK(started, started ? "" : started.error().message);
  ApiServerSetup setup;
  setup.options.kubelet_preferred_address_types = {"InternalIP"};
  setup.metrics_resolution = resolution;
  auto server = co_await InProcessServer::start(runtime, std::move(setup));
  CHECK(server.has_value(), server ? "" : server.error().message);
  const World world{**server, kubelet, serving->local()};
  co_await steps(world);
  co_await (*server)->stop();
  co_await serving->drain(seconds(1));
}
void with_world(Steps steps) { rt::testing::run_sim(run(std::move(steps), seconds(15)), 1); }

rt::Task<void> wait(int s) { (void)co_await rt::sleep_for(rt::Context::background(), seconds(s)); }

rt::Task<void> add_node(World world, std::string name) {
  const std::string nodes = "/api/v1/nodes";
  Answer made = co_await world.server.ask(
      "POST", nodes, fmt::format(R"({{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{}","labels":{{"zone":"{}"}}}}}})", name, name));
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string status = fmt::format(
      R"({{"status":{{"conditions":[{{"type":"Ready","status":"True"}}],"addresses":[{{"type":"InternalIP","address":"127.0.0.1"}}],
          "daemonEndpoints":{{"kubeletEndpoint":{{"Port":{}}}}}}}}})",
      world.at.port);
  made = co_await world.server.ask("PATCH", nodes + "/" + name + "/status", status, "application/merge-patch+json");
  EXPECT_EQ(made.status, 200) << made.body;
}

rt::Task<void> add_pod(World world, std::string ns, std::string name, std::string node) {
  const std::string pods = "/api/v1/namespaces/" + ns + "/pods";
  (void)co_await world.server.ask("POST", "/api/v1/namespaces", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")" + ns + R"("}})");
  (void)co_await world.server.ask("POST", "/api/v1/namespaces/" + ns + "/serviceaccounts",
                                  R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  Answer made = co_await world.server.ask(
      "POST", pods,
      fmt::format(
          R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{0}","labels":{{"app":"{0}"}}}},"spec":{{"nodeName":"{1}","containers":[{{"name":"c","image":"x"}}]}}}})",
          name, node));
  EXPECT_EQ(made.status, 201) << made.body;
  made = co_await world.server.ask("PATCH", pods + "/" + name + "/status", R"({"status":{"phase":"Running"}})", "application/merge-patch+json");
  EXPECT_EQ(made.status, 200) << made.body;
}

std::string labels(std::string_view ns, std::string_view pod) { return fmt::format(R"(container="c",namespace="{}",pod="{}")", ns, pod); }

// The names of a list.
std::string names(const Answer& answer) {
  std::string out;
  const codec::Value* items = answer.json.find("items");
  if (items == nullptr) return answer.body;
  for (const codec::Value& item : items->as_array()) (out += item.find("metadata")->string_at("name")) += " ";
  return out;
}

rt::Task<std::string> listed(InProcessServer* server, std::string path) {
  const Answer answer = co_await server->get(std::move(path));
  co_return names(answer);
}
rt::Task<void> expect_listed(InProcessServer* server, std::string path, std::string want) {
  const std::string got = co_await listed(server, path);
  EXPECT_EQ(got, want) << path;
}
rt::Task<void> expect_refused(InProcessServer* server, std::string method, std::string path, int status, std::string message) {
  const Answer answer = co_await server->ask(std::move(method), path, "");
  EXPECT_EQ(answer.status, status) << path;
  if (message.empty()) co_return;
  EXPECT_EQ(answer.at("message"), message) << path;
}
// In thousandths.
int64_t milli(const Answer& answer, std::string_view path) { return api::Quantity::parse(answer.at(path))->milli_value(); }

rt::Task<void> nodes_and_pods(World world) {
  Answer none = co_await world.server.get(node_metrics);
  EXPECT_EQ(none.status, 200) << none.body;
  EXPECT_EQ(names(none), "");
  co_await wait(60);
  EXPECT_TRUE(world.kubelet.asked.empty()) << "no node, nothing to ask";
  world.kubelet.containers = {labels("default", "one"), labels("default", "two"), labels("other", "one"), labels("default", "elsewhere")};
  co_await add_node(world, "n1");
  for (const char* pod : {"one", "two", "slow"}) co_await add_pod(world, "default", pod, "n1");
  co_await add_pod(world, "other", "one", "n1");
  co_await add_pod(world, "default", "elsewhere", "n2");
  const Answer early = co_await world.server.get(node_metrics + "/n1");
  EXPECT_EQ(early.status, 404) << early.body;
  EXPECT_EQ(early.at("message"), R"(nodemetrics.metrics.k8s.io "n1" not found)");
  co_await wait(16);

  const Answer node = co_await world.server.get(node_metrics + "/n1");
  EXPECT_EQ(node.at("kind"), "NodeMetrics") << node.body;
  EXPECT_NEAR(milli(node, "usage.cpu"), 1000, 2);
  EXPECT_EQ(node.at("usage.memory"), "1Mi");
  EXPECT_EQ(node.at("usage.swap"), "0");
  EXPECT_EQ(node.at("metadata.labels.zone"), "n1");
  EXPECT_TRUE(node.at("window").ends_with("s")) << node.body;
  co_await expect_listed(&world.server, node_metrics, "n1 ");

  const Answer pods = co_await world.server.get(pod_metrics);
  EXPECT_EQ(pods.at("kind"), "PodMetricsList");
  EXPECT_EQ(names(pods), "one two one ") << "not what another node's kubelet says, nor what it does not say: " << pods.body;
  const std::string of_default = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
  const Answer one = co_await world.server.get(of_default + "/one");
  EXPECT_EQ(one.at("containers.0.name"), "c") << one.body;
  EXPECT_NEAR(milli(one, "containers.0.usage.cpu"), 250, 2);
  EXPECT_EQ(one.at("containers.0.usage.memory"), "4Ki");
  EXPECT_EQ(one.at("metadata.namespace"), "default");
  co_await expect_refused(&world.server, "GET", of_default + "/slow", 404, R"(podmetrics.metrics.k8s.io "default/slow" not found)");
  co_await expect_refused(&world.server, "GET", of_default + "/elsewhere", 404, "");
  co_await expect_refused(&world.server, "GET", of_default + "/gone", 404, R"(pods "gone" not found)");

  const std::pair<std::string, std::string> selections[] = {{of_default + "?labelSelector=app%3Dtwo", "two "},
                                                            {of_default + "?labelSelector=app!%3Dtwo", "one "},
                                                            {pod_metrics + "?fieldSelector=metadata.name%3Done", "one one "},
                                                            {pod_metrics + "?fieldSelector=metadata.namespace%3Dother", "one "},
                                                            {of_default + "?labelSelector=app%3Dnone", ""},
                                                            {node_metrics + "?labelSelector=zone%3Dn2", ""},
                                                            {pod_metrics + "?limit=1", "one two one "}};
  for (const auto& [path, want] : selections) co_await expect_listed(&world.server, path, want);
  co_await expect_refused(&world.server, "GET", pod_metrics + "?fieldSelector=spec.nodeName%3Dn1", 400, "");
  co_await expect_refused(&world.server, "GET", pod_metrics + "?watch=true", 405, "");
  co_await expect_refused(&world.server, "POST", of_default, 405, "");
  co_await expect_refused(&world.server, "DELETE", of_default + "/one", 405, "");

  const std::string table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const Answer rows = co_await world.server.get(of_default, table);
  EXPECT_EQ(rows.at("columnDefinitions.1.name"), "cpu") << rows.body;
  EXPECT_EQ(rows.at("rows.0.cells.0"), "one");
  EXPECT_NEAR(milli(rows, "rows.0.cells.1"), 250, 2);
  EXPECT_EQ(rows.at("rows.0.cells.2"), "4Ki");
  const Answer node_rows = co_await world.server.get(node_metrics, table);
  EXPECT_EQ(node_rows.at("rows.0.cells.0"), "n1") << node_rows.body;
  const Answer proto = co_await world.server.get(pod_metrics, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(proto.headers.get("content-type"), "application/vnd.kubernetes.protobuf");
  EXPECT_NE(proto.body.find("PodMetricsList"), std::string::npos);
  const Answer yaml = co_await world.server.get(node_metrics + "/n1", "application/yaml");
  EXPECT_NE(yaml.body.find("kind: NodeMetrics"), std::string::npos) << yaml.body;

  const Answer page = co_await world.server.get("/metrics");
  EXPECT_NE(page.body.find("metrics_server_storage_points{type=\"container\"} 4\n"), std::string::npos);
  EXPECT_NE(page.body.find("metrics_server_kubelet_request_total{success=\"true\"} 2\n"), std::string::npos);
}
TEST(ServedMetrics, NodesAndPods) { with_world(nodes_and_pods); }

rt::Task<void> discovery(World world) {
  const Answer resources = co_await world.server.get("/apis/metrics.k8s.io/v1beta1");
  EXPECT_EQ(resources.at("resources.0.kind"), "NodeMetrics") << resources.body;
  EXPECT_EQ(resources.at("resources.1.name"), "pods");
  EXPECT_EQ(resources.at("resources.1.verbs"), R"(["get","list"])");
  EXPECT_EQ(resources.at("resources.1.namespaced"), "true");
  EXPECT_EQ((co_await world.server.get("/apis/metrics.k8s.io")).at("preferredVersion.version"), "v1beta1");
  const Answer all = co_await world.server.get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_NE(all.body.find("metrics.k8s.io"), std::string::npos);
  EXPECT_NE((co_await world.server.get("/openapi/v2")).body.find("io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics"), std::string::npos);
  EXPECT_EQ((co_await world.server.get("/openapi/v3/apis/metrics.k8s.io/v1beta1")).status, 200);
}
TEST(ServedMetrics, Discovery) { with_world(discovery); }

// A server that is not told to serves nothing of it, as upstream's does not.
rt::Task<void> not_served(World world) {
  co_await add_node(world, "n1");
  co_await wait(60);
  EXPECT_EQ((co_await world.server.get(node_metrics)).status, 404);
  EXPECT_EQ((co_await world.server.get("/apis/metrics.k8s.io")).status, 404);
  EXPECT_EQ((co_await world.server.get(api_service)).status, 404);
  EXPECT_EQ((co_await world.server.get(reader_role)).status, 404);
  EXPECT_EQ((co_await world.server.get("/openapi/v2")).body.find("io.k8s.metrics"), std::string::npos);
  EXPECT_TRUE(world.kubelet.asked.empty());
}
TEST(ServedMetrics, NotByAnApiServerAlone) { rt::testing::run_sim(run(not_served, std::nullopt), 1); }

rt::Task<void> given_away(World world) {
  co_await wait(1);
  const Answer own = co_await world.server.get(api_service);
  EXPECT_EQ(own.at("status.conditions.0.reason"), "Local") << own.body;
  EXPECT_EQ(own.at("spec.service"), "");
  EXPECT_EQ(own.at("metadata.labels"), R"({"kube-aggregator.kubernetes.io/automanaged":"onstart"})");
  const std::string patch =
      R"({"metadata":{"labels":{"k8s-app":"metrics-server"}},"spec":{"service":{"name":"metrics-server","namespace":"kube-system"},"insecureSkipTLSVerify":true}})";
  const Answer applied = co_await world.server.ask("PATCH", api_service, patch, "application/merge-patch+json");
  EXPECT_EQ(applied.status, 200) << applied.body;
  co_await wait(2);
  EXPECT_EQ((co_await world.server.get(node_metrics)).status, 503) << "it is another server's, which is not there";
  const Answer theirs = co_await world.server.get(api_service);
  EXPECT_EQ(theirs.at("status.conditions.0.reason"), "ServiceNotFound") << theirs.body;
  EXPECT_EQ(theirs.at("metadata.labels"), R"({"k8s-app":"metrics-server"})") << "no start takes it back";
  (void)co_await world.server.ask("DELETE", api_service);
  (void)co_await world.server.ask("DELETE", reader_role);
  co_await wait(2);
  EXPECT_EQ((co_await world.server.get(node_metrics)).status, 200);
  const Answer back = co_await world.server.get(api_service);
  EXPECT_EQ(back.at("status.conditions.0.reason"), "Local") << back.body;
  EXPECT_EQ((co_await world.server.get(reader_role)).at("rules.0.resources"), R"(["pods","nodes"])");
}
TEST(ServedMetrics, GivenToAnotherServerAndBack) { with_world(given_away); }

// Often while somebody asks, seldom while nobody does; a node that is not heard of is told of no more.
rt::Task<void> as_often_as_asked(World world) {
  co_await add_node(world, "n1");
  co_await wait(300);
  const std::size_t idle = world.kubelet.asked.size();
  EXPECT_GE(idle, 5U);
  EXPECT_LE(idle, 7U) << "once a minute, and twice at first";
  EXPECT_LE(world.kubelet.asked[1] - world.kubelet.asked[0], 15);
  co_await expect_listed(&world.server, node_metrics, "n1 ");
  co_await wait(60);
  const std::size_t busy = world.kubelet.asked.size() - idle;
  EXPECT_GE(busy, 4U);
  EXPECT_LE(busy, 6U);
  world.kubelet.status = 500;
  co_await wait(20);
  co_await expect_listed(&world.server, node_metrics, "n1 ");
  co_await wait(60);
  co_await expect_listed(&world.server, node_metrics, "");
  world.kubelet.status = 200;
  co_await wait(150);
  co_await expect_listed(&world.server, node_metrics, "n1 ");
  const Answer unready =
      co_await world.server.ask("PATCH", "/api/v1/nodes/n1/status", R"({"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}})",
                                "application/strategic-merge-patch+json");
  EXPECT_EQ(unready.status, 200) << unready.body;
  co_await wait(1);
  const std::size_t before = world.kubelet.asked.size();
  co_await wait(60);
  EXPECT_EQ(world.kubelet.asked.size(), before);
  co_await expect_listed(&world.server, node_metrics, "");
}
TEST(ServedMetrics, AsOftenAsAsked) { with_world(as_often_as_asked); }

}  // namespace
}  // namespace pintle::apiserver
