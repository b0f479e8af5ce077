#include "kubelet/sources/pod_config.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::sources {
namespace {

using api::core_v1::Pod;

PodPtr pod(std::string uid, int64_t created, bool started = false) {
  auto out = std::make_shared<Pod>();
  out->metadata.uid = std::move(uid);
  if (created > 0) out->metadata.creation_timestamp = api::time_from_unix(created, 0);
  if (started) out->status.start_time = api::time_from_unix(created + 1, 0);
  return out;
}

struct Told {
  PodConfig config;
  std::string said;
  Told() {
    config.on_change([this](const PodPtr& pod, bool removed) { said += (removed ? "-" : "") + pod->metadata.uid + " "; });
  }
  std::string set(std::vector<PodPtr> pods) {
    said.clear();
    config.set("api", std::move(pods));
    return said;
  }
};

TEST(PodConfig, OldPodsComeFirstAndThoseThatWereHereBeforeThem) {
  Told told;
  const PodPtr a = pod("a", 30), b = pod("b", 20), c = pod("c", 20), d = pod("d", 40, true), e = pod("e", 0);
  EXPECT_EQ(told.set({a, b, c, d, e}), "d e b c a ");
  EXPECT_EQ(told.set({a, b, c, d, e}), "");
  const PodPtr changed = pod("c", 20);
  EXPECT_EQ(told.set({a, changed, d, pod("0", 50)}), "-b -e c 0 ");
  EXPECT_EQ(told.config.find("c"), changed);
  EXPECT_EQ(told.config.find("b"), nullptr);
}

}  // namespace
}  // namespace pintle::kubelet::sources
