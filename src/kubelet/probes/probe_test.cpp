#include <gtest/gtest.h>

#include "kubelet/container_config/container_port.h"
#include "kubelet/probes/probe_tracker.h"
#include "kubelet/probes/probe_workers.h"
#include "net/server.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::probes {
namespace {

using namespace std::chrono_literals;
using api::core_v1::Container;
using api::core_v1::Pod;
using api::core_v1::Probe;

rt::Runtime& runtime() { return rt::Executor::current().runtime(); }

Probe probe(int32_t success, int32_t failure) {
  Probe out;
  out.success_threshold = success;
  out.failure_threshold = failure;
  out.period_seconds = 10;
  out.timeout_seconds = 1;
  return out;
}

// `results`: s and f; the outcomes behind each: U, S, F; '!' once it is on hold.
std::string outcomes(ProbeKind kind, const Probe& spec, bool was_ready, std::string_view results) {
  ProbeTracker tracker(kind, spec, was_ready);
  std::string out;
  const auto show = [&] { out += tracker.outcome() == ProbeOutcome::Unknown ? 'U' : tracker.outcome() == ProbeOutcome::Success ? 'S' : 'F'; };
  show();
  for (const char result : results) {
    tracker.add(result == 's');
    show();
    if (tracker.on_hold()) out += '!';
  }
  return out;
}

TEST(ProbeTracker, Thresholds) {
  EXPECT_EQ(outcomes(ProbeKind::Readiness, probe(1, 3), false, "sffsfffs"), "FSSSSSSFS");
  EXPECT_EQ(outcomes(ProbeKind::Readiness, probe(2, 1), false, "ssfsfss"), "FFSFFFFS");
  EXPECT_EQ(outcomes(ProbeKind::Readiness, probe(1, 3), true, "ffsfff"), "SSSSSSF");
  EXPECT_EQ(outcomes(ProbeKind::Liveness, probe(1, 3), false, "ffsfff"), "SSSSSSF!");
  EXPECT_EQ(outcomes(ProbeKind::Startup, probe(1, 3), false, "ffs"), "UUUS!");
  EXPECT_EQ(outcomes(ProbeKind::Startup, probe(1, 2), false, "ff"), "UUF!");
}

TEST(Probe, Ports) {
  Container container;
  auto& port = container.ports.emplace_back();
  port.name = "web";
  port.container_port = 8080;
  const auto resolve = [&](api::IntOrString value) {
    const auto found = container_config::resolve_port(value, container);
    return found ? std::to_string(*found) : found.error().message;
  };
  EXPECT_EQ(resolve({false, 80, ""}), "80");
  EXPECT_EQ(resolve({true, 0, "web"}), "8080");
  EXPECT_EQ(resolve({true, 0, "90"}), "90");
  EXPECT_EQ(resolve({false, 0, ""}), "invalid port number: 0");
  EXPECT_EQ(resolve({true, 0, "nope"}), "strconv.Atoi: parsing \"nope\": invalid syntax");
  EXPECT_EQ(resolve({true, 0, ""}), "strconv.Atoi: parsing \"\": invalid syntax");
}

TEST(Probe, HttpRequest) {
  api::core_v1::HTTPGetAction action;
  action.port = {false, 80, ""};
  action.path = "healthz?full=1";
  action.scheme = "HTTPS";
  auto& header = action.http_headers.emplace_back();
  header.name = "Host";
  header.value = "example.com";
  const auto request = probe_request(action, {}, "fd00::1");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->url, "https://[fd00::1]:80/healthz?full=1");
  EXPECT_EQ(request->headers.get("host"), "example.com");
  EXPECT_EQ(request->headers.get("user-agent"), "kube-probe/1.36");
}

// A kubelet's view in simulation: an exec probe that fails from some time on.
struct Events {
  std::vector<std::string> texts;
  int changes = 0;
};
struct FakeContainer {
  bool healthy = true;
  bool broken = false;  // exec itself fails
  int runs = 0;
};
rt::Task<Result<ExecOutput>> fake_exec(FakeContainer* fake) {
  ++fake->runs;
  if (fake->broken) co_return error(Reason::ServiceUnavailable, "no runtime");
  co_return ExecOutput{fake->healthy ? 0 : 1, fake->healthy ? "fine" : "it hurts"};
}
std::unique_ptr<ProbeManager> manager(FakeContainer* fake, Events* events) {
  ProbeDeps deps{runtime(), [fake](rt::Context, std::string, std::vector<std::string>, rt::Duration) { return fake_exec(fake); },
                 [events](const Pod&, const std::string& container, std::string_view reason, std::string message) {
                   events->texts.push_back(container + " " + std::string(reason) + ": " + message);
                 }};
  auto out = make_probe_manager(std::move(deps));
  out->on_change([events](const std::string&) { ++events->changes; });
  return out;
}
Probe exec_probe(int32_t initial_delay, int32_t failure) {
  Probe out = probe(1, failure);
  out.initial_delay_seconds = initial_delay;
  out.exec.ensure().command = {"check"};
  return out;
}
ProbedContainer container_of(std::shared_ptr<Pod> pod) {
  ProbedContainer out;
  out.pod = pod;
  out.container = "app";
  out.container_id = "id-1";
  out.pod_ip = "10.0.0.1";
  out.started_at = runtime().clock().wall_now();
  return out;
}
std::shared_ptr<Pod> pod_with(Container container) {
  auto pod = std::make_shared<Pod>();
  pod->metadata.uid = "u1";
  container.name = "app";
  pod->spec.containers.push_back(std::move(container));
  return pod;
}
rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

rt::Task<void> startup_then_liveness_and_readiness() {
  FakeContainer fake;
  Events events;
  auto probes = manager(&fake, &events);
  Container container;
  container.startup_probe = exec_probe(5, 3);
  container.readiness_probe = exec_probe(0, 1);
  container.liveness_probe = exec_probe(20, 2);
  probes->start(container_of(pod_with(container)));
  EXPECT_EQ(probes->state("id-1"), (ProbeState{ProbeOutcome::Unknown, ProbeOutcome::Failure, ProbeOutcome::Success}));
  co_await pass(4s);
  EXPECT_EQ(fake.runs, 0);
  co_await pass(2s);  // 6 s: startup has succeeded, readiness follows at once
  EXPECT_EQ(probes->state("id-1"), (ProbeState{ProbeOutcome::Success, ProbeOutcome::Success, ProbeOutcome::Success}));
  EXPECT_EQ(fake.runs, 2);
  EXPECT_EQ(events.changes, 2);
  fake.healthy = false;
  co_await pass(28s);  // readiness at 15, 25; liveness at 20, 30
  EXPECT_EQ(probes->state("id-1"), (ProbeState{ProbeOutcome::Success, ProbeOutcome::Failure, ProbeOutcome::Failure}));
  EXPECT_EQ(events.texts[0], "app Unhealthy: Readiness probe failed: it hurts");
  const auto liveness = std::ranges::count(events.texts, "app Unhealthy: Liveness probe failed: it hurts");
  EXPECT_EQ(liveness, 2);
  const int before = fake.runs;
  probes->terminate_pod("u1");
  co_await pass(20s);
  EXPECT_EQ(fake.runs, before + 2);  // readiness alone
  probes->stop("id-1");
  co_await pass(60s);
  EXPECT_EQ(fake.runs, before + 2);
  EXPECT_EQ(probes->state("id-1"), ProbeState{});
  co_await probes->close();
}
TEST(ProbeManager, StartupThenLivenessAndReadiness) {
  for (uint64_t seed = 1; seed <= 3; ++seed) rt::testing::run_sim(startup_then_liveness_and_readiness(), seed);
}

rt::Task<void> errors_say_nothing() {
  FakeContainer fake;
  fake.broken = true;
  Events events;
  auto probes = manager(&fake, &events);
  Container container;
  container.liveness_probe = exec_probe(0, 1);
  auto about = container_of(pod_with(container));
  about.was_ready = true;  // adopted: the first probe comes within a period
  probes->start(about);
  co_await pass(25s);
  EXPECT_EQ(fake.runs % 3, 0);
  EXPECT_GE(fake.runs, 6);
  EXPECT_EQ(probes->state("id-1").liveness, ProbeOutcome::Success);
  EXPECT_EQ(events.texts.at(0), "app Unhealthy: Liveness probe errored and resulted in unknown state: no runtime");
  co_await probes->close();
}
TEST(ProbeManager, ErrorsSayNothing) { rt::testing::run_sim(errors_say_nothing()); }

rt::Task<void> no_probes_no_state() {
  FakeContainer fake;
  Events events;
  auto probes = manager(&fake, &events);
  probes->start(container_of(pod_with({})));
  EXPECT_EQ(probes->state("id-1"), ProbeState{});
  co_await probes->close();
}
TEST(ProbeManager, NoProbesNoState) { rt::testing::run_sim(no_probes_no_state()); }

// Real requests.
class Answers final : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    if (request.path == "/slow") {
      (void)co_await rt::sleep_for(ctx, 20s);
      co_return;
    }
    int status = 200;
    if (request.path == "/bad") status = 503;
    if (request.path == "/here") writer.headers().set("Location", "/ok");
    if (request.path == "/away") writer.headers().set("Location", "http://elsewhere.invalid/");
    if (request.path == "/round") writer.headers().set("Location", "/round");
    if (writer.headers().has("Location")) status = 302;
    (void)co_await net::respond(writer, status, "text/plain", Bytes::literal("body"));
  }
};

rt::Task<std::string> probe_path(Prober* prober, uint16_t port, std::string path) {
  Probe spec = probe(1, 1);
  auto& action = spec.http_get.ensure();
  action.path = std::move(path);
  action.port = {false, port, ""};
  const Container container;
  ProbeTarget target{container, "", "127.0.0.1"};
  const ProbeRun run = co_await prober->run(rt::Context::background(), spec, std::move(target));
  const char* names[] = {"success ", "warning ", "failure ", "error "};
  co_return names[static_cast<int>(run.result)] + run.message;
}

rt::Task<void> http_and_tcp() {
  Answers answers;
  net::ServerOptions options;
  options.listen = {"127.0.0.1", 0};
  const auto server = net::make_server(runtime(), answers, options);
  auto started = co_await server->start();
  EXPECT_TRUE(started.has_value());
  const uint16_t port = server->local().port;
  const ExecInContainer no_exec;
  Prober prober(runtime(), no_exec);
  const std::pair<std::string, std::string> rows[] = {
      {"/ok", "success "},
      {"/bad", "failure HTTP probe failed with statuscode: 503"},
      {"/here", "success "},
      {"/away", "warning Probe terminated redirects, Response body: body"},
      {"/slow", "failure Get \"http://127.0.0.1:" + std::to_string(port) +
                    "/slow\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
  };
  for (const auto& [path, want] : rows) {
    const std::string got = co_await probe_path(&prober, port, path);
    EXPECT_EQ(got, want);
  }
  const std::string round = co_await probe_path(&prober, port, "/round");
  EXPECT_TRUE(round.ends_with("stopped after 10 redirects")) << round;
  Probe tcp = probe(1, 1);
  tcp.tcp_socket.ensure().port = {false, port, ""};
  const Container container;
  ProbeTarget open{container, "", "127.0.0.1"};
  ProbeRun run = co_await prober.run(rt::Context::background(), tcp, std::move(open));
  EXPECT_EQ(run.result, ProbeRun::Result::Success);
  co_await server->drain(0s);
  ProbeTarget closed{container, "", "127.0.0.1"};
  run = co_await prober.run(rt::Context::background(), tcp, std::move(closed));
  EXPECT_EQ(run.result, ProbeRun::Result::Failure);
  EXPECT_TRUE(run.message.starts_with("dial tcp 127.0.0.1:")) << run.message;
  co_await prober.close();
}
TEST(Prober, HttpAndTcp) {
  rt::testing::run_task([] { return http_and_tcp(); });
}

}  // namespace
}  // namespace pintle::kubelet::probes
