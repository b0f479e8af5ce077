#include "controller/taint_eviction/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::taint_eviction {
namespace {

using namespace testing;

// Taints "k=v:NoExecute", tolerations "k=v:NoExecute/60": "k" alone: Exists, "*": every key, "/60": for so many seconds.
std::vector<api::core_v1::Taint> taints_of(const std::string& text) {
  std::vector<api::core_v1::Taint> out;
  for (const std::string& word : split(text, ' ')) {
    auto& taint = out.emplace_back();
    const std::string pair = word.substr(0, word.find(':'));
    taint.key = pair.substr(0, pair.find('='));
    if (pair.find('=') != pair.npos) taint.value = pair.substr(pair.find('=') + 1);
    taint.effect = word.substr(word.find(':') + 1);
  }
  return out;
}
std::vector<api::core_v1::Toleration> tolerations_of(const std::string& text) {
  std::vector<api::core_v1::Toleration> out;
  for (const std::string& word : split(text, ' ')) {
    auto& toleration = out.emplace_back();
    const std::size_t slash = word.rfind('/');
    const bool has_seconds = slash != word.npos && word.find_first_not_of("-0123456789", slash + 1) == word.npos;
    const std::string head = has_seconds ? word.substr(0, slash) : word, pair = head.substr(0, head.find(':'));
    if (has_seconds) toleration.toleration_seconds = std::stoll(word.substr(slash + 1));
    if (head.find(':') != head.npos) toleration.effect = head.substr(head.find(':') + 1);
    if (pair != "*") toleration.key = pair.substr(0, pair.find('='));
    if (pair.find('=') != pair.npos) {
      toleration.operator_ = "Equal";
      toleration.value = pair.substr(pair.find('=') + 1);
    } else {
      toleration.operator_ = "Exists";
    }
  }
  return out;
}

void check(const std::string& taints, const std::string& tolerations, const std::string& want) {
  const Stay stay = plan_stay(taints_of(taints), tolerations_of(tolerations), false);
  EXPECT_EQ(stay.forever ? "forever" : std::to_string(stay.time / std::chrono::seconds(1)), want) << taints << " | " << tolerations;
}

TEST(TaintEvictionPlan, HowLongAPodStays) {
  check("", "", "forever");
  check("k=v:NoSchedule", "", "forever");  // NoExecute alone evicts
  check("k=v:PreferNoSchedule", "", "forever");
  check("k=v:NoExecute", "", "0");
  check("k=v:NoExecute", "k", "forever");
  check("k=v:NoExecute", "k/60", "60");
  check("k=v:NoExecute", "k=v/60", "60");
  check("k=v:NoExecute", "k=w/60", "0");
  check("k=v:NoExecute", "k:NoSchedule/60", "0");
  check("k=v:NoExecute", "*/60", "60");
  check("k=v:NoExecute", "*", "forever");
  check("k=v:NoExecute", "k/0", "0");
  check("k=v:NoExecute", "k/-5", "0");
}

TEST(TaintEvictionPlan, EveryTaintIsToBeTolerated) {
  check("a:NoExecute b:NoExecute", "a/60", "0");
  check("a:NoExecute b:NoExecute", "a/60 b/30", "30");
  check("a:NoExecute b:NoExecute", "a/60 b", "60");
  check("a:NoExecute b:NoExecute", "a b", "forever");
  check("a:NoExecute b:NoSchedule", "a/60", "60");
  check("node.kubernetes.io/not-ready:NoExecute node.kubernetes.io/unreachable:NoExecute",
        "node.kubernetes.io/not-ready:NoExecute/300 node.kubernetes.io/unreachable:NoExecute/200", "200");
}

TEST(TaintEvictionPlan, TheFirstTolerationThatFitsIsUsed) {
  check("k=v:NoExecute", "k/60 k/30", "60");
  check("k=v:NoExecute", "k=w/10 k=v/30", "30");
}

void check_same(const std::string& a, const std::string& b, bool want) {
  EXPECT_EQ(same_tolerations(tolerations_of(a), tolerations_of(b)), want) << a << " | " << b;
}

TEST(TaintEvictionPlan, SameTolerations) {
  check_same("", "", true);
  check_same("a/60 b", "a/60 b", true);
  check_same("a/60 b", "b a/60", false);
  check_same("a/60", "a/61", false);
  check_same("a", "a b", false);
}

}  // namespace
}  // namespace pintle::controller::taint_eviction
