#include "apiserver/admission/pod_toleration_restriction/tolerations.h"

#include <gtest/gtest.h>

#include <sstream>

namespace pintle::apiserver::admission::pod_toleration_restriction {
namespace {

// "key|operator|value|effect|seconds", any of them empty.
Toleration one(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '|');) parts.push_back(part);
  parts.resize(5);
  Toleration out;
  out.key = parts[0];
  out.operator_ = parts[1];
  out.value = parts[2];
  out.effect = parts[3];
  if (!parts[4].empty()) out.toleration_seconds = std::stoll(parts[4]);
  return out;
}
Tolerations list(const std::string& text) {
  Tolerations out;
  std::istringstream in(text);
  for (std::string word; in >> word;) out.push_back(one(word));
  return out;
}
std::string text_of(const Tolerations& tolerations) {
  std::string out;
  for (const Toleration& t : tolerations) out += (out.empty() ? "" : " ") + t.key + "|" + t.operator_ + "|" + t.value + "|" + t.effect;
  return out;
}

void check_covers(const std::string& wide, const std::string& narrow, bool want) {
  EXPECT_EQ(covers(one(wide), one(narrow)), want) << wide << " " << narrow;
}

TEST(PodTolerationRestriction, WhichCoversWhich) {
  check_covers("a|Exists", "a|Exists", true);
  check_covers("|Exists", "a|Equal|v|NoSchedule", true);
  check_covers("a|Exists", "a|Equal|v|NoSchedule", true);
  check_covers("a|Exists||NoSchedule", "a|Exists", false);
  check_covers("a|Exists", "b|Exists", false);
  check_covers("a|Equal|v", "a|Equal|v|NoExecute", true);
  check_covers("a||v", "a|Equal|v|NoExecute", true);
  check_covers("a|Equal|v", "a||v|NoExecute", false);
  check_covers("a|Equal|v", "a|Equal|w", false);
  check_covers("a|Exists||NoExecute|60", "a|Exists||NoExecute|30", true);
  check_covers("a|Exists||NoExecute|60", "a|Exists||NoExecute|90", false);
  check_covers("a|Exists||NoExecute|60", "a|Exists||NoExecute", false);
  check_covers("a|Gt|5", "a|Equal|5", false);
}

void check_merge(const std::string& first, const std::string& second, const std::string& want) {
  EXPECT_EQ(text_of(merge(list(first), list(second))), want) << first << " + " << second;
}

TEST(PodTolerationRestriction, MergedListsHaveNothingTwice) {
  check_merge("", "", "");
  check_merge("a|Exists", "b|Exists", "a|Exists|| b|Exists||");
  check_merge("a|Exists", "a|Exists", "a|Exists||");
  check_merge("a|Equal|v", "a|Exists", "a|Exists||");
  check_merge("a|Exists", "a|Equal|v b|Exists", "a|Exists|| b|Exists||");
}

void check_allowed(const std::string& pod, const std::string& allowed, bool want) {
  EXPECT_EQ(are_allowed(list(pod), list(allowed)), want) << pod << " " << allowed;
}

TEST(PodTolerationRestriction, WhatIsAllowed) {
  check_allowed("a|Exists", "", true);
  check_allowed("", "a|Exists", true);
  check_allowed("a|Equal|v", "a|Exists", true);
  check_allowed("a|Exists b|Exists", "a|Exists", false);
}

std::string annotated(const char* text) {
  api::core_v1::Namespace ns;
  if (text) ns.metadata.annotations[defaults_annotation] = text;
  const auto out = of_annotation(ns, defaults_annotation);
  if (!out) return "error";
  return *out ? "[" + text_of(**out) + "]" : "none";
}

TEST(PodTolerationRestriction, Annotations) {
  EXPECT_EQ(annotated(nullptr), "none");
  EXPECT_EQ(annotated(""), "[]");
  EXPECT_EQ(annotated("[]"), "[]");
  EXPECT_EQ(annotated(R"([{"key":"a","operator":"Exists"}])"), "[a|Exists||]");
  EXPECT_EQ(annotated("{"), "error");
  EXPECT_EQ(annotated("{}"), "error");
  EXPECT_EQ(annotated(R"([{"key":1}])"), "error");
}

void check_check(const std::string& toleration, const std::string& want) {
  const auto result = check(list(toleration), "default");
  const std::string text = result ? "" : result.error().message;
  EXPECT_EQ(text.empty(), want.empty()) << toleration << text;
  EXPECT_NE(text.find(want), text.npos) << toleration << text;
}

TEST(PodTolerationRestriction, TolerationsOfAConfiguration) {
  check_check("a|Exists", "");
  check_check("|Exists", "");
  check_check("a|Equal|v|NoExecute|5", "");
  check_check("a|Exists b|Sometimes", "default[1]: operator");
  check_check("a|Exists|v", "value must be empty");
  check_check("|Equal|v", "without a key");
  check_check("a|Exists||Never", "effect");
  check_check("a|Exists||NoSchedule|5", "NoExecute");
  check_check("-a|Exists", "key");
}

}  // namespace
}  // namespace pintle::apiserver::admission::pod_toleration_restriction
