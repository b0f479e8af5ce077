// The IPAddresses of Services, against a whole server.
#include <gtest/gtest.h>

#include "apiserver/resources/core/service_addresses.h"
#include "apiserver/testing/in_process.h"
#include "rt/testing.h"

namespace pintle::apiserver {
namespace {

using testing::Answer;
using testing::InProcessServer;

const std::string services = "/api/v1/namespaces/default/services", addresses = "/apis/networking.k8s.io/v1/ipaddresses",
                  ranges = "/apis/networking.k8s.io/v1/servicecidrs";
constexpr const char* merge = "application/merge-patch+json";

rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

std::string service(const std::string& name, const std::string& more = "") {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{)" + more + R"("ports":[{"port":80}]}})";
}

// "10.0.0.1 default/kubernetes, 10.0.0.9 default/a"; the addresses of those Services that were drawn as "x".
rt::Task<std::string> all(InProcessServer& server) {
  const Answer list = co_await server.get(addresses);
  std::string out;
  for (const codec::Value& item : list.json.find("items")->as_array()) {
    const codec::Value& parent = *item.find("spec")->find("parentRef");
    out += (out.empty() ? "" : ", ") + std::string(item.find("metadata")->string_at("name")) + " " + std::string(parent.string_at("namespace")) +
           "/" + std::string(parent.string_at("name"));
  }
  co_return out;
}

// "Warning ClusterIPNotAllocated Service a" of each event, in the order in which they came.
rt::Task<std::string> events(InProcessServer& server) {
  const Answer list = co_await server.get("/api/v1/namespaces/default/events");
  std::string out;
  for (const codec::Value& item : list.json.find("items")->as_array()) {
    const codec::Value& about = *item.find("involvedObject");
    EXPECT_EQ(item.string_at("reportingComponent"), "ipallocator-repair-controller");
    EXPECT_NE(about.string_at("uid"), "");
    out += (out.empty() ? "" : ", ") + std::string(item.string_at("type")) + " " + std::string(item.string_at("reason")) + " " +
           std::string(about.string_at("kind")) + " " + std::string(about.string_at("name"));
  }
  co_return out;
}

rt::Task<void> comes_and_goes(InProcessServer& server) {
  const std::string first = co_await all(server);
  EXPECT_EQ(first, "10.0.0.1 default/kubernetes");
  const Answer made = co_await server.ask("POST", services, service("a"));
  EXPECT_EQ(made.status, 201) << made.body;
  const Answer address = co_await server.get(addresses + "/" + made.at("spec.clusterIP"));
  EXPECT_EQ(address.at("spec.parentRef.name") + " " + address.at("spec.parentRef.namespace") + " " + address.at("spec.parentRef.resource"),
            "a default services");
  const codec::Value* labels = address.json.find("metadata")->find("labels");
  CHECK(labels != nullptr, "it has labels");
  EXPECT_EQ(labels->string_at("ipaddress.kubernetes.io/ip-family"), "IPv4");
  EXPECT_EQ(labels->string_at("ipaddress.kubernetes.io/managed-by"), "ipallocator.k8s.io");
  // Neither a dry run nor a request that is refused leaves one.
  (void)co_await server.ask("POST", services + "?dryRun=All", service("b"));
  (void)co_await server.ask("POST", services, service("a"));
  (void)co_await server.ask("POST", services, service("Not A Name"));
  co_await pass(std::chrono::seconds(1));
  std::string now = co_await all(server);
  EXPECT_EQ(now, first + ", " + made.at("spec.clusterIP") + " default/a");
  (void)co_await server.ask("DELETE", services + "/a");
  co_await pass(std::chrono::seconds(1));
  now = co_await all(server);
  EXPECT_EQ(now, first);
}

// Deleted and made again with its address at once, as an upgrade of a chart does.
rt::Task<void> by_name_at_once(InProcessServer& server) {
  for (int i = 0; i < 3; ++i) {
    const Answer made = co_await server.ask("POST", services, service("a", R"("clusterIP":"10.0.0.7",)"));
    EXPECT_EQ(made.status, 201) << made.body;
    const Answer taken = co_await server.ask("POST", services, service("b", R"("clusterIP":"10.0.0.7",)"));
    EXPECT_EQ(taken.status, 422) << taken.body;
    (void)co_await server.ask("DELETE", services + "/a");
  }
  co_await pass(std::chrono::seconds(1));
  const std::string now = co_await all(server);
  EXPECT_EQ(now, "10.0.0.1 default/kubernetes");
}

rt::Task<void> type_changes(InProcessServer& server) {
  const Answer made = co_await server.ask("POST", services, R"({"metadata":{"name":"e"},"spec":{"type":"ExternalName","externalName":"a.example"}})");
  EXPECT_EQ(made.status, 201) << made.body;
  const Answer plain = co_await server.ask(
      "PATCH", services + "/e", R"({"spec":{"type":"ClusterIP","externalName":null,"clusterIP":"10.0.0.8","ports":[{"port":80}]}})", merge);
  EXPECT_EQ(plain.status, 200) << plain.body;
  std::string now = co_await all(server);
  EXPECT_EQ(now, "10.0.0.1 default/kubernetes, 10.0.0.8 default/e");
  const Answer back = co_await server.ask("PATCH", services + "/e",
                                          R"({"spec":{"type":"ExternalName","externalName":"a.example","clusterIP":null,"clusterIPs":null}})", merge);
  EXPECT_EQ(back.status, 200) << back.body;
  co_await pass(std::chrono::seconds(1));
  now = co_await all(server);
  EXPECT_EQ(now, "10.0.0.1 default/kubernetes");
  (void)co_await server.ask("DELETE", services + "/e");
}

// What a crash between the two writes, or a hand, leaves: one without its Service, a Service without its one.
rt::Task<void> repairs(InProcessServer& server) {
  (void)co_await server.ask("POST", services, service("a", R"("clusterIP":"10.0.0.7",)"));
  (void)co_await server.ask("DELETE", addresses + "/10.0.0.7");
  co_await pass(std::chrono::seconds(1));
  std::string now = co_await all(server);
  EXPECT_EQ(now, "10.0.0.1 default/kubernetes, 10.0.0.7 default/a");
  const std::string labels = R"("labels":{"ipaddress.kubernetes.io/ip-family":"IPv4","ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"})";
  const std::string parent = R"("spec":{"parentRef":{"resource":"services","namespace":"default","name":"gone"}})";
  const Answer leaked = co_await server.ask("POST", addresses, R"({"metadata":{"name":"10.0.0.9",)" + labels + "}," + parent + "}");
  EXPECT_EQ(leaked.status, 201) << leaked.body;
  const Answer another = co_await server.ask("POST", addresses, R"({"metadata":{"name":"10.0.0.10"},)" + parent + "}");
  EXPECT_EQ(another.status, 201) << another.body;
  co_await pass(resources::service_to_come - std::chrono::seconds(5));
  const Answer there = co_await server.get(addresses + "/10.0.0.9");
  EXPECT_EQ(there.status, 200);
  const Answer taken = co_await server.ask("POST", services, service("c", R"("clusterIP":"10.0.0.10",)"));
  EXPECT_EQ(taken.status, 422) << "it is another's";
  co_await pass(std::chrono::seconds(10));
  now = co_await all(server);
  EXPECT_EQ(now, "10.0.0.1 default/kubernetes, 10.0.0.10 default/gone, 10.0.0.7 default/a");
  const std::string told = co_await events(server);
  EXPECT_EQ(told, "Warning IPAddressNotAllocated IPAddress 10.0.0.9, Warning ClusterIPNotAllocated Service a")
      << "and nothing of what went as it should";
  (void)co_await server.ask("DELETE", addresses + "/10.0.0.10");
  (void)co_await server.ask("DELETE", services + "/a");
}

rt::Task<void> further_ranges(InProcessServer& server) {
  Answer made = co_await server.ask("POST", services, service("a", R"("clusterIP":"10.9.0.7",)"));
  EXPECT_EQ(made.status, 422);
  (void)co_await server.ask("POST", ranges, R"({"metadata":{"name":"more"},"spec":{"cidrs":["10.9.0.0/24"]}})");
  made = co_await server.ask("POST", services, service("a", R"("clusterIP":"10.9.0.7",)"));
  EXPECT_EQ(made.status, 201) << made.body;
  const Answer closed = co_await server.ask("PATCH", ranges + "/more/status",
                                            R"({"status":{"conditions":[{"type":"Ready","status":"False","reason":"Terminating",)"
                                            R"("message":"m","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})",
                                            merge);
  EXPECT_EQ(closed.status, 200) << closed.body;
  made = co_await server.ask("POST", services, service("b", R"("clusterIP":"10.9.0.8",)"));
  EXPECT_EQ(made.status, 422);
  made = co_await server.ask("POST", services, service("b"));
  EXPECT_TRUE(made.at("spec.clusterIP").starts_with("10.0.0.")) << made.body;
}

rt::Task<void> run() {
  ApiServerOptions options;
  auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
  CHECK(server.has_value(), server ? "" : server.error().message);
  co_await comes_and_goes(**server);
  co_await by_name_at_once(**server);
  co_await type_changes(**server);
  co_await repairs(**server);
  co_await further_ranges(**server);
  co_await (*server)->stop();
}
TEST(ServiceAddresses, AgainstAServer) { rt::testing::run_sim(run(), 1); }

}  // namespace
}  // namespace pintle::apiserver
