#include "controller/daemonset/failure_backoff.h"

#include <gtest/gtest.h>

namespace pintle::controller::daemonset {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(FailureBackoff, DoublesUpToItsLimitAndStartsAnew) {
  FailureBackoff backoff;
  rt::TimePoint now{seconds(1000)};
  EXPECT_EQ(backoff.wait("n", now), seconds(0));
  for (const int expected : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900}) {
    EXPECT_EQ(backoff.remaining("n", now), seconds(expected));
    EXPECT_EQ(backoff.wait("n", now), seconds(expected));
    now += seconds(expected) - std::chrono::milliseconds(1);
    EXPECT_EQ(backoff.wait("n", now), std::chrono::milliseconds(1));
    now += std::chrono::milliseconds(1);
    EXPECT_EQ(backoff.remaining("n", now), seconds(0));
    EXPECT_EQ(backoff.wait("n", now), seconds(0));
  }
  EXPECT_EQ(backoff.remaining("another", now), seconds(0));
  now += minutes(30);  // not yet stable
  EXPECT_EQ(backoff.wait("n", now), seconds(0));
  EXPECT_EQ(backoff.wait("n", now), minutes(15));
  now += minutes(30) + seconds(1);
  EXPECT_EQ(backoff.wait("n", now), seconds(0));
  EXPECT_EQ(backoff.wait("n", now), seconds(1));
}

TEST(FailureBackoff, ForgetsNodesThatDidNotFailForLong) {
  FailureBackoff backoff;
  rt::TimePoint now{seconds(1000)};
  for (const char* key : {"ns/a/n", "ns/a/m", "ns/b/n"}) EXPECT_EQ(backoff.wait(key, now), seconds(0));
  EXPECT_EQ(backoff.size(), 3u);
  backoff.forget("ns/b/");
  EXPECT_EQ(backoff.size(), 2u);
  now += minutes(31);
  EXPECT_EQ(backoff.wait("ns/a/n", now), seconds(0));
  EXPECT_EQ(backoff.size(), 1u);
}

}  // namespace
}  // namespace pintle::controller::daemonset
