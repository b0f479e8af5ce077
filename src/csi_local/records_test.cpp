#include "csi_local/records.h"

#include <gtest/gtest.h>

#include "csi_local/node_volumes.h"
#include "csi_local/volume_store.h"

namespace pintle::csi_local {
namespace {

TEST(LocalRecords, Ids) {
  const std::string id = id_of(Kind::Volume, "n1", "../../etc/passwd");
  EXPECT_TRUE(is_id(Kind::Volume, id)) << id;
  EXPECT_FALSE(is_id(Kind::Snapshot, id));
  EXPECT_EQ(id, id_of(Kind::Volume, "n1", "../../etc/passwd"));
  EXPECT_NE(id, id_of(Kind::Volume, "n2", "../../etc/passwd"));
  EXPECT_NE(id_of(Kind::Volume, "ab", "c"), id_of(Kind::Volume, "a", "bc"));
  for (const char* bad :
       {"", "vol-", "vol-../../../../../../../../../../../../", "vol-ABCDEF00000000000000000000000000", "vol-00000000000000000000000000000000/"})
    EXPECT_FALSE(is_id(Kind::Volume, bad)) << bad;
}

TEST(LocalRecords, RoundTrip) {
  VolumeRecord volume;
  volume.id = id_of(Kind::Volume, "n1", "a");
  volume.name = "na\"me\n";
  volume.pool = "default";
  volume.size_bytes = 64 << 20;
  volume.size_bytes_min = 32 << 20;
  volume.size_bytes_max = 128 << 20;
  volume.file_system_bytes = 32 << 20;
  volume.fs_type = "ext4";
  volume.source = id_of(Kind::Snapshot, "n1", "s");
  volume.fresh = false;
  volume.targets = {"/a", "/b c"};
  const auto read = parse_volume(to_json(volume));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, volume);
  SnapshotRecord snapshot;
  snapshot.id = id_of(Kind::Snapshot, "n1", "s");
  snapshot.volume = volume.id;
  snapshot.pool = "default";
  snapshot.size_bytes = 1;
  snapshot.block = true;
  snapshot.created_seconds = 1'700'000'000;
  const auto again = parse_snapshot(to_json(snapshot));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, snapshot);
}

TEST(LocalRecords, Garbage) {
  for (const char* bad : {"", "{", "[]", "7", "{}", R"({"version":2,"id":"vol-00000000000000000000000000000000","sizeBytes":1})",
                          R"({"version":1,"id":"../x","sizeBytes":1})", R"({"version":1,"id":"vol-00000000000000000000000000000000","sizeBytes":-1})",
                          R"({"version":1,"id":7,"sizeBytes":"x"})"})
    EXPECT_FALSE(parse_volume(bad)) << bad;
  EXPECT_TRUE(parse_volume(R"({"version":1,"id":"vol-00000000000000000000000000000000","sizeBytes":1,"targets":[7,null,"/a"]})"));
}

// Every volume can be filled, and every copy changed: what is promised and not yet taken is not promised twice.
TEST(LocalRecords, Promises) {
  const std::vector<ImageUse> images = {{100, 30}, {100, 130}, {50, 0}};
  EXPECT_EQ(to_come_bytes(images), 120) << "what file systems take beside their size is nobody else's";
  const Pool unbounded{"a", "/a", 0}, bounded{"b", "/b", 100};
  EXPECT_EQ(promisable_bytes(unbounded, {1000, 0, 0, 0}), 1000);
  EXPECT_EQ(promisable_bytes(unbounded, {1000, 250, 300, 10}), 750);
  EXPECT_EQ(promisable_bytes(unbounded, {100, 300, 300, 0}), 0);
  EXPECT_EQ(promisable_bytes(bounded, {1000, 0, 30, 0}), 70);
  EXPECT_EQ(promisable_bytes(bounded, {1000, 0, 30, 60}), 10);
  EXPECT_EQ(promisable_bytes(bounded, {20, 0, 0, 0}), 20);
}

TEST(LocalRecords, MountsOfADevice) {
  const auto table = os::parse_mount_info(
      "1 0 8:0 / / rw - ext4 /dev/sda rw\n"
      "2 1 7:3 / /staged rw - ext4 /dev/loop3 rw\n"
      "3 1 7:3 / /hidden rw - ext4 /dev/loop3 rw\n"
      "4 3 8:0 /x /hidden rw - ext4 /dev/sda rw\n"
      "5 1 7:30 / /other rw - ext4 /dev/loop30 rw\n"
      "6 1 0:5 /loop3 /device rw - devtmpfs devtmpfs rw\n"
      "7 1 8:0 /loop3 /folder rw - ext4 /dev/sda rw\n");
  Attachment found;
  found.mounts = mounts_of({"/dev/loop3", "7:3"}, table);
  ASSERT_EQ(found.mounts.size(), 2U);
  EXPECT_TRUE(found.is_at("/staged") && found.is_at("/device"));
  EXPECT_FALSE(found.is_at("/hidden")) << "another lies on it";
}

}  // namespace
}  // namespace pintle::csi_local
