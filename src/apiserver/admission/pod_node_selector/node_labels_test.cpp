#include "apiserver/admission/pod_node_selector/node_labels.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission::pod_node_selector {
namespace {

std::string text_of(const Result<NodeLabels>& labels) {
  if (!labels) return labels.error().message;
  std::string out;
  for (const auto& [key, value] : *labels) out += (out.empty() ? "" : " ") + key + "=" + value;
  return out;
}

void check_parse(std::string_view selector, const std::string& want) { EXPECT_EQ(text_of(parse_node_labels(selector)), want) << selector; }

TEST(PodNodeSelector, Selectors) {
  check_parse("", "");
  check_parse("a=b", "a=b");
  check_parse(" a = b ,c=d", "a=b c=d");
  check_parse("example.com/a=", "example.com/a=");
  check_parse("a=b,a=c", "a=c");
  check_parse("a", "invalid selector: [a]");
  check_parse("a=b=c", "invalid selector: [a b c]");
  check_parse("a=b,", "invalid selector: []");
  EXPECT_TRUE(text_of(parse_node_labels("a b=c")).starts_with("<nil>: Invalid value: \"a b\": "));
  EXPECT_TRUE(text_of(parse_node_labels("a=b c")).starts_with("<nil>: Invalid value: \"b c\": "));
}

void check_namespace(const char* annotation, const NamespaceSelectors& configured, const std::string& want) {
  api::core_v1::Namespace ns;
  if (annotation) ns.metadata.annotations[selector_annotation] = annotation;
  EXPECT_EQ(text_of(labels_of_namespace(ns, configured)), want);
}

TEST(PodNodeSelector, TheAnnotationGoesBeforeTheClustersDefault) {
  const NamespaceSelectors configured{{std::string(cluster_default), "pool=any"}, {"x", "pool=x"}};
  check_namespace(nullptr, {}, "");
  check_namespace(nullptr, configured, "pool=any");
  check_namespace("pool=own", configured, "pool=own");
  check_namespace("", configured, "");
}

TEST(PodNodeSelector, WhatAPodMayAskFor) {
  EXPECT_FALSE(conflict({{"a", "b"}}, {}));
  EXPECT_FALSE(conflict({{"a", "b"}}, {{"a", "b"}, {"c", "d"}}));
  EXPECT_TRUE(conflict({{"a", "b"}}, {{"a", "c"}}));
  EXPECT_TRUE(is_allowed({{"a", "b"}}, {}));
  EXPECT_TRUE(is_allowed({{"a", "b"}}, {{"a", "b"}, {"c", "d"}}));
  EXPECT_FALSE(is_allowed({{"a", "c"}}, {{"a", "b"}}));
  EXPECT_FALSE(is_allowed({{"a", "b"}, {"x", "y"}}, {{"a", "b"}}));
}

}  // namespace
}  // namespace pintle::apiserver::admission::pod_node_selector
