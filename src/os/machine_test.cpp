#include "os/machine.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "os/path.h"

namespace pintle::os {
namespace {

TEST(Machine, OsRelease) {
  constexpr std::string_view text = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\nID=debian\n";
  EXPECT_EQ(os_release_value(text, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os_release_value(text, "VERSION_ID"), "12");
  EXPECT_EQ(os_release_value(text, "ID"), "debian");
  EXPECT_EQ(os_release_value(text, "VERSION"), "");
}

TEST(Machine, MemoryInfo) {
  const MemoryInfo info = parse_memory_info("MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\nSwapTotal: 10 kB\nSwapFree: 5 kB\n");
  EXPECT_EQ(info.total_bytes, 1000u * 1024);
  EXPECT_EQ(info.available_bytes, 400u * 1024);
  EXPECT_EQ(info.swap_total_bytes, 10u * 1024);
  EXPECT_EQ(info.swap_free_bytes, 5u * 1024);
}

TEST(Machine, ThermalThrottle) {
  std::string cpus = ::testing::TempDir() + "pintle-cpus-XXXXXX";
  ASSERT_NE(::mkdtemp(cpus.data()), nullptr);
  for (const char* name : {"/cpu1/thermal_throttle", "/cpu0/thermal_throttle", "/cpu2/topology", "/power/thermal_throttle"})
    ASSERT_TRUE(make_directories(cpus + name, 0755));
  EXPECT_EQ(thermal_throttle_paths(cpus), (std::vector<std::string>{cpus + "/cpu0/thermal_throttle", cpus + "/cpu1/thermal_throttle"}));
  EXPECT_TRUE(thermal_throttle_paths(cpus + "/none").empty());
  EXPECT_TRUE(remove_tree(cpus));
}

TEST(Machine, FactsOfThisOne) {
  const auto facts = machine_facts();
  ASSERT_TRUE(facts);
  EXPECT_GT(facts->cores, 0u);
  EXPECT_GT(facts->memory_bytes, 0u);
  EXPECT_FALSE(facts->boot_id.empty());
  EXPECT_FALSE(facts->kernel_version.empty());
  EXPECT_FALSE(facts->os_image.empty());
  EXPECT_FALSE(facts->hostname.empty());
  const auto usage = file_system_usage("/");
  ASSERT_TRUE(usage);
  EXPECT_GE(usage->capacity_bytes, usage->available_bytes);
  EXPECT_EQ(file_system_id("/proc/self").value(), file_system_id("/proc").value());
  EXPECT_NE(file_system_id("/proc").value(), file_system_id("/").value());
  EXPECT_FALSE(file_system_id("/no/such/path"));
  EXPECT_TRUE(read_sysctl("kernel.ostype"));
  EXPECT_FALSE(read_sysctl("kernel.no_such_thing"));
}

}  // namespace
}  // namespace pintle::os
