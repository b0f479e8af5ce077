// What of the devices is pure: lists, choices, allocations, the record.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "kubelet/devices/checkpoint.h"
#include "kubelet/devices/choice.h"

namespace pintle::kubelet::devices {
namespace {

using api::deviceplugin_v1beta1::ListAndWatchResponse;

std::string joined(const DeviceIds& ids) { return fmt::format("{}", fmt::join(ids, " ")); }

// "a b! c@0 d@0@1": b is not healthy, c is near node 0.
Devices devices(std::string_view text) {
  Devices out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Device device;
    device.healthy = !word.contains('!');
    const std::size_t id_end = std::min(word.find_first_of("!@"), word.size());
    for (std::size_t at = word.find('@'); at != std::string_view::npos; at = word.find('@', at + 1)) device.numa_nodes.push_back(word[at + 1] - '0');
    out.emplace(word.substr(0, id_end), std::move(device));
  }
  return out;
}

DeviceIds ids(std::string_view text) {
  DeviceIds out;
  for (const auto& [id, device] : devices(text)) out.insert(id);
  return out;
}

ListAndWatchResponse list_of(std::size_t count, std::size_t id_bytes) {
  ListAndWatchResponse out;
  for (std::size_t i = 0; i < count; ++i) out.devices.emplace_back().id = fmt::format("{:0{}}", i, id_bytes);
  return out;
}

TEST(DeviceList, IsBounded) {
  EXPECT_TRUE(devices_of(list_of(devices_max, 8)));
  EXPECT_FALSE(devices_of(list_of(devices_max + 1, 8)));
  EXPECT_TRUE(devices_of(list_of(1, device_id_bytes_max)));
  EXPECT_FALSE(devices_of(list_of(1, device_id_bytes_max + 1)));
  EXPECT_FALSE(devices_of([] {
    ListAndWatchResponse out;
    out.devices.emplace_back();
    return out;
  }()));
  ListAndWatchResponse near = list_of(1, 1);
  near.devices[0].topology.ensure().nodes.resize(numa_nodes_max);
  EXPECT_TRUE(devices_of(near));
  near.devices[0].topology.ensure().nodes.emplace_back();
  EXPECT_FALSE(devices_of(near));
}

TEST(DeviceList, SaysWhatIsHealthyAndWhere) {
  ListAndWatchResponse list;
  for (const auto* health : {"Healthy", "Unhealthy", "", "healthy", "Healthy"}) {
    auto& device = list.devices.emplace_back();
    device.id = fmt::format("d{}", list.devices.size());
    device.health = health;
  }
  for (const int64_t node : {-1, 3}) list.devices[0].topology.ensure().nodes.emplace_back().id = node;
  list.devices.push_back(list.devices[0]);
  list.devices.back().health = "Unhealthy";
  const Devices out = *devices_of(list);
  EXPECT_EQ(joined(healthy_ids(out)), "d5");
  EXPECT_EQ(out.at("d1").numa_nodes, std::vector<int64_t>{3});
  EXPECT_EQ(joined(changed_health(devices("a b! c"), devices("a! b! d c"))), "a d");
}

struct ChoiceCase {
  const char* devices;
  const char* in_use;
  const char* reusable;
  std::size_t required;
  std::optional<std::set<int64_t>> nodes;
  const char* preferred;
  const char* taken;    // before the plugin is asked
  const char* offered;  // "": it is not
  const char* result;   // or the error
};

TEST(Choice, Table) {
  const std::optional<std::set<int64_t>> any;
  const ChoiceCase cases[] = {
      {"a b c", "", "", 2, any, "", "", "a b c", "a b"},
      {"a b c", "", "", 2, any, "c b", "", "a b c", "b c"},
      {"a b c", "a", "", 2, any, "a x c", "", "b c", "b c"},  // what is used or unknown does not count
      {"a b c", "a", "a", 2, any, "c", "a", "a b c", "a c"},  // of an init container
      {"a b c", "a b", "a b", 2, any, "", "a b", "", "a b"},
      {"a b c", "a b c", "a b c", 1, any, "", "a", "", "a"},
      {"a b! c!", "", "", 2, any, "", "", "", "requested number of devices unavailable for e/d. Requested: 2, Available: 1"},
      {"a b", "a", "a", 3, any, "", "", "", "requested number of devices unavailable for e/d. Requested: 2, Available: 1"},
      {"a@0 b@0 c@1 d@1", "", "", 1, std::set<int64_t>{1}, "a d", "", "c d", "d"},  // among those that are near
      {"a@0 b@0 c@1 d@1", "", "", 2, std::set<int64_t>{1}, "a b", "c d", "", "c d"},
      {"a@0 b@0 c@1 d", "", "", 2, std::set<int64_t>{1}, "b", "c", "a b c d", "b c"},
      {"a@0 b c@1 d", "", "", 3, std::set<int64_t>{1}, "", "c", "a b c d", "a b c"},
      {"a b c", "", "", 1, std::set<int64_t>{1}, "c", "", "a b c", "c"},  // nobody says where they are
      {"a@0@1 b@0", "", "", 1, std::set<int64_t>{1}, "", "a", "", "a"},
  };
  for (const ChoiceCase& one : cases) {
    const std::string resource = "e/d", shown = fmt::format("{} - {} x{}", one.devices, one.in_use, one.required);
    const Devices all = devices(one.devices);
    const DeviceIds in_use = ids(one.in_use), reusable = ids(one.reusable);
    const auto choice = Choice::make(ChoiceInputs{resource, all, in_use, reusable, one.required, one.nodes});
    if (!choice) {
      EXPECT_EQ(choice.error().message, one.result) << shown;
      continue;
    }
    EXPECT_EQ(joined(choice->taken()), one.taken) << shown;
    EXPECT_EQ(choice->complete() ? "" : joined(choice->offered()), one.offered) << shown;
    EXPECT_EQ(joined(choice->finish(ids(one.preferred))), one.result) << shown;
  }
}

Allocation allocation(std::string_view text) {
  Allocation out;
  const Devices all = devices(text);
  out.by_numa_node = by_numa_node(ids(text), all);
  return out;
}

TEST(Allocations, KnowWhoHasWhat) {
  Allocations all;
  all.put("u1", "a", "e/d", allocation("x@0@1 y"));
  all.put("u1", "b", "e/e", allocation("x"));
  all.put("u2", "a", "e/d", allocation("z"));
  EXPECT_EQ(joined(all.in_use("e/d")), "x y z");
  EXPECT_EQ(all.find("u1", "a", "e/d")->by_numa_node.at(1), std::vector<std::string>{"x"});
  EXPECT_EQ(all.find("u1", "a", "e/d")->by_numa_node.at(no_numa_node), std::vector<std::string>{"y"});
  EXPECT_EQ(all.find("u1", "b", "e/d"), nullptr);
  EXPECT_TRUE(all.knows("e/e") && !all.knows("e/f"));
  EXPECT_EQ(all.pods_with("e/d", {"z", "q"}), std::vector<std::string>{"u2"});
  EXPECT_TRUE(all.erase_pod("u1") && !all.erase_pod("u1"));
  EXPECT_EQ(joined(all.in_use("e/d")), "z");
}

TEST(Allocations, SayWhatTheirPluginsWant) {
  Allocations all;
  for (const auto* resource : {"e/a", "e/b"}) {
    Allocation one;
    one.answer.envs["WHO"] = resource;
    one.answer.envs[std::string("OF_") + resource[2]] = "1";
    auto& mount = one.answer.mounts.emplace_back();
    mount.container_path = "/lib/x";
    mount.host_path = resource;
    mount.read_only = true;
    auto& device = one.answer.devices.emplace_back();
    device.container_path = "/dev/x";
    device.host_path = resource;
    device.permissions = "rw";
    one.answer.annotations["who"] = resource;
    one.answer.cdi_devices.emplace_back().name = "v/c=same";
    all.put("u", "c", resource, std::move(one));
  }
  const ContainerDevices out = all.container_devices("u", "c");
  EXPECT_EQ(out.environment, (std::vector<std::pair<std::string, std::string>>{{"OF_a", "1"}, {"WHO", "e/a"}, {"OF_b", "1"}}));
  ASSERT_EQ(out.mounts.size(), 1u);
  EXPECT_TRUE(out.mounts[0].host_path == "e/a" && out.mounts[0].readonly);
  ASSERT_EQ(out.devices.size(), 1u);
  EXPECT_TRUE(out.devices[0].host_path == "e/a" && out.devices[0].permissions == "rw");
  EXPECT_EQ(*out.annotations.get("who"), "e/a");
  EXPECT_EQ(out.cdi_devices, std::vector<std::string>{"v/c=same"});
  EXPECT_TRUE(all.container_devices("u", "other").environment.empty());
}

// As upstream's kubelet writes them: texts and checksums come from its own code.
constexpr auto* no_entries = R"({"Data":{"PodDeviceEntries":null,"RegisteredDevices":null},"Checksum":1944006890})";
constexpr auto* empty_entries = R"({"Data":{"PodDeviceEntries":[],"RegisteredDevices":{}},"Checksum":2932075448})";
const std::string strange =
    R"({"Data":{"PodDeviceEntries":[{"PodUID":"u-1","ContainerName":"c","ResourceName":"example.com/d","DeviceIDs":{"-1":["b","a"],"10":["x"],"2":null},)"
    R"("AllocResp":"CgMB/w=="},{"PodUID":"u\"2","ContainerName":"c\n","ResourceName":"é","DeviceIDs":null,"AllocResp":null},)"
    R"({"PodUID":"","ContainerName":"","ResourceName":"","DeviceIDs":null,"AllocResp":""}],)"
    R"("RegisteredDevices":{"a.b/c":["p q","2"],"a/a":null,"b/b":[],"z/z":["1"]}},"Checksum":3357835146})";

TEST(Checkpoint, ReadsUpstreams) {
  EXPECT_TRUE(decode_checkpoint(no_entries)) << decode_checkpoint(no_entries).error().message;
  EXPECT_TRUE(decode_checkpoint(empty_entries));
  const auto out = decode_checkpoint(strange);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->allocations.find("u-1", "c", "example.com/d"), nullptr);  // its answer is none
  EXPECT_EQ(out->registered.size(), 4u);
  EXPECT_EQ(joined(out->registered.at("a.b/c")), "2 p q");
}

TEST(Checkpoint, RefusesWhatIsNotItsOwn) {
  const auto reason = [](std::string_view text) {
    const auto out = decode_checkpoint(text);
    return out ? std::string("read") : std::string(reason_name(out.error().reason));
  };
  std::string wrong = strange;
  wrong.replace(wrong.find("\"x\""), 3, "\"y\"");
  EXPECT_EQ(reason(wrong), "Conflict");
  for (const auto* text :
       {"", "{", "[]", "{}", R"({"Data":[],"Checksum":1})", R"({"Data":{},"Checksum":"1"})", R"({"Data":{"PodDeviceEntries":{}},"Checksum":1})",
        R"({"Data":{"PodDeviceEntries":[1]},"Checksum":1})", R"({"Data":{"PodDeviceEntries":[{"DeviceIDs":{"x":[]}}]},"Checksum":1})",
        R"({"Data":{"PodDeviceEntries":[{"DeviceIDs":{"1":[2]}}]},"Checksum":1})",
        R"({"Data":{"PodDeviceEntries":[{"AllocResp":"?"}]},"Checksum":1})", R"({"Data":{"RegisteredDevices":[]},"Checksum":1})"})
    EXPECT_EQ(reason(text), "BadRequest") << text;
}

TEST(Checkpoint, ReadsItsOwn) {
  Checkpoint checkpoint;
  Allocation one = allocation("x@0@1 y");
  one.answer.envs["A"] = "1 < 2";
  checkpoint.allocations.put("u", "c", "e/d", one);
  checkpoint.registered = {{"e/d", {"x", "y", "z"}}, {"e/none", {}}};
  const std::string text = encode_checkpoint(checkpoint);
  const auto out = decode_checkpoint(text);
  ASSERT_TRUE(out) << out.error().message << text;
  EXPECT_EQ(out->registered, checkpoint.registered);
  const Allocation* read = out->allocations.find("u", "c", "e/d");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->by_numa_node, one.by_numa_node);
  EXPECT_EQ(*read->answer.envs.get("A"), "1 < 2");
  EXPECT_TRUE(decode_checkpoint(encode_checkpoint({})));
}

}  // namespace
}  // namespace pintle::kubelet::devices
