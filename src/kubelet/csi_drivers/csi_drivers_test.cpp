// Registration of drivers against an API server and drivers of the test's own, in the simulation.
#include "kubelet/csi_drivers/csi_drivers.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "codec/json.h"
#include "net/grpc/code.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::kubelet::csi_drivers {
namespace {

using api::core_v1::Node;
using api::storage_v1::CSINode;
using plugins::Plugin;
using namespace std::chrono_literals;

// A driver at a socket.
class FakeDriver {
 public:
  FakeDriver(rt::Runtime& runtime, std::string endpoint, std::string node_id_in) : node_id(std::move(node_id_in)), server_(runtime) {
    rpc::on_unary(server_, "/csi.v1.Node/NodeGetInfo", *this, &FakeDriver::node_get_info);
    rpc::on_unary(server_, "/csi.v1.Node/NodeUnstageVolume", *this, &FakeDriver::node_unstage_volume);
    EXPECT_TRUE(server_.start(std::move(endpoint)));
  }
  rt::Task<Result<api::csi_v1::NodeGetInfoResponse>> node_get_info(rt::Context ctx, api::csi_v1::NodeGetInfoRequest) {
    ++asked;
    if (broken) co_return Unexpected(net::grpc::to_status(net::grpc::Code::Internal, "no disk"));
    if (hung) CO_TRY(co_await rt::sleep_for(ctx, 1h));
    api::csi_v1::NodeGetInfoResponse out;
    out.node_id = node_id;
    out.max_volumes_per_node = volumes_max;
    if (!zone.empty()) out.accessible_topology.ensure().segments["topology.example/zone"] = zone;
    co_return std::move(out);
  }
  rt::Task<Result<api::csi_v1::NodeUnstageVolumeResponse>> node_unstage_volume(rt::Context ctx, api::csi_v1::NodeUnstageVolumeRequest) {
    CO_TRY(co_await rt::sleep_for(ctx, 10s));
    co_return api::csi_v1::NodeUnstageVolumeResponse{};
  }
  rt::Task<void> stop() { return server_.stop(); }

  std::string node_id;
  std::string zone;
  int64_t volumes_max = 0;
  bool broken = false, hung = false;
  int asked = 0;

 private:
  net::grpc::Server server_;
};

// The API server keeps what it is given of CSINodes, and the metadata that is patched into the Node.
struct Fixture {
  explicit Fixture(rt::Runtime& runtime) : client(client::testing::connect(runtime, server)) {
    server.on_write = [this](const client::testing::FakeServer::Write& write) { return carry_out(write); };
    put_node("u1");
    CsiDriversDeps deps{runtime, client.get(), "n1"};
    deps.changed = [this](const std::string& name) { changes += name + " "; };
    drivers.emplace(std::move(deps));
  }
  void put_node(std::string uid) {
    node = Node{};
    node.metadata.name = "n1";
    node.metadata.uid = std::move(uid);
    server.put(node);
  }
  void drop_csi_node() {
    if (csi_node) server.remove(*csi_node);
    csi_node.reset();
  }
  int carry_out(const client::testing::FakeServer::Write& write) {
    if (refusals > 0) {
      --refusals;
      return 409;
    }
    if (down) return 500;
    if (write.path.ends_with("/csinodes") || write.method == "PUT") {
      csi_node = write.as<CSINode>();
      csi_node->metadata.uid = "c-" + csi_node->metadata.owner_references.at(0).uid;
      server.put(*csi_node);
    } else if (write.method == "DELETE") {
      drop_csi_node();
    } else if (write.method == "PATCH") {
      const auto patch = codec::parse_json(write.body.view());
      const codec::Value& metadata = *patch->find("metadata");
      if (metadata.string_at("uid") != node.metadata.uid) return 409;
      const auto merge = [&metadata](const char* member, FlatMap<std::string>& into) {
        if (!metadata.find(member)) return;
        for (const auto& [key, value] : metadata.find(member)->as_object()) {
          if (value.is_null()) {
            into.erase(key);
          } else {
            into[key] = value.as_string();
          }
        }
      };
      merge("labels", node.metadata.labels);
      merge("annotations", node.metadata.annotations);
      server.put(node);
    }
    return 200;
  }
  std::string told() const {
    std::string out;
    if (csi_node) {
      for (const auto& driver : csi_node->spec.drivers) out += driver.name + "=" + driver.node_id + " ";
    }
    const auto ids = node.metadata.annotations.find(node_ids_annotation);
    return out + (ids == node.metadata.annotations.end() ? "" : ids->second);
  }
  // Waits until that is told, in a CSINode of this Node.
  rt::Task<void> settle(std::string wanted) {
    const auto ours = [this] { return csi_node && is_of_node(*csi_node, "n1", node.metadata.uid); };
    for (int i = 0; i < 1000 && !(ours() && told() == wanted); ++i) (void)co_await rt::sleep_for(rt::Context::background(), 100ms);
    EXPECT_EQ(told(), wanted);
    EXPECT_TRUE(ours());
  }
  rt::Task<void> stop() {
    co_await drivers->stop();
    co_await client->close();
  }

  client::testing::FakeServer server;
  Node node;
  std::optional<CSINode> csi_node;
  int refusals = 0;
  bool down = false;
  std::string changes;
  std::unique_ptr<client::Client> client;
  std::optional<CsiDrivers> drivers;
};

Plugin plugin(std::string name, std::string endpoint, std::string socket = "/reg/a", std::string version = "1.0.0") {
  return {std::move(name), std::move(endpoint), {std::move(version)}, std::move(socket)};
}

rt::Task<void> comes_and_goes() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  Fixture test(runtime);
  FakeDriver a(runtime, "/a.sock", "id-1");
  a.zone = "z1";
  a.volumes_max = 3;
  test.drivers->start();
  EXPECT_EQ((co_await test.drivers->add(ctx.with_timeout(1s), plugin("a.io", "/a.sock"))).error().reason, Reason::Timeout);  // no Node yet
  EXPECT_EQ(test.drivers->find("a.io"), nullptr);
  test.drivers->node_known("u1");
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  EXPECT_EQ(test.told(), R"(a.io=id-1 {"a.io":"id-1"})");
  EXPECT_EQ(test.csi_node->spec.drivers.at(0).allocatable->count, 3);
  EXPECT_EQ(test.node.metadata.labels["topology.example/zone"], "z1");
  EXPECT_TRUE(is_of_node(*test.csi_node, "n1", "u1"));
  EXPECT_NE(test.drivers->find("a.io"), nullptr);
  EXPECT_EQ(test.drivers->find("b.io"), nullptr);
  co_await test.drivers->remove(ctx, plugin("a.io", "/a.sock"));
  EXPECT_EQ(test.drivers->find("a.io"), nullptr);
  co_await test.settle("");
  EXPECT_EQ(test.node.metadata.labels["topology.example/zone"], "z1");  // stays
  EXPECT_EQ(test.changes, "a.io a.io ");
  a.node_id = "id-2";
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  EXPECT_EQ(test.told(), R"(a.io=id-2 {"a.io":"id-2"})");
  co_await test.stop();
  co_await a.stop();
}

rt::Task<void> failures() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  Fixture test(runtime);
  FakeDriver a(runtime, "/a.sock", "");
  test.drivers->start();
  test.drivers->node_known("u1");
  EXPECT_EQ((co_await test.drivers->add(ctx, plugin("a.io", "/a.sock"))).error().message,
            "error adding CSI driver node info: driverNodeID must not be empty");
  a.broken = true;
  EXPECT_EQ((co_await test.drivers->add(ctx, plugin("a.io", "/a.sock"))).error().message, "rpc error: code = Internal desc = no disk");
  a.broken = false;
  a.hung = true;
  EXPECT_EQ((co_await test.drivers->add(ctx, plugin("a.io", "/a.sock"))).error().reason, Reason::Timeout);
  a.hung = false;
  a.node_id = "id-1";
  EXPECT_FALSE(co_await test.drivers->add(ctx, plugin("a.io", "relative.sock")));
  test.refusals = 3;  // others write meanwhile
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  EXPECT_EQ(test.told(), R"(a.io=id-1 {"a.io":"id-1"})");
  // A second one of the name, not of a higher version; then one that is, which takes its place.
  const auto second = test.drivers->validate(plugin("a.io", "/b.sock", "/reg/b"));
  EXPECT_EQ(second.error().message,
            "validation failed for CSI Driver a.io at endpoint /b.sock: Another driver with the same name is already registered with a higher "
            "supported version: \"1.0.0\"");
  FakeDriver b(runtime, "/b.sock", "id-b");
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/b.sock", "/reg/b", "1.1.0")));
  EXPECT_EQ(test.drivers->find("a.io")->endpoint(), "/b.sock");
  co_await test.drivers->remove(ctx, plugin("a.io", "/a.sock"));  // the first one: not who has the name
  EXPECT_EQ(test.drivers->find("a.io")->endpoint(), "/b.sock");
  // The API server is away when it goes.
  test.down = true;
  co_await test.drivers->remove(ctx, plugin("a.io", "/b.sock", "/reg/b", "1.1.0"));
  (void)co_await rt::sleep_for(ctx, 10s);
  test.down = false;
  co_await test.settle("");
  co_await test.stop();
  co_await a.stop();
  co_await b.stop();
}

rt::Task<void> another_node() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  Fixture test(runtime);
  CSINode old = new_csi_node("n1", "u0");
  old.metadata.uid = "c-u0";
  old.spec.drivers.emplace_back().name = "old.io";
  test.csi_node = old;
  test.server.put(old);
  test.drivers->start();
  test.drivers->node_known("u1");
  co_await test.settle("");
  FakeDriver a(runtime, "/a.sock", "id-1"), b(runtime, "/b.sock", "id-2");
  b.zone = "z";
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("b.io", "/b.sock", "/reg/b")));
  const std::string both = R"(a.io=id-1 b.io=id-2 {"a.io":"id-1","b.io":"id-2"})";
  EXPECT_EQ(test.told(), both);
  // The Node is deleted and made anew: its CSINode goes with it, and all is written again without asking the drivers.
  test.drop_csi_node();
  test.put_node("u2");
  test.drivers->node_known("u2");
  co_await test.settle(both);
  EXPECT_EQ(test.node.metadata.labels["topology.example/zone"], "z");
  EXPECT_EQ(a.asked + b.asked, 2);
  co_await test.stop();
  co_await a.stop();
  co_await b.stop();
}

rt::Task<void> unstage(std::shared_ptr<csi::Driver> driver, Result<Unit>* out) {
  api::csi_v1::NodeUnstageVolumeRequest request;
  *out = co_await driver->unstage(rt::Context::background(), std::move(request));
}

rt::Task<void> calls_end() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  Fixture test(runtime);
  FakeDriver a(runtime, "/a.sock", "id-1");
  test.drivers->start();
  test.drivers->node_known("u1");
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  Result<Unit> result = bad_request("none yet");
  rt::TaskGroup tasks;
  tasks.spawn(unstage(test.drivers->find("a.io"), &result));
  (void)co_await rt::sleep_for(ctx, 1s);
  co_await test.drivers->remove(ctx, plugin("a.io", "/a.sock"));  // its registrar went, the driver did not
  co_await tasks.join();
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  tasks.spawn(unstage(test.drivers->find("a.io"), &result));
  (void)co_await rt::sleep_for(ctx, 1s);
  const rt::TimePoint then = runtime.clock().now();
  co_await test.stop();
  EXPECT_LT(runtime.clock().now() - then, 5s);
  co_await tasks.join();
  EXPECT_EQ(csi::outcome_of(result.error()), csi::Outcome::Unknown);
  co_await a.stop();
}

rt::Task<void> asked_again() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  Fixture test(runtime);
  FakeDriver a(runtime, "/a.sock", "id-1");
  a.volumes_max = 3;
  const auto count = [&test] { return test.csi_node->spec.drivers.at(0).allocatable->count.value_or(0); };
  test.drivers->start();
  test.drivers->node_known("u1");
  test.drivers->ask_every("a.io", 10s);
  EXPECT_EQ((co_await test.drivers->refresh(ctx, "a.io")).error().reason, Reason::NotFound);
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  a.volumes_max = 2;
  (void)co_await rt::sleep_for(ctx, 9s);
  EXPECT_EQ(count(), 3);
  (void)co_await rt::sleep_for(ctx, 2s);
  EXPECT_EQ(count(), 2);
  a.broken = true;  // the last answer stands
  (void)co_await rt::sleep_for(ctx, 10s);
  EXPECT_EQ(test.told(), R"(a.io=id-1 {"a.io":"id-1"})");
  a.broken = false;
  test.drivers->ask_every("a.io", 10s);  // the same: the wait goes on
  test.drivers->ask_every("a.io", 100s);
  const int asked = a.asked;
  (void)co_await rt::sleep_for(ctx, 90s);
  EXPECT_EQ(a.asked, asked);
  (void)co_await rt::sleep_for(ctx, 11s);
  EXPECT_EQ(a.asked, asked + 1);
  test.drivers->ask_every("a.io", 0s);
  (void)co_await rt::sleep_for(ctx, 300s);
  EXPECT_EQ(a.asked, asked + 1);
  test.drivers->ask_every("a.io", 10s);
  co_await test.drivers->remove(ctx, plugin("a.io", "/a.sock"));
  (void)co_await rt::sleep_for(ctx, 300s);
  EXPECT_EQ(a.asked, asked + 1);
  EXPECT_TRUE(co_await test.drivers->add(ctx, plugin("a.io", "/a.sock")));
  (void)co_await rt::sleep_for(ctx, 15s);
  EXPECT_EQ(a.asked, asked + 3);
  co_await test.stop();
  co_await a.stop();
}

TEST(CsiDrivers, AreAskedAgain) { rt::testing::run_sim(asked_again(), 1); }
TEST(CsiDrivers, ComeAndGo) { rt::testing::run_sim(comes_and_goes(), 1); }
TEST(CsiDrivers, Failures) { rt::testing::run_sim(failures(), 1); }
TEST(CsiDrivers, AnotherNodeOfTheName) { rt::testing::run_sim(another_node(), 1); }
TEST(CsiDrivers, CallsHaveTheirTime) { rt::testing::run_sim(calls_end(), 1); }

}  // namespace
}  // namespace pintle::kubelet::csi_drivers
