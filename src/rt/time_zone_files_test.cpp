#include "rt/time_zone_files.h"

#include <gtest/gtest.h>

#include <string>

#include "rt/runtime.h"
#include "rt/testing.h"

namespace pintle::rt {
namespace {

// No offsets of its own: all is in the rule at the end.
std::string zone_file(const std::string& rule) {
  const std::string head = std::string("TZif2") + std::string(15, '\0');
  const auto number = [](char value) { return std::string("\0\0\0", 3) + value; };
  std::string out = head + std::string(24, '\0') + head + std::string(16, '\0') + number(1) + number(4);
  return out + std::string(6, '\0') + std::string("XYZ\0", 4) + "\n" + rule + "\n";
}

TEST(TimeZoneFiles, AreReadOnce) {
  testing::run_sim([]() -> Task<void> {
    Disk& disk = Executor::current().runtime().disk();
    EXPECT_TRUE(disk.make_directories("/usr/share/zoneinfo/Europe"));
    EXPECT_TRUE(disk.write("/usr/share/zoneinfo/Europe/Zurich", zone_file("CET-1")));
    EXPECT_TRUE(disk.write("/usr/share/zoneinfo/Broken", "TZif"));
    const TimeZoneFiles files(disk);
    const TimeZone* zurich = files.find("Europe/Zurich");
    EXPECT_TRUE(zurich != nullptr);
    if (zurich != nullptr) EXPECT_EQ(zurich->offset_at(0), 3600);
    EXPECT_TRUE(disk.remove("/usr/share/zoneinfo/Europe/Zurich"));
    EXPECT_EQ(files.find("Europe/Zurich"), zurich);
    for (const char* name : {"Broken", "Europe/Nowhere", "../zoneinfo/Broken", "", "/etc/passwd"}) EXPECT_EQ(files.find(name), nullptr) << name;
    co_return;
  });
}

TEST(TimeZoneFiles, RememberSoManyThatAreNone) {
  testing::run_sim([]() -> Task<void> {
    Disk& disk = Executor::current().runtime().disk();
    const TimeZoneFiles files(disk);
    for (std::size_t i = 0; i < unknown_zones_max + 10; ++i) EXPECT_EQ(files.find("No/Zone" + std::to_string(i)), nullptr);
    EXPECT_TRUE(disk.make_directories("/usr/share/zoneinfo/No"));
    for (const char* name : {"Zone0", "Zone1005"}) EXPECT_TRUE(disk.write(std::string("/usr/share/zoneinfo/No/") + name, zone_file("XYZ-2")));
    EXPECT_EQ(files.find("No/Zone0"), nullptr) << "is remembered";
    EXPECT_NE(files.find("No/Zone1005"), nullptr) << "was one too many";
    co_return;
  });
}

}  // namespace
}  // namespace pintle::rt
