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

}  // namespace
}  // namespace pintle::component::log
