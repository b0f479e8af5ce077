#include "apiserver/registry/wire_metadata.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/gen/core_v1.h"

namespace pintle::apiserver::registry {
namespace {

namespace core = api::core_v1;

std::string wire_of(const core::Pod& pod) {
  std::string out;
  api::encode_proto(api::type_of<core::Pod>(), &pod, out);
  return out;
}

core::Pod sample() {
  core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "default";
  pod.metadata.uid = "u";
  pod.metadata.labels["app"] = "web";
  pod.metadata.labels["tier"] = "";
  pod.spec.node_name = "n1";
  pod.spec.host_network = true;
  pod.status.phase = "Running";
  return pod;
}

TEST(WireMetadata, Reads) {
  const std::string wire = wire_of(sample());
  const auto meta = read_wire_metadata(wire);
  ASSERT_TRUE(meta.has_value());
  EXPECT_EQ(meta->name, "web");
  EXPECT_EQ(meta->ns, "default");
  EXPECT_EQ(meta->uid, "u");
  ASSERT_EQ(meta->labels.size(), 2u);
  EXPECT_EQ(meta->labels[0].first, "app");
  EXPECT_EQ(meta->labels[1].second, "");
}

TEST(WireMetadata, RestampsLikeTheEncoder) {
  core::Pod pod = sample();
  std::string wire = wire_of(pod);
  for (const std::string version : {"1", "1234567890123", ""}) {
    auto stamped = with_wire_resource_version(wire, version);
    ASSERT_TRUE(stamped.has_value());
    pod.metadata.resource_version = version;
    EXPECT_EQ(*stamped, wire_of(pod)) << version;
    wire = *stamped;
  }
}

TEST(WireMetadata, RefusesCutBytes) {
  const std::string wire = wire_of(sample());
  for (std::size_t n = 1; n < 20; ++n) EXPECT_FALSE(with_wire_resource_version(std::string_view(wire).substr(0, n), "1").has_value()) << n;
}

void check_field(std::string_view path, std::string_view want) {
  WireField field;
  ASSERT_TRUE(field.compile(api::type_of<core::Pod>(), path)) << path;
  const std::string wire = wire_of(sample());
  std::string scratch;
  scratch.reserve(64);
  EXPECT_EQ(field.read(wire, scratch), want) << path;
}

TEST(WireField, ReadsByPath) {
  check_field("spec.nodeName", "n1");
  check_field("status.phase", "Running");
  check_field("spec.hostNetwork", "true");
  check_field("status.podIP", "");
  check_field("spec.terminationGracePeriodSeconds", "");
  WireField field;
  EXPECT_FALSE(field.compile(api::type_of<core::Pod>(), "spec.nope"));
}

}  // namespace
}  // namespace pintle::apiserver::registry
