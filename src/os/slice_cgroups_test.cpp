#include "os/slice_cgroups.h"

#include <gtest/gtest.h>

#include "os/service_manager.h"

namespace pintle::os {
namespace {

TEST(Slices, WhichCgroupsAreSlices) {
  EXPECT_EQ(slice_of("/kubepods.slice/kubepods-burstable.slice"), "kubepods-burstable.slice");
  EXPECT_EQ(slice_of("kubepods.slice"), "kubepods.slice");
  for (const char* path : {"", "/", "/kubepods", "/a.slice/b", "/a.slice/"}) EXPECT_EQ(slice_of(path), "") << path;
}

TEST(Slices, LimitsAsSystemdKnowsThem) {
  using Properties = std::vector<UnitProperty>;
  CgroupLimits limits;
  EXPECT_EQ(slice_properties(limits, CgroupVersion::V2), Properties());
  limits.cpu_shares = 1024;
  limits.cpu_quota_us = 15'000;
  limits.cpu_period_us = 100'000;
  limits.memory_bytes = 1 << 20;
  limits.pids_max = 7;
  limits.hugepage_bytes["2MB"] = 0;
  limits.unified = {{"memory.min", "4096"}, {"memory.high", "max"}, {"io.weight", "1"}, {"memory.low", "x"}};
  EXPECT_EQ(slice_properties(limits, CgroupVersion::V2), (Properties{{"CPUWeight", uint64_t{39}},
                                                                     {"CPUQuotaPerSecUSec", uint64_t{150'000}},
                                                                     {"CPUQuotaPeriodUSec", uint64_t{100'000}},
                                                                     {"MemoryMax", uint64_t{1 << 20}},
                                                                     {"TasksMax", uint64_t{7}},
                                                                     {"MemoryHigh", UINT64_MAX},
                                                                     {"MemoryMin", uint64_t{4096}}}));
  const Properties v1 = slice_properties(limits, CgroupVersion::V1);
  EXPECT_EQ(v1.at(0), (UnitProperty{"CPUShares", uint64_t{1024}}));
  EXPECT_EQ(v1.at(3), (UnitProperty{"MemoryLimit", uint64_t{1 << 20}}));
  EXPECT_EQ(v1.size(), 5u);
}

// What is unlimited is "infinity", and part of a step of quota is a whole one.
TEST(Slices, InfinityAndSteps) {
  CgroupLimits limits;
  limits.cpu_quota_us = -1;
  limits.memory_bytes = 0;
  limits.pids_max = -1;
  for (const UnitProperty& one : slice_properties(limits, CgroupVersion::V2)) EXPECT_EQ(std::get<uint64_t>(one.value), UINT64_MAX) << one.name;
  limits = {};
  limits.cpu_quota_us = 1'001;
  EXPECT_EQ(std::get<uint64_t>(slice_properties(limits, CgroupVersion::V2).at(0).value), 20'000u);
}

TEST(Slices, NotWithoutSystemd) {
  if (has_service_manager()) GTEST_SKIP() << "systemd runs this machine";
  EXPECT_EQ(make_slice_cgroups(nullptr).error().message, "systemd does not run this machine");
}

}  // namespace
}  // namespace pintle::os
