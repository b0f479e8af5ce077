#include "rules/tolerations.h"

#include <gtest/gtest.h>

namespace pintle::rules {
namespace {

using api::core_v1::Taint;
using api::core_v1::Toleration;

// "key operator value effect", "-" for an empty part.
Toleration toleration(std::string_view text) {
  std::string parts[4];
  for (std::string& part : parts) {
    part = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part == "-") part.clear();
  }
  Toleration out;
  out.key = parts[0];
  out.operator_ = parts[1];
  out.value = parts[2];
  out.effect = parts[3];
  return out;
}
Taint taint(std::string key, std::string value, std::string effect) {
  Taint out;
  out.key = std::move(key);
  out.value = std::move(value);
  out.effect = std::move(effect);
  return out;
}

struct Case {
  std::string_view toleration;
  std::string_view value;  // of the taint k=value:NoExecute
  bool without;            // tolerated with the gate off
  bool with;               // tolerated with the gate on
};

TEST(Tolerations, ByKeyOperatorValueAndEffect) {
  constexpr Case cases[] = {
      {"k Equal 7 NoExecute", "7", true, true},
      {"k - 7 -", "7", true, true},  // no operator is Equal, no effect is every effect
      {"k Equal 6 -", "7", false, false},
      {"k Equal 7 NoSchedule", "7", false, false},
      {"k Exists - -", "7", true, true},
      {"k Exists - PreferNoSchedule", "7", false, false},
      {"- Exists - -", "7", true, true},
      {"- Equal 7 -", "7", true, true},  // validation refuses it; the matcher asks for no key
      {"other Exists - -", "7", false, false},
      {"k exists - -", "7", false, false},  // no such operator
      {"k Gt 5 NoExecute", "7", false, true},
      {"k Gt 7 NoExecute", "7", false, false},
      {"k Gt 8 -", "7", false, false},
      {"k Lt 8 -", "7", false, true},
      {"k Lt 7 -", "7", false, false},
      {"k Lt 5 -", "-7", false, true},
      {"- Gt 5 -", "7", false, true},
      {"k Gt 05 -", "7", false, false},  // not as an integer is written
      {"k Gt +5 -", "7", false, false},
      {"k Gt -0 -", "7", false, false},
      {"k Gt 0 -", "007", false, false},
      {"k Gt x -", "7", false, false},
      {"k Gt - -", "7", false, false},
      {"k Gt 5 -", "", false, false},
      {"k Lt 9223372036854775807 -", "-9223372036854775808", false, true},
      {"k Lt 9223372036854775808 -", "7", false, false},  // past 64 bits
  };
  for (const Case& c : cases) {
    const Taint it = taint("k", std::string(c.value), "NoExecute");
    EXPECT_EQ(tolerates(toleration(c.toleration), it, false), c.without) << c.toleration << " against " << c.value;
    EXPECT_EQ(tolerates(toleration(c.toleration), it, true), c.with) << c.toleration << " against " << c.value << ", with comparisons";
  }
}

TEST(Tolerations, TheFirstThatToleratesIsFound) {
  const std::vector<Toleration> list = {toleration("k Equal 1 -"), toleration("k Exists - -"), toleration("- Exists - -")};
  EXPECT_EQ(find_toleration(list, taint("k", "7", "NoExecute"), false), &list[1]);
  EXPECT_EQ(find_toleration(list, taint("z", "", "NoExecute"), false), &list[2]);
  EXPECT_EQ(find_toleration({}, taint("z", "", "NoExecute"), false), nullptr);
}

TEST(Tolerations, TheFirstUntoleratedTaintOfTheEffects) {
  const std::vector<Taint> taints = {taint("a", "", "PreferNoSchedule"), taint("b", "", "NoSchedule"), taint("c", "", "NoExecute"),
                                     taint("d", "", "Whatever")};
  const std::vector<Toleration> some = {toleration("b Exists - -")};
  EXPECT_EQ(untolerated_taint(taints, {}, TaintEffects::PreferNoSchedule, false), &taints[0]);
  EXPECT_EQ(untolerated_taint(taints, {}, TaintEffects::KeepOff, false), &taints[1]);
  EXPECT_EQ(untolerated_taint(taints, some, TaintEffects::KeepOff, false), &taints[2]);
  EXPECT_EQ(untolerated_taint(taints, some, TaintEffects::NoSchedule, false), nullptr);
  EXPECT_EQ(untolerated_taint({&taints[3], 1}, {}, TaintEffects::KeepOff, false), nullptr);  // an effect that nobody knows keeps nobody off
}

}  // namespace
}  // namespace pintle::rules
