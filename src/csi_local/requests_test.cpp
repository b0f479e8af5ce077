#include "csi_local/requests.h"

#include <gtest/gtest.h>

#include "net/grpc/code.h"

namespace pintle::csi_local {
namespace {

using namespace api::csi_v1;
using net::grpc::Code;

constexpr int64_t mi = 1 << 20, gi = 1 << 30;
const std::vector<Pool> pools = {{"default", "/d", 0}, {"fast", "/f", 0}};

Code code_of(const Status& status) { return net::grpc::code_of(status); }

void check_class(FlatMap<std::string> parameters, Code code, std::string_view named = {}) {
  const auto read = parse_class(parameters, pools);
  ASSERT_FALSE(read);
  EXPECT_EQ(code_of(read.error()), code);
  EXPECT_NE(read.error().message.find(named), std::string::npos) << read.error().message;
}

TEST(LocalRequests, Classes) {
  const auto plain = parse_class({}, pools);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->pool, "default");
  const auto chosen =
      parse_class({{"path", "fast"}, {"backing", "auto"}, {"minSize", "1Gi"}, {"maxSize", "2Gi"}, {"csi.storage.k8s.io/pvc/name", "x"}}, pools);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->pool, "fast");
  EXPECT_EQ(chosen->size_bytes_min, gi);
  EXPECT_EQ(chosen->size_bytes_max, 2 * gi);
  check_class({{"path", "../../etc"}}, Code::InvalidArgument, "parameter path");
  for (const char* backing : {"quota", "directory", "zfs", ""}) check_class({{"backing", backing}}, Code::InvalidArgument, "parameter backing");
  for (const char* size : {"", "x", "-1", "0", "1e30"}) check_class({{"maxSize", size}}, Code::InvalidArgument, "parameter maxSize");
  check_class({{"minSize", "2Gi"}, {"maxSize", "1Gi"}}, Code::InvalidArgument, "minSize");
  check_class({{"Path", "fast"}}, Code::InvalidArgument, "\"Path\"");
}

VolumeCapability mounted(int32_t mode, const char* fs_type = "") {
  VolumeCapability out;
  out.mount.ensure().fs_type = fs_type;
  out.access_mode.ensure().mode = mode;
  return out;
}

VolumeCapability disk(int32_t mode) {
  VolumeCapability out;
  out.block.ensure();
  out.access_mode.ensure().mode = mode;
  return out;
}

TEST(LocalRequests, Capabilities) {
  const auto plain = parse_access(mounted(1));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->fs_type, "ext4");
  EXPECT_FALSE(plain->block || plain->read_only || plain->single_writer);
  EXPECT_TRUE(parse_access(mounted(2))->read_only);
  EXPECT_TRUE(parse_access(mounted(6, "ext4"))->single_writer);
  EXPECT_TRUE(parse_access(disk(7))->block);
  EXPECT_EQ(parse_access(disk(7))->fs_type, "");
  VolumeCapability both = mounted(1), neither, long_flags = mounted(1);
  both.block.ensure();
  neither.access_mode.ensure().mode = 1;
  long_flags.mount->mount_flags.emplace_back(mount_flags_bytes_max, 'x');
  for (const auto& bad : {mounted(0), mounted(3), mounted(5), mounted(99), mounted(1, "xfs"), mounted(1, "../sh"), both, neither, long_flags})
    EXPECT_EQ(code_of(parse_access(bad).error()), Code::InvalidArgument);
  EXPECT_EQ(code_of(parse_accesses({}).error()), Code::InvalidArgument);
  const std::vector<VolumeCapability> mixed = {mounted(1), disk(1)};
  EXPECT_EQ(code_of(parse_accesses(mixed).error()), Code::InvalidArgument);
}

struct SizeCase {
  int64_t required, limit, least, expected;  // expected 0: OutOfRange; -1: InvalidArgument
};

TEST(LocalRequests, Sizes) {
  VolumeClass bounds;
  bounds.size_bytes_max = 4 * gi;
  for (const SizeCase& c : std::vector<SizeCase>{{0, 0, 0, gi},
                                                 {1, 0, 0, 16 * mi},
                                                 {16 * mi + 1, 0, 0, 17 * mi},
                                                 {0, 64 * mi, 0, 64 * mi},
                                                 {0, 64 * mi + 5, 0, 64 * mi},
                                                 {0, mi, 0, 0},
                                                 {4 * gi, 0, 0, 4 * gi},
                                                 {4 * gi + 1, 0, 0, 0},
                                                 {0, 0, 2 * gi, 2 * gi},
                                                 {gi, 0, 2 * gi, 0},
                                                 {3 * gi, 3 * gi, 2 * gi, 3 * gi},
                                                 {16 * mi + 1, 16 * mi + 2, 0, 0},
                                                 {2, 1, 0, -1},
                                                 {-1, 0, 0, -1},
                                                 {0, -1, 0, -1},
                                                 {INT64_MAX, 0, 0, 0}}) {
    CapacityRange range;
    range.required_bytes = c.required;
    range.limit_bytes = c.limit;
    const auto size = choose_size(&range, bounds, c.least);
    if (c.expected > 0) {
      ASSERT_TRUE(size) << c.required << " " << c.limit << ": " << size.error().message;
      EXPECT_EQ(*size, c.expected);
      EXPECT_TRUE(is_within(*size, &range));
    } else {
      ASSERT_FALSE(size) << c.required << " " << c.limit;
      EXPECT_EQ(code_of(size.error()), c.expected == 0 ? Code::OutOfRange : Code::InvalidArgument);
    }
  }
  EXPECT_EQ(*choose_size(nullptr, bounds, 0), gi);
}

TEST(LocalRequests, Topology) {
  TopologyRequirement wanted;
  EXPECT_TRUE(check_topology(nullptr, "n1"));
  EXPECT_TRUE(check_topology(&wanted, "n1"));
  wanted.requisite.emplace_back().segments[topology_key] = "n2";
  EXPECT_EQ(code_of(check_topology(&wanted, "n1").error()), Code::ResourceExhausted);
  wanted.requisite.emplace_back().segments[topology_key] = "n1";
  EXPECT_TRUE(check_topology(&wanted, "n1"));
}

TEST(LocalRequests, PathsAndNames) {
  EXPECT_TRUE(check_path("p", "/var/lib/kubelet/..data"));
  for (const std::string& bad : {std::string(), std::string("a/b"), std::string("/a/../b"), std::string("/.."), std::string("/a\0b", 4),
                                 "/" + std::string(path_bytes_max, 'x')})
    EXPECT_EQ(code_of(check_path("p", bad).error()), Code::InvalidArgument) << bad;
  EXPECT_TRUE(check_name("name", "../../etc/passwd")) << "it names no file";
  EXPECT_FALSE(check_name("name", ""));
  EXPECT_FALSE(check_name("name", std::string(name_bytes_max + 1, 'x')));
}

}  // namespace
}  // namespace pintle::csi_local
