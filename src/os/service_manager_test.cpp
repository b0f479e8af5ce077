#include "os/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "os/fd.h"
#include "os/process.h"
#include "rt/testing.h"

namespace pintle::os {
namespace {

// A service manager's end, on a path or an abstract name ("@name").
class Listener {
 public:
  explicit Listener(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  std::string heard() {
    char text[128];
    const ssize_t size = ::recv(fd_.get(), text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  UniqueFd fd_;
};

struct Environment {
  ~Environment() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
};

TEST(ServiceManager, IsToldWhereItListens) {
  Environment environment;
  EXPECT_FALSE(tell_service_manager("READY=1").value_or(true)) << "nobody asks";
  std::string folder = ::testing::TempDir() + "pintle-notify-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/socket", name = "@pintle-test-" + std::to_string(::getpid());
  for (const std::string& where : {path, name}) {
    Listener manager(where);
    environment.set("NOTIFY_SOCKET", where);
    EXPECT_TRUE(tell_service_manager("READY=1").value_or(false)) << where;
    EXPECT_EQ(manager.heard(), "READY=1") << where;
  }
  EXPECT_FALSE(tell_service_manager("READY=1").has_value()) << "nobody listens any more";
  for (const std::string& bad : {std::string("relative"), "/" + std::string(200, 'x')}) {
    environment.set("NOTIFY_SOCKET", bad);
    EXPECT_FALSE(tell_service_manager("READY=1").has_value()) << bad;
  }
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}

TEST(ServiceManager, Watchdog) {
  Environment environment;
  EXPECT_FALSE(watchdog_interval());
  environment.set("WATCHDOG_USEC", "30000000");
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  environment.set("WATCHDOG_PID", std::to_string(::getpid()));
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  environment.set("WATCHDOG_PID", "1");
  EXPECT_FALSE(watchdog_interval()) << "meant for another process";
  environment.set("WATCHDOG_PID", "");
  for (const char* bad : {"0", "-1", "x", "99999999999999999999"}) {
    environment.set("WATCHDOG_USEC", bad);
    EXPECT_FALSE(watchdog_interval()) << bad;
  }
}

TEST(ServiceManager, ChildrenAreNotAsked) {
  Environment environment;
  environment.set("NOTIFY_SOCKET", "@x");
  environment.set("WATCHDOG_USEC", "1");
  environment.set("WATCHDOG_PID", "1");
  ProcessSpec spec;
  spec.argv = {"env"};
  const auto output = rt::testing::run_task([&] { return run_process(rt::Context::background(), spec); });
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out.find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_EQ(output->out.find("WATCHDOG"), std::string::npos);
  EXPECT_NE(output->out.find("PATH="), std::string::npos);
}

}  // namespace
}  // namespace pintle::os
