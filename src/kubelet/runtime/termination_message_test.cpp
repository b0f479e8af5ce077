#include "kubelet/runtime/termination_message.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::runtime {
namespace {

TEST(TailOfLog, TextOfLines) {
  EXPECT_EQ(tail_of_log(""), "");
  EXPECT_EQ(tail_of_log("2026-01-02T03:04:05.6Z stdout F one\n2026-01-02T03:04:05.7Z stderr F two words\n"), "one\ntwo words\n");
  EXPECT_EQ(tail_of_log("2026-01-02T03:04:05.6Z stdout P half\n2026-01-02T03:04:05.7Z stdout F  whole\n"), "half whole\n");
}

TEST(TailOfLog, KeepsTheEnd) {
  std::string log;
  for (int i = 0; i < 200; ++i) log += "t stdout F " + std::to_string(i) + "\n";
  const std::string tail = tail_of_log(log);
  EXPECT_TRUE(tail.starts_with("120\n")) << tail;
  EXPECT_TRUE(tail.ends_with("199\n"));
  EXPECT_EQ(tail_of_log("t stdout F " + std::string(5000, 'x')).size(), termination_fallback_bytes_max);
}

}  // namespace
}  // namespace pintle::kubelet::runtime
