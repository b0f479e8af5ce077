#include "controller/horizontal_pod_autoscaler/selectors.h"

#include <gtest/gtest.h>

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

using apimachinery::LabelSelector;

std::string picking(const Selectors& selectors, std::string_view namespace_name, const FlatMap<std::string>& labels) {
  std::set<std::string> keys;
  selectors.add_picking(namespace_name, labels, keys);
  std::string out;
  for (const std::string& key : keys) out += (out.empty() ? "" : " ") + key;
  return out;
}

TEST(Selectors, WhoPicksAPod) {
  Selectors selectors;
  selectors.put("n/a", LabelSelector::parse("app=web").value());
  selectors.put("n/b", LabelSelector::parse("app=web,tier!=front").value());
  selectors.put("n/c", LabelSelector::parse("tier in (front,back)").value());
  selectors.put("m/d", LabelSelector::parse("app=web").value());
  EXPECT_EQ(picking(selectors, "n", {{"app", "web"}}), "n/a n/b");
  EXPECT_EQ(picking(selectors, "n", {{"app", "web"}, {"tier", "front"}}), "n/a n/c");
  EXPECT_EQ(picking(selectors, "m", {{"app", "web"}}), "m/d");
  EXPECT_EQ(picking(selectors, "n", {{"app", "other"}}), "");
  EXPECT_EQ(picking(selectors, "n", {}), "");
  selectors.put("n/a", LabelSelector::parse("app=other").value());  // another target
  selectors.remove("n/b");
  selectors.remove("n/b");
  EXPECT_EQ(picking(selectors, "n", {{"app", "web"}}), "");
  EXPECT_EQ(picking(selectors, "n", {{"app", "other"}}), "n/a");
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler
