// Real sockets in a folder of the test's own.
#include "kubelet/plugins/plugin_watcher.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "api/gen/pluginregistration_v1.h"
#include "os/path.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::kubelet::plugins {
namespace {

using namespace api::pluginregistration_v1;
using namespace std::chrono_literals;

constexpr auto patience = 20s;

class Folder {
 public:
  Folder() { EXPECT_NE(::mkdtemp(path_.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_ = "/tmp/pintle-plugins-XXXXXX";
};

// What happened, waited for.
class Log {
 public:
  void add(std::string line) {
    lines_.push_back(std::move(line));
    grew_.set();
  }
  // Until the line was said `times` times since the log was made.
  rt::Task<void> wait(std::string line, int times = 1) {
    const auto ctx = rt::Context::background().with_timeout(patience);
    while (std::ranges::count(lines_, line) < times) {
      grew_.reset();
      const auto grew = co_await grew_.wait(ctx);
      if (!grew) {
        std::string all;
        for (const auto& one : lines_) all += one + "\n";
        ADD_FAILURE() << "not said: " << line << "\n" << all;
        co_return;
      }
    }
  }
  int count(std::string_view line) const { return static_cast<int>(std::ranges::count(lines_, line)); }

 private:
  std::vector<std::string> lines_;
  rt::Event grew_;
};

class FakePlugin {
 public:
  FakePlugin(rt::Runtime& runtime, Log& log, std::string name, std::string type = csi_plugin_type)
      : name_(std::move(name)), type_(std::move(type)), log_(log), server_(runtime) {
    rpc::on_unary(server_, "/pluginregistration.Registration/GetInfo", *this, &FakePlugin::info);
    rpc::on_unary(server_, "/pluginregistration.Registration/NotifyRegistrationStatus", *this, &FakePlugin::notify);
  }
  void listen(const std::string& path) { EXPECT_TRUE(server_.start(path)) << path; }
  rt::Task<void> stop() { return server_.stop(); }

  std::string endpoint;
  bool deaf = false;  // does not take the notification

 private:
  rt::Task<Result<PluginInfo>> info(rt::Context, InfoRequest) {
    PluginInfo out;
    out.type = type_;
    out.name = name_;
    out.endpoint = endpoint;
    out.supported_versions = {"1.0.0"};
    co_return std::move(out);
  }
  rt::Task<Result<RegistrationStatusResponse>> notify(rt::Context, RegistrationStatus status) {
    log_.add(name_ + (status.plugin_registered ? " is told yes" : " is told " + status.error));
    if (std::exchange(deaf, false)) co_return error(Reason::InternalError, "deaf");
    co_return RegistrationStatusResponse{};
  }

  std::string name_;
  std::string type_;
  Log& log_;
  net::grpc::Server server_;
};

class FakeHandler final : public PluginHandler {
 public:
  explicit FakeHandler(Log& log) : log_(log) {}
  Result<Unit> validate(const Plugin& plugin) override {
    if (plugin.name == "bad") return bad_request("bad it is");
    return Unit{};
  }
  rt::Task<Result<Unit>> add(rt::Context, Plugin plugin) override {
    log_.add("add " + plugin.name + " at " + plugin.endpoint.substr(plugin.endpoint.rfind('/')));
    if (plugin.name == "later" && ++tries_ < 3) co_return error(Reason::ServiceUnavailable, "not yet");
    co_return Unit{};
  }
  rt::Task<void> remove(rt::Context, Plugin plugin) override {
    log_.add("remove " + plugin.name);
    co_return;
  }

 private:
  int tries_ = 0;
  Log& log_;
};

PluginWatcherDeps deps_of(rt::Runtime& runtime, const std::string& folder, FakeHandler& handler) {
  PluginWatcherDeps deps{runtime, folder};
  deps.handlers = {{csi_plugin_type, &handler}};
  deps.timing.retry_first = 20ms;
  deps.timing.retry_max = 100ms;
  deps.timing.settle = deps.timing.look_pause = 5ms;
  deps.timing.info = 10s;
  return deps;
}

rt::Task<void> come_and_go() {
  auto& runtime = rt::Executor::current().runtime();
  Folder root;
  const std::string folder = root / "reg";
  Log log;
  FakeHandler handler(log);
  PluginWatcher watcher(deps_of(runtime, folder, handler));
  std::filesystem::create_directories(folder);
  FakePlugin before(runtime, log, "before");
  before.listen(folder + "/before.sock");
  watcher.start();
  co_await log.wait("before is told yes");
  FakePlugin after(runtime, log, "after");
  after.endpoint = "/elsewhere/csi.sock";
  after.listen(folder + "/after.sock");
  co_await log.wait("add after at /csi.sock");
  co_await log.wait("after is told yes");
  std::filesystem::create_directories(folder + "/sub/dir");
  FakePlugin deep(runtime, log, "deep");
  deep.listen(folder + "/sub/dir/deep.sock");
  co_await log.wait("add deep at /deep.sock");
  co_await log.wait("deep is told yes");
  co_await after.stop();
  co_await log.wait("remove after");
  FakePlugin again(runtime, log, "after");
  again.listen(folder + "/after.sock");
  co_await log.wait("after is told yes", 2);
  // Gone and there again between two looks: taken back and registered anew.
  std::filesystem::remove(folder + "/before.sock");
  FakePlugin anew(runtime, log, "anew");
  anew.listen(folder + "/before.sock");
  co_await log.wait("remove before");
  co_await log.wait("anew is told yes");
  EXPECT_EQ(log.count("before is told yes"), 1);
  co_await watcher.stop();
  EXPECT_EQ(log.count("remove anew"), 0);  // stays registered
  PluginWatcher next(deps_of(runtime, folder, handler));
  next.start();
  co_await log.wait("anew is told yes", 2);
  co_await log.wait("deep is told yes", 2);
  co_await next.stop();
  co_await before.stop();
  co_await deep.stop();
  co_await again.stop();
  co_await anew.stop();
}

rt::Task<void> refusals() {
  auto& runtime = rt::Executor::current().runtime();
  Folder root;
  const std::string folder = root / "reg";
  Log log;
  FakeHandler handler(log);
  PluginWatcher watcher(deps_of(runtime, folder, handler));
  watcher.start();
  FakePlugin bad(runtime, log, "bad"), other(runtime, log, "gpu", "DevicePlugin"), later(runtime, log, "later"), deaf(runtime, log, "deaf");
  FakePlugin talker(runtime, log, "talker");
  talker.endpoint = std::string(word_bytes_max + 1, 'x');
  deaf.deaf = true;
  std::filesystem::create_directories(folder);
  bad.listen(folder + "/bad.sock");
  other.listen(folder + "/gpu.sock");
  later.listen(folder + "/later.sock");
  deaf.listen(folder + "/deaf.sock");
  talker.listen(folder + "/talker.sock");
  co_await log.wait("bad is told RegisterPlugin error -- plugin validation failed with err: bad it is");
  co_await log.wait("gpu is told RegisterPlugin error -- no handler registered for plugin type: DevicePlugin at socket " + folder + "/gpu.sock");
  co_await log.wait("talker is told RegisterPlugin error -- the plugin info is too long at socket " + folder + "/talker.sock");
  co_await log.wait("later is told RegisterPlugin error -- plugin registration failed with err: not yet", 2);
  co_await log.wait("later is told yes");
  co_await log.wait("remove deaf");  // who cannot be told is not registered
  co_await log.wait("deaf is told yes", 2);
  EXPECT_EQ(log.count("add bad at /bad.sock"), 0);
  co_await watcher.stop();
  co_await bad.stop();
  co_await other.stop();
  co_await later.stop();
  co_await deaf.stop();
  co_await talker.stop();
}

// Accepts nothing, or says what is no HTTP/2.
rt::Task<void> babble(std::unique_ptr<rt::Listener> listener, rt::Context ctx, std::string text) {
  while (true) {
    auto stream = co_await listener->accept(ctx);
    if (!stream) co_return;
    (void)co_await (*stream)->write(ctx, text);
    (void)co_await rt::sleep_for(ctx, 50ms);
  }
}

rt::Task<void> hostile() {
  auto& runtime = rt::Executor::current().runtime();
  Folder root;
  const std::string folder = root / "reg";
  std::filesystem::create_directories(folder);
  Log log;
  FakeHandler handler(log);
  rt::TaskGroup tasks;
  auto silent = std::move(*runtime.network().listen_unix(folder + "/a-silent.sock"));
  tasks.spawn(babble(std::move(*runtime.network().listen_unix(folder + "/b-babble.sock")), tasks.context(), std::string(5000, 'x')));
  // A link to a plugin outside is no socket of the folder.
  FakePlugin outside(runtime, log, "outside");
  outside.listen(root / "outside.sock");
  std::filesystem::create_symlink(root / "outside.sock", folder + "/link.sock");
  std::filesystem::create_directory_symlink(root / "", folder + "/up");
  PluginWatcher watcher(deps_of(runtime, folder, handler));
  watcher.start();
  FakePlugin good(runtime, log, "good");
  good.listen(folder + "/z-good.sock");
  co_await log.wait("good is told yes");
  EXPECT_EQ(log.count("add outside at /outside.sock"), 0);
  const rt::TimePoint then = runtime.clock().now();
  co_await watcher.stop();
  EXPECT_LT(runtime.clock().now() - then, 5s);
  co_await tasks.close();
  silent->close();
  co_await outside.stop();
  co_await good.stop();
}

TEST(PluginWatcher, ComeAndGo) { rt::testing::run_task(come_and_go()); }
TEST(PluginWatcher, Refusals) { rt::testing::run_task(refusals()); }
TEST(PluginWatcher, HostileSockets) { rt::testing::run_task(hostile()); }

}  // namespace
}  // namespace pintle::kubelet::plugins
