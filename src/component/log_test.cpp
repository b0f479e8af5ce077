#include "component/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace pintle::component::log {
namespace {

class FixedClock : public rt::Clock {
 public:
  rt::TimePoint now() const override { return {}; }
  rt::WallTime wall_now() const override { return rt::WallTime(std::chrono::seconds(1767323045) + std::chrono::microseconds(42)); }
};

// What `act` logs with these options.
template <class Act>
std::string logged(Options options, Act act) {
  static const FixedClock clock;
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  options.fd = ends[1];
  init(clock, options);
  act();
  init(clock, {});
  close(ends[1]);
  std::array<char, 4096> buffer{};
  const ssize_t n = read(ends[0], buffer.data(), buffer.size());
  close(ends[0]);
  return std::string(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
}

TEST(Log, TextLinesCarryTimeMessageAndPairs) {
  const std::string line = logged({}, [] { warning("Slow \"disk\"", {{"path", "/a\nb"}}); });
  EXPECT_TRUE(line.starts_with("W0102 03:04:05.000042 ")) << line;
  EXPECT_TRUE(line.ends_with("] \"Slow \\\"disk\\\"\" path=\"/a\\nb\"\n")) << line;
}

TEST(Log, JsonLines) {
  const std::string line = logged({.format = Format::Json}, [] { error("Broken", Status{Reason::Conflict, 0, "two", {}}, {{"k", "v"}}); });
  EXPECT_EQ(line, "{\"ts\":\"2026-01-02T03:04:05.000042Z\",\"level\":\"error\",\"msg\":\"Broken (two)\",\"k\":\"v\"}\n");
}

TEST(Log, VerbosityIsALimit) {
  EXPECT_EQ(logged({.verbosity = 1}, [] { info(2, "quiet"); }), "");
  EXPECT_NE(logged({.verbosity = 2}, [] { info(2, "said"); }), "");
}

TEST(Log, FilesMaySayMore) {
  const auto vmodule = parse_vmodule("other=9,log_*=3");
  ASSERT_TRUE(vmodule) << vmodule.error().message;
  EXPECT_NE(logged({.verbosity = 1, .vmodule = *vmodule}, [] { info(3, "said"); }), "");
  EXPECT_EQ(logged({.verbosity = 1, .vmodule = *vmodule}, [] { info(4, "quiet"); }), "");
  EXPECT_NE(logged({.verbosity = 4, .vmodule = *vmodule}, [] { info(4, "-v holds for all"); }), "");
  EXPECT_EQ(logged({.verbosity = 1, .vmodule = *parse_vmodule("other=9")}, [] { info(3, "quiet"); }), "");
}

TEST(Log, PatternsOfFiles) {
  const auto check = [](std::string_view pattern, std::string_view file, bool fits) {
    EXPECT_EQ(is_file_of(pattern, file), fits) << pattern << file;
  };
  check("node_agent", "src/kubelet/node/node_agent.cpp", true);
  check("node_agent", "/home/me/src/pintle/src/kubelet/node/node_agent.cpp", true);
  check("node_*", "../src/kubelet/node/node_agent.cpp", true);
  check("node", "src/kubelet/node/node_agent.cpp", false);
  check("node_agen?", "src/kubelet/node/node_agent.h", true);
  check("kubelet/node/*", "src/kubelet/node/node_agent.cpp", true);
  check("kubelet/*", "src/proxy/proxy.cpp", false);
  check("*", "a.cpp", true);
}

TEST(Log, WhatIsNoVmodule) {
  for (const char* wrong : {"a", "a=", "=1", "a=b", "a=-1", "a=1=2", "a=1,b"}) EXPECT_FALSE(parse_vmodule(wrong)) << wrong;
  EXPECT_EQ(parse_vmodule("a=1,")->size(), 1u);
  EXPECT_TRUE(parse_vmodule("")->empty());
}

}  // namespace
}  // namespace pintle::component::log
