#include "api/header.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"
#include "api/object.h"
#include "api/path.h"

namespace pintle::api {
namespace {

constexpr std::string_view pod_json =
    R"({"metadata":{"name":"web","namespace":"default","uid":"u1","resourceVersion":"7","labels":{"app":"web","tier":"x"}},)"
    R"("spec":{"volumes":[{"name":"c","configMap":{"name":"cm"}}],"containers":[{"name":"a","image":"i1","resources":{}},{"name":"b","image":"i2","resources":{"limits":{"cpu":"1"}}}],)"
    R"("nodeName":"n1","hostNetwork":true,"priority":5},"status":{"phase":"Running"}})";

core_v1::Pod pod() {
  core_v1::Pod p;
  EXPECT_TRUE(decode_json(pod_json, type_of<core_v1::Pod>(), &p));
  return p;
}

std::string proto_of(const core_v1::Pod& p) {
  std::string out;
  encode_proto(type_of<core_v1::Pod>(), &p, out);
  return out;
}

TEST(Header, PeekJson) {
  const auto header = peek_json(
      R"({"spec":{"a":[1,{"kind":"no"}]},"kind":"Pod","metadata":{"labels":{"name":"no"},"name":"web","namespace":"ns","uid":"u","resourceVersion":"7"},"apiVersion":"v1",garbage)");
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->kind, "Pod");
  EXPECT_EQ(header->api_version, "v1");
  EXPECT_EQ(header->name, "web");
  EXPECT_EQ(header->namespace_name, "ns");
  EXPECT_EQ(header->uid, "u");
  EXPECT_EQ(header->resource_version, "7");
  EXPECT_TRUE(peek_json(R"({"kind":1,"metadata":[]})"));
  EXPECT_FALSE(peek_json("[]"));
  EXPECT_FALSE(peek_json("{"));
}

TEST(Header, FromProto) {
  const std::string bytes = proto_of(pod());
  const auto header = read_proto_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->name, "web");
  EXPECT_EQ(header->namespace_name, "default");
  EXPECT_EQ(header->uid, "u1");
  EXPECT_EQ(header->resource_version, "7");
  ASSERT_EQ(header->labels.size(), 2u);
  EXPECT_EQ(header->labels[1].first, "tier");
  EXPECT_EQ(header->labels[1].second, "x");
  EXPECT_FALSE(read_proto_header("\x0A\x7F"));
}

TEST(Header, SplicesTheVersion) {
  core_v1::Pod p = pod();
  for (std::string_view version : {"", "8", "123456789012345678901234567890"}) {
    p.metadata.resource_version = version;
    const auto spliced = with_resource_version(type_of<core_v1::Pod>(), proto_of(pod()), version);
    ASSERT_TRUE(spliced);
    EXPECT_EQ(*spliced, proto_of(p));
  }
  EXPECT_EQ(*with_resource_version(type_of<core_v1::Pod>(), "", "8"),
            "\x0A\x03\x32\x01"
            "8");
  EXPECT_FALSE(with_resource_version(type_of<core_v1::Pod>(), "\x0A\x7F", "8"));
  core_v1::PodList list;
  list.metadata.continue_ = "c";
  std::string bytes, want;
  encode_proto(type_of<core_v1::PodList>(), &list, bytes);
  list.metadata.resource_version = "9";
  encode_proto(type_of<core_v1::PodList>(), &list, want);
  EXPECT_EQ(*with_resource_version(type_of<core_v1::PodList>(), bytes, "9"), want);
}

void check_splice_json(const Type* type, std::string_view json, std::string_view want) {
  const auto spliced = with_resource_version_json(type, json, "9");
  EXPECT_EQ(spliced ? *spliced : "refused", want) << json;
}

TEST(Header, SplicesTheVersionIntoJson) {
  const Type& type = type_of<core_v1::Pod>();
  check_splice_json(&type, R"({"metadata":{"name":"a","resourceVersion":"7","labels":{}}})",
                    R"({"metadata":{"name":"a","resourceVersion":"9","labels":{}}})");
  check_splice_json(&type, R"({"metadata":{"name":"a","labels":{}}})", R"({"metadata":{"name":"a","resourceVersion":"9","labels":{}}})");
  check_splice_json(&type, R"({"metadata":{"name":"a"},"spec":{}})", R"({"metadata":{"name":"a","resourceVersion":"9"},"spec":{}})");
  check_splice_json(&type, R"({"metadata":{"labels":{}}})", R"({"metadata":{"resourceVersion":"9","labels":{}}})");
  check_splice_json(&type, R"({"metadata":{}})", R"({"metadata":{"resourceVersion":"9"}})");
  check_splice_json(nullptr, R"({"metadata":{"name":"a","uid":"u"}})", R"({"metadata":{"name":"a","resourceVersion":"9","uid":"u"}})");
  check_splice_json(nullptr, R"({"a":{"metadata":{}},"metadata":{"uid":"u"}})",
                    R"({"a":{"metadata":{}},"metadata":{"resourceVersion":"9","uid":"u"}})");
  check_splice_json(nullptr, R"({"spec":{}})", "refused");
  check_splice_json(nullptr, "[]", "refused");
}

// The same path on the struct and on its bytes.
void check_path(std::string_view path, std::string_view want) {
  core_v1::Pod p = pod();
  const auto found = find_path(type_of<core_v1::Pod>(), &p, path);
  std::string text = "no path";
  if (found) text = found->at == nullptr ? "" : scalar_text(*found->type, found->at);
  EXPECT_EQ(text, want) << path;
  EXPECT_EQ(proto_field(type_of<core_v1::Pod>(), proto_of(p), path).value_or("no path"), want) << path;
}

TEST(Path, ReadsStructsAndBytes) {
  check_path("metadata.name", "web");
  check_path("spec.nodeName", "n1");
  check_path("spec.schedulerName", "");
  check_path("spec.hostNetwork", "true");
  check_path("spec.hostPID", "false");
  check_path("spec.priority", "5");
  check_path("spec.terminationGracePeriodSeconds", "");
  check_path("status.phase", "Running");
  check_path("spec.containers[1].image", "i2");
  check_path("spec.containers[2].image", "");
  check_path("spec.containers[1].resources.limits.cpu", "1");
  check_path("spec.containers[1].resources.limits['cpu']", "1");
  check_path("metadata.labels[\"tier\"]", "x");
  check_path("metadata.labels.none", "");
  check_path("spec.volumes[0].configMap.name", "cm");
  check_path("spec.volumes[0].secret.secretName", "");
  check_path("metadata.creationTimestamp", "");
  check_path("spec.bogus", "no path");
  check_path("spec.nodeName.x", "no path");
  check_path("spec..nodeName", "no path");
  check_path("spec.containers[x]", "no path");
}

TEST(Path, SetsAndMakes) {
  core_v1::Pod p;
  const Type& type = type_of<core_v1::Pod>();
  ASSERT_TRUE(set_path(type, &p, "spec.containers[0].image", "\"i\""));
  ASSERT_TRUE(set_path(type, &p, "spec.securityContext.runAsUser", "7"));
  ASSERT_TRUE(set_path(type, &p, "metadata.labels['a.b/c']", "\"v\""));
  EXPECT_FALSE(set_path(type, &p, "spec.containers[5].image", "\"i\""));
  EXPECT_FALSE(set_path(type, &p, "spec.nodeName", "7"));
  ASSERT_EQ(p.spec.containers.size(), 1u);
  EXPECT_EQ(p.spec.containers[0].image, "i");
  ASSERT_TRUE(p.spec.security_context);
  EXPECT_EQ(p.spec.security_context->run_as_user, 7);
  EXPECT_EQ(p.metadata.labels["a.b/c"], "v");
}

TEST(Defaults, FromTheSchema) {
  core_v1::Pod p = pod();
  apply_defaults(type_of<core_v1::Pod>(), &p);
  EXPECT_EQ(p.spec.restart_policy, "Always");
  EXPECT_EQ(p.spec.dns_policy, "ClusterFirst");
  EXPECT_EQ(p.status.phase, "Running");
  core_v1::Pod twice = p;
  apply_defaults(type_of<core_v1::Pod>(), &twice);
  EXPECT_TRUE(equal(type_of<core_v1::Pod>(), &p, &twice));
  for (const KindInfo& kind : all_kinds()) {
    Object object(*kind.type);
    apply_defaults(*kind.type, object.data());
  }
}

}  // namespace
}  // namespace pintle::api
