// The client against a driver of the test's own, in the simulation.
#include <gtest/gtest.h>

#include "csi/driver.h"
#include "csi/redact.h"
#include "net/grpc/code.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::csi {
namespace {

using namespace api::csi_v1;
using net::grpc::Code;
using net::grpc::to_status;

constexpr auto* path = "/run/driver.sock";

void check_outcome(const Status& failed, Outcome expected) { EXPECT_EQ(outcome_of(failed), expected) << failed.message; }

TEST(CsiOutcome, ByCode) {
  for (const Code open : {Code::Cancelled, Code::DeadlineExceeded, Code::Unavailable, Code::ResourceExhausted, Code::Aborted, Code::DataLoss})
    check_outcome(to_status(open, "x"), Outcome::Unknown);
  for (const Code final : {Code::InvalidArgument, Code::NotFound, Code::FailedPrecondition, Code::Internal, Code::Unknown, Code::OutOfRange,
                           Code::Unimplemented, Code::PermissionDenied, Code::AlreadyExists, Code::Unauthenticated})
    check_outcome(to_status(final, "x"), Outcome::Refused);
  check_outcome(Status{Reason::Timeout, 0, "context deadline exceeded", {}}, Outcome::Unknown);
  check_outcome(Status{Reason::Cancelled, 0, "context canceled", {}}, Outcome::Unknown);
  check_outcome(Status{Reason::RequestEntityTooLarge, 0, "too long", {}}, Outcome::Unknown);
  check_outcome(to_status(Code::Unavailable, "connection error: dial /x: refused"), Outcome::NotAsked);
}

void check_redacted(std::string text, FlatMap<std::string> secrets, std::string_view expected) {
  EXPECT_EQ(redact(std::move(text), secret_values(secrets, {{std::string(tokens_key), "{token}"}, {"share", "data"}})), expected);
}

TEST(CsiRedact, Secrets) {
  check_redacted("login of bob with hunter2 failed", {{"password", "hunter2"}, {"user", "bob"}}, "login of bob with ***stripped*** failed");
  check_redacted("hunter22, hunter2", {{"a", "hunter2"}, {"b", "hunter22"}}, "***stripped***, ***stripped***");
  check_redacted("{token} data", {}, "***stripped*** data");
  check_redacted("aaaaaaaa", {{"a", "aaaa"}}, "***stripped******stripped***");
}

class FakeNode {
 public:
  rt::Task<Result<NodeGetInfoResponse>> node_get_info(rt::Context, NodeGetInfoRequest) {
    NodeGetInfoResponse answer;
    answer.node_id = "n-1";
    answer.max_volumes_per_node = 12;
    answer.accessible_topology.ensure().segments["zone"] = "a";
    co_return std::move(answer);
  }
  rt::Task<Result<NodeGetCapabilitiesResponse>> node_get_capabilities(rt::Context, NodeGetCapabilitiesRequest) {
    NodeGetCapabilitiesResponse answer;
    for (const int32_t type : {1, 6, 77}) answer.capabilities.emplace_back().rpc.ensure().type = type;
    answer.capabilities.emplace_back();  // without a type, of a later version
    co_return std::move(answer);
  }
  rt::Task<Result<NodeStageVolumeResponse>> node_stage_volume(rt::Context, NodeStageVolumeRequest request) {
    EXPECT_EQ(request.secrets["key"], "hunter2");
    EXPECT_TRUE(request.volume_capability->mount);
    EXPECT_FALSE(request.volume_capability->block);
    EXPECT_EQ(request.volume_capability->mount->mount_flags, std::vector<std::string>{"ro"});
    if (request.volume_id == "busy") co_return Unexpected(to_status(Code::Aborted, "an operation is under way, key hunter2"));
    if (request.volume_id == "absent") co_return Unexpected(to_status(Code::FailedPrecondition, std::string(error_bytes_max, 'x')));
    co_return NodeStageVolumeResponse{};
  }
  rt::Task<Result<NodeUnstageVolumeResponse>> node_unstage_volume(rt::Context ctx, NodeUnstageVolumeRequest) {
    const auto slept = co_await rt::sleep_for(ctx, std::chrono::hours(1));
    co_return Unexpected(slept.error());
  }
  void serve_at(net::grpc::Server& server) {
    rpc::on_unary(server, "/csi.v1.Node/NodeGetInfo", *this, &FakeNode::node_get_info);
    rpc::on_unary(server, "/csi.v1.Node/NodeGetCapabilities", *this, &FakeNode::node_get_capabilities);
    rpc::on_unary(server, "/csi.v1.Node/NodeStageVolume", *this, &FakeNode::node_stage_volume);
    rpc::on_unary(server, "/csi.v1.Node/NodeUnstageVolume", *this, &FakeNode::node_unstage_volume);
  }
};

rt::Task<Result<std::string>> garbage(rt::Context, std::string) { co_return std::string("\x0A\xFF\xFF"); }

NodeStageVolumeRequest to_stage(std::string id) {
  NodeStageVolumeRequest request;
  request.volume_id = std::move(id);
  request.secrets["key"] = "hunter2";
  request.volume_capability.ensure().mount.ensure().mount_flags = {"ro"};
  return request;
}

std::shared_ptr<Driver> driver_at(rt::Runtime& runtime, std::string endpoint) {
  DriverOptions options;
  options.name = "d";
  options.endpoint = std::move(endpoint);
  return *Driver::make(runtime, std::move(options));
}

rt::Task<void> calls() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  FakeNode fake;
  auto driver = driver_at(runtime, path);
  const auto before = co_await driver->stage(ctx, to_stage("v"));
  EXPECT_EQ(outcome_of(before.error()), Outcome::NotAsked) << before.error().message;
  net::grpc::Server server(runtime);
  fake.serve_at(server);
  server.on("/csi.v1.Node/NodeGetVolumeStats", garbage);
  EXPECT_TRUE(server.start(path));
  const auto info = co_await driver->node_info(ctx);
  EXPECT_EQ(info->node_id, "n-1");
  EXPECT_EQ(info->max_volumes_per_node, 12);
  EXPECT_EQ(info->accessible_topology->segments.find("zone")->second, "a");
  NodeCapabilities expected;
  expected.stage = expected.volume_mount_group = true;
  EXPECT_EQ(*co_await driver->node_capabilities(ctx), expected);
  EXPECT_TRUE(co_await driver->stage(ctx, to_stage("v")));
  const auto busy = co_await driver->stage(ctx, to_stage("busy"));
  EXPECT_EQ(busy.error().message, "rpc error: code = Aborted desc = an operation is under way, key ***stripped***");
  EXPECT_EQ(outcome_of(busy.error()), Outcome::Unknown);
  const auto absent = co_await driver->stage(ctx, to_stage("absent"));
  EXPECT_EQ(outcome_of(absent.error()), Outcome::Refused);
  EXPECT_EQ(absent.error().message.size(), error_bytes_max + 3);
  const auto probed = co_await driver->probe(ctx);
  EXPECT_EQ(probed.error().reason, Reason::MethodNotAllowed);
  NodeGetVolumeStatsRequest ask_stats;
  const auto unreadable = co_await driver->volume_stats(ctx, std::move(ask_stats));
  EXPECT_EQ(outcome_of(unreadable.error()), Outcome::Unknown) << unreadable.error().message;
  const rt::TimePoint start = runtime.clock().now();
  NodeUnstageVolumeRequest unstage;
  const auto hung = co_await driver->unstage(ctx, std::move(unstage));
  EXPECT_EQ(hung.error().reason, Reason::Timeout);
  EXPECT_EQ(outcome_of(hung.error()), Outcome::Unknown);
  EXPECT_LT(runtime.clock().now() - start, call_timeout_default + std::chrono::seconds(2));
  co_await driver->drain();
  co_await server.stop();
}

rt::Task<void> unstage_once(std::shared_ptr<Driver> driver, std::string* log) {
  NodeUnstageVolumeRequest request;
  const auto ended = co_await driver->unstage(rt::Context::background(), std::move(request));
  *log += ended ? "?" : "call,";
}

rt::Task<void> drains() {
  auto& runtime = rt::Executor::current().runtime();
  FakeNode fake;
  net::grpc::Server server(runtime);
  fake.serve_at(server);
  EXPECT_TRUE(server.start(path));
  auto driver = driver_at(runtime, path);
  std::string log;
  rt::TaskGroup tasks;
  tasks.spawn(unstage_once(driver, &log));
  EXPECT_TRUE(co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1)));
  const rt::TimePoint start = runtime.clock().now();
  co_await driver->drain();
  log += "drained";
  EXPECT_GT(runtime.clock().now() - start, std::chrono::seconds(100));  // the call had its time
  EXPECT_EQ(log, "call,drained");
  co_await tasks.join();
  auto other = driver_at(runtime, path);
  tasks.spawn(unstage_once(other, &log));
  EXPECT_TRUE(co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1)));
  const rt::TimePoint then = runtime.clock().now();
  co_await other->close();
  EXPECT_LT(runtime.clock().now() - then, std::chrono::seconds(5));
  co_await tasks.join();
  co_await server.stop();
}

void check_endpoint(std::string endpoint, bool good) {
  rt::testing::run_sim([endpoint, good]() -> rt::Task<void> {
    DriverOptions options;
    options.endpoint = endpoint;
    const auto made = Driver::make(rt::Executor::current().runtime(), options);
    EXPECT_EQ(made.has_value(), good) << endpoint;
    co_return;
  });
}

TEST(CsiDriver, CallsAndErrors) { rt::testing::run_sim(calls(), 1); }
TEST(CsiDriver, DrainsOrCloses) { rt::testing::run_sim(drains(), 1); }
TEST(CsiDriver, Endpoints) {
  check_endpoint("/var/lib/kubelet/plugins/d/csi.sock", true);
  for (const auto* bad : {"", "csi.sock", "http://1.2.3.4:80", "unix:///x", "/a:b"}) check_endpoint(bad, false);
  check_endpoint("/" + std::string(endpoint_bytes_max, 'x'), false);
}

}  // namespace
}  // namespace pintle::csi
