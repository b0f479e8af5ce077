#include "kubelet/logs/log_rotation.h"

#include <gtest/gtest.h>

#include "kubelet/logs/container_logs.h"

namespace pintle::kubelet::logs {
namespace {

TEST(LogRotation, TheOldestPiecesGo) {
  const std::vector<std::string> names{"0.log", "0.log.20260101-000003", "0.log.20260101-000001", "0.log.20260101-000002",
                                       "1.log", "10.log.20250101-000000"};
  EXPECT_EQ(plan_pieces(names, "0.log", 5).remove, std::vector<std::string>{});
  EXPECT_EQ(plan_pieces(names, "0.log", 4).remove, std::vector<std::string>{"0.log.20260101-000001"});
  EXPECT_EQ(plan_pieces(names, "0.log", 2).remove.size(), 3u);
}

// Names without "0.log.2026010": "1" is set aside on the first, "1.gz" packed.
void check_pieces(const std::vector<std::string>& there, std::size_t files_max, const std::vector<std::string>& remove,
                  const std::vector<std::string>& pack) {
  const auto whole = [](const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back("0.log.2026010" + name);
    return out;
  };
  const PiecePlan plan = plan_pieces(whole(there), "0.log", files_max);
  EXPECT_EQ(plan.remove, whole(remove));
  EXPECT_EQ(plan.pack, whole(pack));
}
TEST(LogRotation, EarlierPiecesArePacked) {
  check_pieces({"1"}, 5, {}, {"1"});
  check_pieces({"1.gz", "2.gz", "3"}, 5, {}, {"3"});
  check_pieces({"1.gz", "2.gz", "3.gz", "4"}, 5, {"1.gz"}, {"4"});
  check_pieces({"1.gz", "2"}, 2, {"1.gz", "2"}, {});
  // An interrupted packing: unfinished, and finished but for the end of the piece.
  check_pieces({"1", "1.gz.tmp"}, 5, {"1.gz.tmp"}, {"1"});
  check_pieces({"1", "1.gz", "2"}, 5, {"1"}, {"2"});
}

TEST(LogRotation, Suffix) { EXPECT_EQ(rotation_suffix(rt::WallTime(std::chrono::seconds(1767323045))), "20260102-030405"); }

TEST(ContainerLogs, LinkNamesAreCut) {
  EXPECT_EQ(log_link_name("p", "ns", "c", "id"), "p_ns_c-id.log");
  EXPECT_EQ(log_link_name(std::string(300, 'p'), "ns", "c", "id").size(), 255u);
}

}  // namespace
}  // namespace pintle::kubelet::logs
