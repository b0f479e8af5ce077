#include "storage/log/expiries.h"

#include <gtest/gtest.h>

#include <map>

namespace pintle::storage {
namespace {

rt::TimePoint at(int seconds) { return rt::TimePoint() + std::chrono::seconds(seconds); }

TEST(Expiries, ComeByTheirTime) {
  Expiries expiries;
  for (const int second : {5, 1, 3}) expiries.add({at(second), second, "key" + std::to_string(second)});
  EXPECT_EQ(expiries.next(), at(1));
  EXPECT_EQ(expiries.take(at(0)), std::nullopt);
  std::vector<int64_t> taken;
  while (auto expiry = expiries.take(at(4))) taken.push_back(expiry->revision);
  EXPECT_EQ(taken, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(expiries.next(), at(5));
}

TEST(Expiries, AreBoundedByWhatLives) {
  Expiries expiries;
  std::map<std::string, int64_t> live;
  const auto current = [&live](const Expiries::Expiry& expiry) {
    const auto found = live.find(expiry.key);
    return found != live.end() && found->second == expiry.revision;
  };
  // A hundred keys, written ten thousand times, each for an hour.
  for (int64_t revision = 1; revision <= 10'000; ++revision) {
    const std::string key = "key" + std::to_string(revision % 100);
    live[key] = revision;
    expiries.add({at(3600 + static_cast<int>(revision)), revision, key});
    expiries.trim(live.size(), current);
    ASSERT_LE(expiries.size(), 2 * live.size() + 1024);
  }
  // Each that lives still ends, once, at its time.
  int ended = 0;
  while (auto expiry = expiries.take(at(100'000)))
    if (current(*expiry)) ++ended;
  EXPECT_EQ(ended, 100);
}

TEST(Expiries, LeaveWithTheirKeys) {
  Expiries expiries;
  for (int i = 0; i < 5000; ++i) expiries.add({at(i), i, "key" + std::to_string(i)});
  expiries.trim(5000, [](const Expiries::Expiry&) { return false; });
  EXPECT_EQ(expiries.size(), 5000u) << "as many as live";
  expiries.trim(10, [](const Expiries::Expiry& expiry) { return expiry.revision < 10; });
  EXPECT_EQ(expiries.size(), 10u);
  EXPECT_EQ(expiries.next(), at(0));
}

}  // namespace
}  // namespace pintle::storage
