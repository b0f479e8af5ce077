#include "kubelet/logs/log_rotation.h"

#include <gtest/gtest.h>

#include "kubelet/logs/container_logs.h"

namespace pintle::kubelet::logs {
namespace {

TEST(LogRotation, TheOldestPiecesGo) {
  const std::vector<std::string> names{"0.log", "0.log.20260101-000003", "0.log.20260101-000001", "0.log.20260101-000002",
                                       "1.log", "10.log.20250101-000000"};
  EXPECT_EQ(pieces_to_remove(names, "0.log", 5), std::vector<std::string>{});
  EXPECT_EQ(pieces_to_remove(names, "0.log", 4), std::vector<std::string>{"0.log.20260101-000001"});
  EXPECT_EQ(pieces_to_remove(names, "0.log", 2).size(), 3u);
}

TEST(LogRotation, Suffix) { EXPECT_EQ(rotation_suffix(rt::WallTime(std::chrono::seconds(1767323045))), "20260102-030405"); }

TEST(ContainerLogs, LinkNamesAreCut) {
  EXPECT_EQ(log_link_name("p", "ns", "c", "id"), "p_ns_c-id.log");
  EXPECT_EQ(log_link_name(std::string(300, 'p'), "ns", "c", "id").size(), 255u);
}

}  // namespace
}  // namespace pintle::kubelet::logs
