#include "kubelet/server/routes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "csi/remote_controller.h"
#include "net/client.h"
#include "net/grpc/code.h"
#include "net/server.h"
#include "net/spdy.h"
#include "os/path.h"
#include "os/replace_file.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::server {
namespace {

namespace core = api::core_v1;

const std::string log_path = "/tmp/pintle-kubelet-routes-test/default_web_u1/main/0.log";

// Has room for a gibibyte, and volumes of no more.
class FakeDriver final : public csi::Controller {
 public:
  Answer<api::csi_v1::CreateVolumeResponse> create(rt::Context, api::csi_v1::CreateVolumeRequest request) override {
    if (request.capacity_range->required_bytes > 1 << 30)
      co_return Unexpected(net::grpc::to_status(net::grpc::Code::ResourceExhausted, "no room for " + request.name));
    api::csi_v1::CreateVolumeResponse out;
    out.volume.ensure().volume_id = "id of " + request.name;
    co_return std::move(out);
  }
  Answer<Unit> remove(rt::Context, api::csi_v1::DeleteVolumeRequest request) override {
    removed = request.volume_id;
    co_return Unit{};
  }
  Answer<api::csi_v1::ControllerExpandVolumeResponse> controller_expand(rt::Context, api::csi_v1::ControllerExpandVolumeRequest) override {
    api::csi_v1::ControllerExpandVolumeResponse out;
    out.node_expansion_required = true;
    co_return std::move(out);
  }
  Answer<api::csi_v1::GetCapacityResponse> capacity(rt::Context, api::csi_v1::GetCapacityRequest) override {
    api::csi_v1::GetCapacityResponse out;
    out.available_capacity = 1 << 30;
    co_return std::move(out);
  }
  std::string removed;
};

// One pod "web" with a container "main" that runs; what it is asked is noted.
class FakeHost : public KubeletHost {
 public:
  FakeHost() {
    pod_.metadata.name = "web";
    pod_.metadata.namespace_ = "default";
    pod_.metadata.uid = "u1";
    pod_.spec.containers.emplace_back().name = "main";
    pod_.spec.containers.emplace_back().name = "later";
    auto& status = pod_.status.container_statuses.emplace_back();
    status.name = "main";
    status.container_id = "containerd://c1";
    status.state.running.ensure();
    configuration_.port = 10250;
  }
  rt::Task<std::vector<core::Pod>> pods() override { co_return std::vector<core::Pod>{pod_}; }
  rt::Task<std::optional<core::Pod>> pod(std::string namespace_name, std::string name) override {
    if (namespace_name != "default" || name != "web") co_return std::nullopt;
    co_return pod_;
  }
  rt::Task<Result<std::vector<core::Pod>>> running_pods(rt::Context) override { co_return std::vector<core::Pod>{}; }
  rt::Task<Result<std::string>> container_log_path(rt::Context, std::string) override { co_return log_path; }
  rt::Task<Result<Unit>> wait_container_end(rt::Context ctx, std::string) override { co_return co_await ended.wait(std::move(ctx)); }
  rt::Task<Result<ExecSyncResult>> exec_sync(rt::Context, std::string id, std::vector<std::string> command) override {
    co_return ExecSyncResult{id + ":" + command.front() + "+" + std::to_string(command.size()), "", 0};
  }
  bool has_checkpoints() const override { return checkpoints; }
  rt::Task<Result<std::string>> checkpoint(rt::Context, core::Pod pod, std::string container, int64_t timeout_seconds) override {
    if (timeout_seconds > 99) co_return error(Reason::InternalError, "rpc error: code = Unimplemented desc = no");
    co_return "/checkpoints/" + pod.metadata.name + "-" + container + "-" + std::to_string(timeout_seconds);
  }
  rt::Task<Result<std::string>> exec_url(rt::Context, StreamRequest request) override {
    asked = request;
    co_return runtime_url;
  }
  rt::Task<Result<std::string>> attach_url(rt::Context, StreamRequest request) override {
    asked = request;
    co_return error(Reason::NotFound, "no such container");
  }
  rt::Task<Result<std::string>> port_forward_url(rt::Context, core::Pod, std::vector<int32_t>) override { co_return runtime_url; }
  rt::Task<Result<api::kubeletstats_v1alpha1::Summary>> stats_summary(rt::Context, bool) override { co_return api::kubeletstats_v1alpha1::Summary{}; }
  std::string metrics() override { return "kubelet_up 1\n"; }
  rt::Task<Result<std::string>> cadvisor_metrics(rt::Context) override { co_return "cadvisor 1\n"; }
  rt::Task<Result<std::string>> resource_metrics(rt::Context) override { co_return "resource 1\n"; }
  std::string probe_metrics() override { return "prober 1\n"; }
  rt::Task<std::optional<Result<std::string>>> csi_controller_call(rt::Context ctx, std::string driver, std::string method,
                                                                   std::string request) override {
    if (driver != "local.example") co_return std::nullopt;
    co_return co_await csi::answer_controller_call(std::move(ctx), driver_, std::move(method), std::move(request));
  }
  const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration() const override { return configuration_; }
  std::string node_name() const override { return "node"; }
  std::string unhealthy() const override { return wrong; }
  std::string log_directory() const override { return logs; }

  core::Pod pod_;
  FakeDriver driver_;
  api::kubeletconfig_v1beta1::KubeletConfiguration configuration_;
  rt::Event ended;
  std::string runtime_url;
  bool checkpoints = true;
  std::string wrong;
  std::string logs;
  StreamRequest asked;
};

rt::Task<std::string> ask(net::Transport* transport, std::string method, std::string path) {
  net::ClientRequest request;
  request.method = std::move(method);
  request.url = "http://kubelet" + path;
  auto response = co_await transport->send(rt::Context::background(), std::move(request));
  if (!response) co_return response.error().message;
  auto body = co_await net::read_all(rt::Context::background(), *response->body, 1 << 20);
  co_return std::to_string(response->status) + " " + std::string(body ? body->view() : body.error().message);
}

struct Case {
  std::string method;
  std::string path;
  std::string want;  // the answer's beginning
};

rt::Task<void> check_answers(std::vector<Case> cases, const AccessOptions* strangers, bool read_only, std::string logs = "") {
  auto& runtime = rt::Executor::current().runtime();
  FakeHost host;
  host.logs = std::move(logs);
  CHECK(runtime.disk().make_directories(rt::parent_path(log_path)), "a folder");
  CHECK(runtime.disk().write(log_path, "2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:06Z stderr F two\n"), "a log");
  net::ClientOptions none;
  auto transport = net::make_transport(runtime, none);
  CHECK(transport, "a transport");
  std::optional<Access> access;
  if (strangers != nullptr) access.emplace(AccessDeps{runtime.clock()}, *strangers);
  RoutesDeps deps{runtime, host, rt::Executor::current(), **transport};
  deps.access = access ? &*access : nullptr;
  RoutesOptions options;
  options.read_only = read_only;
  Routes routes(deps, options);
  auto in_process = net::make_in_process_transport(runtime, routes, "");
  for (const Case& one : cases) {
    const std::string got = co_await ask(in_process.get(), one.method, one.path);
    EXPECT_EQ(got.substr(0, one.want.size()), one.want) << one.method << " " << one.path;
  }
  co_await in_process->close();
  co_await (*transport)->close();
}

TEST(KubeletRoutes, Answers) {
  const std::vector<Case> cases = {
      {"GET", "/healthz", "200 ok"},
      {"GET", "/pods", R"(200 {"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"web")"},
      {"GET", "/pods/", "200 {"},
      {"GET", "/runningpods/", R"(200 {"kind":"PodList","apiVersion":"v1","metadata":{},"items":null})"},
      {"POST", "/pods", "405 405: Method Not Allowed"},
      {"GET", "/stats/summary", R"(200 {"node":)"},
      {"GET", "/stats/other", "404 "},
      {"GET", "/metrics", "200 kubelet_up 1"},
      {"GET", "/metrics/cadvisor", "200 cadvisor 1"},
      {"GET", "/metrics/probes", "200 prober 1"},
      {"GET", "/metrics/bogus", "404 "},
      {"GET", "/configz", R"(200 {"kubeletconfig":{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1")"},
      {"GET", "/nothing", "404 "},
      {"GET", "/logs/", "405 logs endpoint is disabled."},
      {"GET", "/containerLogs/default/web/main", "200 one\ntwo\n"},
      {"GET", "/containerLogs/default/web/main?tail=1", "200 two\n"},
      {"GET", "/containerLogs/default/web/main?limitBytes=2", "200 on"},
      {"GET", "/containerLogs/default/web/main?tailLines=x", R"(400 {"message": "Unable to decode query."})"},
      {"GET", "/containerLogs/default/web/main?tailLines=-1", R"(422 {"message": "Invalid request."})"},
      {"GET", "/containerLogs/default/web/other", "404 container \"other\" not found in pod \"web\""},
      {"GET", "/containerLogs/default/web/later", "400 container \"later\" in pod \"web\" is not available"},
      {"GET", "/containerLogs/default/gone/main", "404 pod \"gone\" does not exist"},
      {"POST", "/checkpoint/default/web/main", R"(200 {"items":["/checkpoints/web-main-0"]})"},
      {"POST", "/checkpoint/default/web/main?timeout=3&timeout=7", R"(200 {"items":["/checkpoints/web-main-7"]})"},
      {"POST", "/checkpoint/default/web/main?timeout=x", "404 cannot parse value of timeout parameter"},
      {"POST", "/checkpoint/default/web/main?timeout=100",
       "500 checkpointing of default/web/main failed (rpc error: code = Unimplemented desc = no)"},
      {"POST", "/checkpoint/default/web/other", "404 container other does not exist"},
      {"POST", "/checkpoint/default/gone/main", "404 pod does not exist"},
      {"GET", "/checkpoint/default/web/main", "405 "},
      {"POST", "/run/default/web/main?cmd=ls%20-l", "200 c1:ls+2"},
      {"POST", "/run/default/web/u1/main?cmd=ls", "200 c1:ls+1"},
      {"POST", "/run/default/web/u2/main?cmd=ls", "404 pod does not exist"},
      {"POST", "/exec/default/web/main?command=ls", "400 you must specify at least 1 of stdin, stdout, stderr"},
      {"POST", "/exec/default/web/main?command=ls&output=1", "400 Upgrade request required"},
      {"POST", "/exec/default/web/later?command=ls&output=1", "500 container not found (\"later\")"},
      {"POST", "/attach/default/web/main?output=1", "404 no such container"},
      {"POST", "/portForward/default/gone", "404 pod does not exist"},
      {"POST", "/csi/local.example/GetCapacity", "404 404 page not found"},  // where nobody is asked who he is
  };
  rt::testing::run_task([&] { return check_answers(cases, nullptr, false); });
}

TEST(KubeletRoutes, TheReadOnlyPortShowsLittle) {
  rt::testing::run_task([&] {
    return check_answers({{"GET", "/pods", "200 {"},
                          {"GET", "/configz", "404 "},
                          {"GET", "/containerLogs/default/web/main", "404 "},
                          {"POST", "/checkpoint/default/web/main", "404 "},
                          {"GET", "/metrics", "200 "}},
                         nullptr, true);
  });
}

TEST(KubeletRoutes, TheLogFolderShowsFilesAlone) {
  const std::string folder = "/tmp/pintle-kubelet-routes-test/var-log";
  ::unlink((folder + "/link").c_str());
  ::unlink((folder + "/fifo").c_str());
  ASSERT_TRUE(os::make_directories(folder, 0755));
  ASSERT_TRUE(os::replace_file(folder + "/big", std::string(200'000, 'x'), 0644, os::Durability::Whole));
  ASSERT_EQ(::symlink("/etc/passwd", (folder + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  rt::testing::run_task([&] {
    return check_answers({{"GET", "/logs/", "200 <!doctype html>"},
                          {"GET", "/logs/big", "200 " + std::string(200'000, 'x')},
                          {"GET", "/logs/link", "403 not a log file"},
                          {"GET", "/logs/fifo", "403 not a log file"},
                          {"GET", "/logs/big%00", "400 invalid path"},
                          {"GET", "/logs/%2e%2e/passwd", "400 invalid path"},
                          {"GET", "/logs/gone", "404 404 page not found"}},
                         nullptr, false, folder);
  });
}

// A driver's Controller service from afar: answers, the driver's errors with their codes, and what is none of a driver.
rt::Task<void> call_a_driver_from_afar() {
  auto& runtime = rt::Executor::current().runtime();
  FakeHost host;
  auto none = net::make_transport(runtime, net::ClientOptions{});
  CHECK(none, "a transport");
  AccessOptions open;
  open.authentication.anonymous.enabled = true;
  open.authorization.mode = "AlwaysAllow";
  Access access(AccessDeps{runtime.clock()}, open);
  RoutesDeps deps{runtime, host, rt::Executor::current(), **none, &access};
  Routes routes(deps, RoutesOptions{});
  auto in_process = net::make_in_process_transport(runtime, routes, "");
  csi::RemoteController driver(*in_process, "http://kubelet/csi/local.example");
  const rt::Context ctx = rt::Context::background();

  api::csi_v1::CreateVolumeRequest request;
  request.name = "pvc-1";
  request.capacity_range.ensure().required_bytes = 1 << 20;
  const auto made = co_await driver.create(ctx, request);
  EXPECT_EQ(made ? made->volume->volume_id : made.error().message, "id of pvc-1");
  request.capacity_range->required_bytes = int64_t{2} << 30;
  const auto full = co_await driver.create(ctx, request);
  EXPECT_EQ(net::grpc::code_of(full.error()), net::grpc::Code::ResourceExhausted);
  EXPECT_EQ(net::grpc::description_of(full.error()), "no room for pvc-1");
  request.name = std::string(csi::remote_request_bytes_max, 'x');
  const auto big = co_await driver.create(ctx, request);
  EXPECT_EQ(net::grpc::code_of(big.error()), net::grpc::Code::Unavailable) << "such a request is not read";
  const api::csi_v1::ControllerExpandVolumeRequest larger;
  const auto grown = co_await driver.controller_expand(ctx, larger);
  EXPECT_TRUE(grown && grown->node_expansion_required);
  const api::csi_v1::GetCapacityRequest for_any;
  const auto room = co_await driver.capacity(ctx, for_any);
  EXPECT_EQ(room ? room->available_capacity : 0, 1 << 30);
  api::csi_v1::DeleteVolumeRequest gone;
  gone.volume_id = "v1";
  const auto removed = co_await driver.remove(ctx, gone);
  EXPECT_TRUE(removed);
  EXPECT_EQ(host.driver_.removed, "v1");
  csi::RemoteController stranger(*in_process, "http://kubelet/csi/other.example");
  const auto unserved = co_await stranger.capacity(ctx, for_any);
  EXPECT_EQ(net::grpc::code_of(unserved.error()), net::grpc::Code::Unimplemented);
  co_await in_process->close();
  co_await (*none)->close();
}

TEST(KubeletRoutes, ADriverIsCalledFromAfar) { rt::testing::run_task(call_a_driver_from_afar); }

rt::Task<void> strangers() {
  AccessOptions access;
  access.authorization.mode = "Webhook";
  access.authentication.anonymous.enabled = false;
  const std::vector<Case> refused = {{"GET", "/pods", "401 Unauthorized"}, {"GET", "/healthz", "401 Unauthorized"}};
  const std::vector<Case> nobody_to_ask = {
      {"GET", "/pods", "500 Authorization error (user=system:anonymous, verb=get, resource=nodes, subresource=pods)"}};
  const std::vector<Case> allowed = {{"GET", "/pods", "200 {"},
                                     {"POST", "/csi/other.example/GetCapacity", "404 404 page not found"},
                                     {"POST", "/csi/local.example/NodeStageVolume", "200 unknown method NodeStageVolume"},
                                     {"GET", "/csi/local.example/GetCapacity", "405 405: Method Not Allowed"}};
  co_await check_answers(refused, &access, false);
  access.authentication.anonymous.enabled = true;
  co_await check_answers(nobody_to_ask, &access, false);
  access.authorization.mode = "AlwaysAllow";
  co_await check_answers(allowed, &access, false);
}
TEST(KubeletRoutes, StrangersAreTurnedAway) { rt::testing::run_task(strangers()); }

// The runtime's streaming server: answers each stream with its type and what came.
class FakeRuntime : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context, net::Request& request, net::ResponseWriter& writer) override {
    path = request.path;
    writer.headers().set("Connection", "Upgrade");
    writer.headers().set("Upgrade", "SPDY/3.1");
    writer.headers().set("X-Stream-Protocol-Version", std::string(request.headers.get("x-stream-protocol-version")));
    net::UpgradeHandler handler = [](rt::Context ctx, std::unique_ptr<rt::Stream> stream) { return echo(std::move(ctx), std::move(stream)); };
    (void)co_await writer.upgrade(std::move(handler));
  }
  static rt::Task<void> echo(rt::Context ctx, std::unique_ptr<rt::Stream> stream) {
    net::SpdySession session(std::move(stream), true);
    rt::TaskGroup group;
    group.spawn(run(&session, ctx));
    auto one = co_await session.accept(ctx);
    if (one) {
      auto piece = co_await (*one)->read(ctx);
      const std::string said(piece ? piece->view() : "");
      (void)co_await (*one)->write(ctx, Bytes(std::string(net::spdy_header((*one)->headers(), "streamtype")) + "=" + said));
      co_await (*one)->reset(ctx);
    }
    co_await session.close();
    co_await group.join();
  }
  static rt::Task<void> run(net::SpdySession* session, rt::Context ctx) { (void)co_await session->run(std::move(ctx)); }
  std::string path;
};

rt::Task<void> exec_through() {
  auto& runtime = rt::Executor::current().runtime();
  const rt::Context ctx = rt::Context::background();
  FakeHost host;
  FakeRuntime fake;
  net::ServerOptions plain;
  plain.listen.address = "127.0.0.1";
  auto streaming = net::make_server(runtime, fake, plain);
  const auto streaming_started = co_await streaming->start();
  CHECK(streaming_started, "the runtime listens");
  host.runtime_url = "http://" + rt::to_string(streaming->local()) + "/exec/token";
  net::ClientOptions none;
  auto transport = net::make_transport(runtime, none);
  CHECK(transport, "a transport");
  Routes routes(RoutesDeps{runtime, host, rt::Executor::current(), **transport}, RoutesOptions());
  auto kubelet = net::make_server(runtime, routes, plain);
  const auto kubelet_started = co_await kubelet->start();
  CHECK(kubelet_started, "the kubelet listens");

  net::ClientRequest request;
  request.method = "POST";
  request.url = "http://" + rt::to_string(kubelet->local()) + "/exec/default/web/main?command=sh&command=-c&input=1&output=1&tty=1&error=1";
  request.upgrade = true;
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Upgrade", "SPDY/3.1");
  request.headers.add("X-Stream-Protocol-Version", "v4.channel.k8s.io");
  auto response = co_await (*transport)->send(ctx, std::move(request));
  CHECK(response && response->status == 101, "upgraded");
  EXPECT_EQ(response->headers.get("x-stream-protocol-version"), "v4.channel.k8s.io");
  EXPECT_EQ(fake.path, "/exec/token");
  EXPECT_EQ(host.asked.command, (std::vector<std::string>{"sh", "-c"}));
  EXPECT_TRUE(host.asked.tty && host.asked.stdin && host.asked.stdout && !host.asked.stderr);
  net::SpdySession session(std::move(response->upgraded), false);
  rt::TaskGroup group;
  group.spawn(FakeRuntime::run(&session, ctx));
  net::SpdyHeaders headers;
  headers.emplace_back("streamtype", "stdin");
  auto stream = co_await session.open(ctx, std::move(headers));
  CHECK(stream, "a stream");
  (void)co_await (*stream)->write(ctx, Bytes("hello"));
  auto piece = co_await (*stream)->read(ctx);
  EXPECT_EQ(piece ? piece->view() : "", "stdin=hello");
  co_await group.join();
  co_await kubelet->drain(std::chrono::seconds(1));
  co_await streaming->drain(std::chrono::seconds(1));
  co_await (*transport)->close();
}
TEST(KubeletRoutes, ExecIsCarriedToTheRuntime) { rt::testing::run_task(exec_through()); }

}  // namespace
}  // namespace pintle::kubelet::server
