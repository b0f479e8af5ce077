#include "kubelet/volumes/plugins/csi_layout.h"

#include "kubelet/volumes/testing.h"
#include "os/replace_file.h"

namespace pintle::kubelet::volumes::plugins {
namespace {

class CsiLayout : public testing::TemporaryRoot {
 protected:
  Paths paths() const { return Paths(root_); }
};

// What upstream's kubelet writes, so that either reads the other's.
TEST_F(CsiLayout, Notes) {
  const CsiNotes published{"d.example", "h", "pv", "n1", "csi-1", false};
  const std::string text =
      R"({"attachmentID":"csi-1","driverName":"d.example","nodeName":"n1","seLinuxMountContext":"","specVolID":"pv","volumeHandle":"h","volumeLifecycleMode":"Persistent"})";
  EXPECT_EQ(notes_json(published), text);
  const auto read = parse_notes(text + "\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, published);
  EXPECT_EQ(notes_json({"d.example", "h", "", "", "", false}), R"({"driverName":"d.example","volumeHandle":"h"})");
  for (const char* bad : {"", "[]", "{", R"({"driverName":"d"})", R"({"volumeHandle":"h"})", R"({"driverName":7,"volumeHandle":"h"})"})
    EXPECT_FALSE(parse_notes(bad)) << bad;
}

TEST_F(CsiLayout, Places) {
  const Paths at("/k");
  EXPECT_EQ(published_place(at, "uid", "pv").target, "/k/pods/uid/volumes/kubernetes.io~csi/pv/mount");
  EXPECT_EQ(staged_place(at, "d.example", "h/../x").target,
            "/k/plugins/kubernetes.io/csi/d.example/20fafc0674ac194e07ef446892215215d786f8858ab50252315028b8ebed48af/globalmount")
      << "a handle may be any text";
  EXPECT_EQ(device_places(at, "pv").stage, "/k/plugins/kubernetes.io/csi/volumeDevices/staging/pv");
  EXPECT_EQ(device_places(at, "pv").publish, "/k/plugins/kubernetes.io/csi/volumeDevices/publish/pv");
  EXPECT_EQ(device_places(at, "pv").notes, "/k/plugins/kubernetes.io/csi/volumeDevices/pv/data");
}

TEST_F(CsiLayout, WhatIsStaged) {
  EXPECT_TRUE(staged_notes(paths()).empty());
  ASSERT_TRUE(write_notes(staged_place(paths(), "d.example", "h1").notes, {"d.example", "h1", {}, {}, {}, false}));
  ASSERT_TRUE(write_notes(device_places(paths(), "pv-2").notes, {"d.example", "h2", "pv-2", "n1", "a", false}));
  const std::string broken = staged_place(paths(), "d.example", "h3").notes;
  ASSERT_TRUE(write_notes(broken, {"d.example", "h3", {}, {}, {}, false}));
  ASSERT_TRUE(os::replace_file(broken + "/vol_data.json", "{", 0644, os::Durability::Whole));
  const auto found = staged_notes(paths());
  ASSERT_EQ(found.size(), 2U) << "what cannot be read is left alone";
  EXPECT_EQ(found[0].notes.handle, "h1");
  EXPECT_FALSE(found[0].device);
  EXPECT_EQ(found[1].notes.handle, "h2");
  EXPECT_EQ(found[1].device, "pv-2");
  ASSERT_TRUE(remove_notes(staged_place(paths(), "d.example", "h1").notes));
  EXPECT_EQ(staged_notes(paths()).size(), 1U);
}

}  // namespace
}  // namespace pintle::kubelet::volumes::plugins
