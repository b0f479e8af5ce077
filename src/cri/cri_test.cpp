// The client against a fake runtime in the simulation; test/integration has the real containerd.
#include <gtest/gtest.h>

#include "api/gen/containerdevents_v1.h"
#include "cri/container_events.h"
#include "cri/typed_call.h"
#include "net/grpc/server.h"
#include "rt/testing.h"

namespace pintle::cri {
namespace {

using namespace api::cri_v1;
namespace containerd = api::containerdevents_v1;

constexpr auto* path = "/run/fake.sock";

rt::Task<Result<std::string>> create(rt::Context, std::string bytes) {
  auto request = decode<CreateContainerRequest>(bytes);
  EXPECT_EQ(request->pod_sandbox_id, "s1");
  EXPECT_EQ(request->config->metadata->name, "web");
  EXPECT_EQ(request->config->linux->security_context->run_as_user->value, 0);
  EXPECT_FALSE(request->config->linux->security_context->run_as_group);
  EXPECT_EQ(request->config->linux->security_context->supplemental_groups, (std::vector<int64_t>{5, 7000000000}));
  EXPECT_EQ(request->config->annotations["a"], "b");
  CreateContainerResponse answer;
  answer.container_id = "c1";
  co_return encode(answer);
}

rt::Task<Result<std::string>> stop(rt::Context, std::string) { co_return error(Reason::NotFound, "no such container"); }

rt::Task<Result<Unit>> subscribe(rt::Context, std::string bytes, net::grpc::StreamWriter& writer) {
  EXPECT_EQ(decode<containerd::SubscribeRequest>(bytes)->filters.size(), 2u);
  for (const auto* id : {"exec-1", "c1"}) {
    containerd::TaskExit exit;
    exit.container_id = "c1";
    exit.id = id;
    containerd::Envelope envelope;
    envelope.topic = "/tasks/exit";
    envelope.event.emplace().value = encode(exit);
    CO_TRY(co_await writer.write(encode(envelope)));
  }
  co_return Unit{};
}

rt::Task<void> calls() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  net::grpc::Server server(runtime);
  server.on("/runtime.v1.RuntimeService/CreateContainer", create);
  server.on("/runtime.v1.RuntimeService/StopContainer", stop);
  EXPECT_TRUE(server.start(path));
  RuntimeClientOptions options;
  options.endpoint = std::string("unix://") + path;
  auto client = std::move(*RuntimeClient::make(runtime, options));
  ContainerConfig config;
  config.metadata.emplace().name = "web";
  auto& security = config.linux.emplace().security_context.emplace();
  security.run_as_user.emplace().value = 0;
  security.supplemental_groups = {5, 7000000000};
  config.annotations["a"] = "b";
  PodSandboxConfig sandbox;
  EXPECT_EQ(*co_await client->create_container(ctx, "s1", config, sandbox), "c1");
  const auto stopped = co_await client->stop_container(ctx, "c1", 30);
  EXPECT_EQ(stopped.error().reason, Reason::NotFound);
  const auto version = co_await client->version(ctx);
  EXPECT_EQ(version.error().reason, Reason::MethodNotAllowed);
  co_await client->close();
  co_await server.stop();
}

rt::Task<void> events() {
  auto& runtime = rt::Executor::current().runtime();
  net::grpc::Server server(runtime);
  server.on_stream("/containerd.services.events.v1.Events/Subscribe", subscribe);
  EXPECT_TRUE(server.start(path));
  RuntimeClientOptions options;
  options.endpoint = path;
  auto client = std::move(*RuntimeClient::make(runtime, options));
  std::string seen;
  ContainerEventHandlers handlers;
  handlers.subscribed = [&seen] { seen += "|"; };
  handlers.event = [&seen](const ContainerEvent& event) { seen += event.container_id + (event.may_lag ? "~" : ""); };
  const auto ended = co_await follow_container_events(*client, rt::Context::background(), handlers);
  EXPECT_EQ(ended.error().reason, Reason::ServiceUnavailable);
  EXPECT_EQ(seen, "||c1~");  // the runtime's own stream is asked for first
  co_await client->close();
  co_await server.stop();
}

TEST(RuntimeClient, CallsAndErrors) { rt::testing::run_sim(calls(), 1); }
TEST(RuntimeClient, EventsOfContainerd) { rt::testing::run_sim(events(), 1); }

}  // namespace
}  // namespace pintle::cri
