#include "controller/selinux_warning/volume_users.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::selinux_warning {
namespace {

// "v=LABEL w=": without a label Recursive. All volumes are of the driver "d".
std::map<std::string, VolumeUsers::Use> uses(const std::string& text) {
  std::map<std::string, VolumeUsers::Use> out;
  for (const std::string& one : testing::split(text, ' ')) {
    const std::string label = one.substr(one.find('=') + 1);
    out[one.substr(0, one.find('='))] = {"d", {label, std::string(label.empty() ? recursive : mount_option)}};
  }
  return out;
}

std::string text_of(const std::vector<Conflict>& conflicts) {
  std::string out;
  for (const Conflict& one : conflicts)
    out += (out.empty() ? "" : " ") + one.property.substr(7) + "(" + one.pod + "=" + one.value + "," + one.other_pod + "=" + one.other_value + ")";
  return out;
}

struct Step {
  std::string pod, uses, begun, ended;
};

TEST(SelinuxVolumeUsers, ConflictsBeginAndEnd) {
  VolumeUsers users;
  const Step steps[] = {
      {"n/a", "v=:::1 w=:::1", "", ""},
      {"n/a", "v=:::1 w=:::1", "", ""},
      {"n/b", "v=:::1", "", ""},
      {"n/c", "v=:::2", "Label(n/c=:::2,n/a=:::1) Label(n/a=:::1,n/c=:::2) Label(n/c=:::2,n/b=:::1) Label(n/b=:::1,n/c=:::2)", ""},
      {"n/b", "", "", "Label(n/b=:::1,n/c=:::2) Label(n/c=:::2,n/b=:::1)"},
      {"n/a", "w=:::1", "", "Label(n/a=:::1,n/c=:::2) Label(n/c=:::2,n/a=:::1)"},
      {"n/d",
       "w=", "ChangePolicy(n/d=Recursive,n/a=MountOption) ChangePolicy(n/a=MountOption,n/d=Recursive) Label(n/d=,n/a=:::1) Label(n/a=:::1,n/d=)", ""},
      {"n/a", "w=", "",
       "ChangePolicy(n/a=MountOption,n/d=Recursive) ChangePolicy(n/d=Recursive,n/a=MountOption) Label(n/a=:::1,n/d=) Label(n/d=,n/a=:::1)"},
      {"n/a", "", "", ""},
      {"n/d", "", "", ""},
      {"n/c", "", "", ""},
  };
  for (const Step& step : steps) {
    const auto change = users.set(step.pod, uses(step.uses));
    EXPECT_EQ(text_of(change.begun), step.begun) << step.pod << ": " << step.uses;
    EXPECT_EQ(text_of(change.ended), step.ended) << step.pod << ": " << step.uses;
  }
  EXPECT_EQ(users.volumes(), 0u);
}

TEST(SelinuxVolumeUsers, PodsOfADriver) {
  VolumeUsers users;
  users.set("n/a", uses("v=:::1 w=:::1"));
  users.set("n/b", uses("v=:::1"));
  EXPECT_EQ(users.pods_of_driver("d"), (std::vector<std::string>{"n/a", "n/b", "n/a"}));
  EXPECT_TRUE(users.pods_of_driver("other").empty());
  users.set("n/a", {});
  users.set("n/b", {});
  EXPECT_TRUE(users.pods_of_driver("d").empty());
}

TEST(SelinuxVolumeUsers, Messages) {
  EXPECT_EQ(
      (Conflict{"SELinuxLabel", "n/a", ":::1", "n/b", ":::2"}).message(),
      "SELinuxLabel \":::1\" conflicts with pod b that uses the same volume as this pod with SELinuxLabel \":::2\". If both pods land on the same "
      "node, only one of them may access the volume.");
  EXPECT_EQ(
      (Conflict{"SELinuxLabel", "n/a", ":::1", "m/b", ":::2"}).message(),
      "SELinuxLabel\":::1\" conflicts with another pod that uses the same volume as this pod with a different SELinuxLabel. If both pods land on "
      "the same node, only one of them may access the volume.");
}

}  // namespace
}  // namespace pintle::controller::selinux_warning
