#include "apiserver/admission/image_policy/review.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "codec/yaml.h"

namespace pintle::apiserver::admission::image_policy {
namespace {

std::string settings_of(const std::string& yaml) {
  const auto settings = parse_settings(*codec::parse_yaml("{imagePolicy: " + yaml + "}"));
  if (!settings) return settings.error().message;
  const auto seconds = [](rt::Duration time) { return std::to_string(time / std::chrono::milliseconds(1)); };
  return settings->kubeconfig_file + " " + seconds(settings->allow_ttl) + " " + seconds(settings->deny_ttl) + " " + seconds(settings->retry_backoff) +
         (settings->default_allow ? " open" : " closed");
}

TEST(ImagePolicy, Settings) {
  EXPECT_EQ(settings_of("{kubeConfigFile: /k}"), "/k 300000 30000 500 closed");
  EXPECT_EQ(settings_of("{kubeConfigFile: /k, allowTTL: 50, denyTTL: -1, retryBackoff: 0, defaultAllow: true}"), "/k 50000 0 500 open");
  EXPECT_EQ(settings_of("{kubeConfigFile: /k, allowTTL: 1801}"), "imagePolicy.allowTTL: 1801 is not between 1 and 1800");
  EXPECT_EQ(settings_of("{kubeConfigFile: /k, retryBackoff: -5}"), "imagePolicy.retryBackoff: -5 is not between 1 and 300000");
  EXPECT_EQ(settings_of("{kubeConfigFile: /k, denyTTL: 5s}"), "imagePolicy.denyTTL: not a number");
  EXPECT_EQ(settings_of("{kubeConfigFile: /k, ttl: 5}"), "unknown field \"imagePolicy.ttl\"");
  EXPECT_NE(settings_of("{}").find("kubeConfigFile"), std::string::npos);
}

TEST(ImagePolicy, WhatIsAsked) {
  const auto pod = api::testing::from_yaml<api::core_v1::Pod>(
      "{metadata: {annotations: {a.image-policy.k8s.io/ticket: '7', other: x}}, spec: {initContainers: [{name: i, image: init:1}], "
      "containers: [{name: c, image: main:1}], ephemeralContainers: [{name: e, image: debug:1}]}}");
  const auto text = [](const ImageReview& review) {
    std::string out = review.spec.namespace_ + ":";
    for (const auto& container : review.spec.containers) out += " " + container.image;
    for (const auto& [key, value] : review.spec.annotations) out += " " + key + "=" + value;
    return out;
  };
  EXPECT_EQ(text(make_review(pod, false, "ns")), "ns: main:1 init:1 a.image-policy.k8s.io/ticket=7");
  EXPECT_EQ(text(make_review(pod, true, "ns")), "ns: debug:1 a.image-policy.k8s.io/ticket=7");
}

ImageReviewStatus status(bool allowed, const char* reason = "") {
  ImageReviewStatus out;
  out.allowed = allowed;
  out.reason = reason;
  return out;
}

TEST(ImagePolicy, Refusals) {
  EXPECT_FALSE(refusal(status(true, "because")));
  EXPECT_EQ(refusal(status(false)), "one or more images rejected by webhook backend");
  EXPECT_EQ(refusal(status(false, "unsigned")), "image policy webhook backend denied one or more images: unsigned");
}

TEST(ImagePolicy, AnswersAreKeptForTheirTime) {
  const rt::TimePoint start{};
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  Answers answers(std::chrono::seconds(60), std::chrono::seconds(10));
  EXPECT_FALSE(answers.find("a", at(0)));
  answers.keep("a", status(true), at(0));
  answers.keep("b", status(false), at(0));
  EXPECT_TRUE(answers.find("a", at(9)) && answers.find("b", at(9)));
  EXPECT_FALSE(answers.find("b", at(10)));
  EXPECT_TRUE(answers.find("a", at(59))->allowed);
  answers.keep("a", status(false), at(59));
  EXPECT_FALSE(answers.find("a", at(60))->allowed);
  Answers none(rt::Duration::zero(), std::chrono::seconds(10));
  none.keep("a", status(true), at(0));
  EXPECT_FALSE(none.find("a", at(0)));
}

TEST(ImagePolicy, AThousandAnswersAreKept) {
  Answers answers(std::chrono::seconds(60), std::chrono::seconds(60));
  const rt::TimePoint now{};
  for (std::size_t i = 0; i < answers_max; ++i) answers.keep(std::to_string(i), status(true), now);
  EXPECT_TRUE(answers.find("0", now));  // the last used now
  answers.keep("one more", status(true), now);
  EXPECT_TRUE(answers.find("0", now));
  EXPECT_FALSE(answers.find("1", now));
}

TEST(ImagePolicy, SoManyBytesOfAnswersAreKept) {
  Answers answers(std::chrono::seconds(60), std::chrono::seconds(60));
  const rt::TimePoint now{};
  const std::string half(answers_bytes_max / 2, 'x');
  for (const char* name : {"a", "b", "c"}) answers.keep(name + half.substr(1), status(true), now);
  EXPECT_FALSE(answers.find("a" + half.substr(1), now));
  EXPECT_TRUE(answers.find("b" + half.substr(1), now));
  answers.keep(half + half + "x", status(true), now);
  EXPECT_FALSE(answers.find(half + half + "x", now)) << "larger than all together may be";
  EXPECT_TRUE(answers.find("c" + half.substr(1), now));
}

}  // namespace
}  // namespace pintle::apiserver::admission::image_policy
