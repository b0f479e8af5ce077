// The collector against a fake runtime, in simulated time.
#include "kubelet/images/image_collector.h"

#include <gtest/gtest.h>

#include "cri/typed_call.h"
#include "kubelet/types/pressure.h"
#include "net/grpc/server.h"
#include "rt/testing.h"

namespace pintle::kubelet::images {
namespace {

using namespace std::chrono_literals;
using namespace api::cri_v1;

constexpr auto* path = "/run/fake.sock";

// Images by id, what is made of them, and what was said.
struct Node {
  std::map<std::string, Image> images;
  std::vector<std::string> containers;  // the images that they are made of
  std::vector<std::string> volumes;
  std::set<std::string> stuck;  // cannot be removed
  std::string sandbox = "pause";
  std::vector<std::string> said;
  uint64_t pod_changes = 0;
  int looks = 0;

  void pull(const std::string& name, uint64_t size) {
    Image image;
    image.id = "sha256:" + name;
    image.repo_tags = {"docker.io/library/" + name + ":latest"};
    image.size = size;
    images[image.id] = std::move(image);
  }
  std::string left() const {
    std::string out;
    for (const auto& [id, image] : images) out += id.substr(7) + " ";
    return out;
  }
  std::string events() {
    std::string out;
    for (const auto& one : said) out += one + " ";
    said.clear();
    return out;
  }
};

rt::Task<Result<std::string>> list_images(Node& node) {
  ListImagesResponse answer;
  for (const auto& [id, image] : node.images) answer.images.push_back(image);
  ++node.looks;
  co_return cri::encode(answer);
}
rt::Task<Result<std::string>> list_containers(Node& node) {
  ListContainersResponse answer;
  for (const auto& name : node.containers) answer.containers.emplace_back().image_ref = "sha256:" + name;
  co_return cri::encode(answer);
}
rt::Task<Result<std::string>> status(Node& node) {
  StatusResponse answer;
  answer.info["config"] = "{\"sandboxImage\": \"" + node.sandbox + "\"}";
  co_return cri::encode(answer);
}
rt::Task<Result<std::string>> remove_image(Node& node, std::string bytes) {
  const auto request = cri::decode<RemoveImageRequest>(bytes);
  if (node.stuck.contains(request->image->image)) co_return internal("it is stuck");
  node.images.erase(request->image->image);
  co_return cri::encode(RemoveImageResponse());
}

rt::Task<void> with_node(std::function<rt::Task<void>(Node&, ImageCollector&)> check, ImagePolicy policy) {
  auto& runtime = rt::Executor::current().runtime();
  Node node;
  net::grpc::Server server(runtime);
  server.on("/runtime.v1.ImageService/ListImages", [&node](rt::Context, std::string) { return list_images(node); });
  server.on("/runtime.v1.RuntimeService/ListContainers", [&node](rt::Context, std::string) { return list_containers(node); });
  server.on("/runtime.v1.RuntimeService/Status", [&node](rt::Context, std::string) { return status(node); });
  server.on("/runtime.v1.ImageService/RemoveImage", [&node](rt::Context, std::string bytes) { return remove_image(node, std::move(bytes)); });
  EXPECT_TRUE(server.start(path));
  cri::RuntimeClientOptions options;
  options.endpoint = path;
  auto client = std::move(*cri::RuntimeClient::make(runtime, options));
  ImageCollectorDeps deps{runtime, *client, [&node](std::string_view reason, std::string) { node.said.emplace_back(reason); }};
  deps.volume_images = [&node] { return node.volumes; };
  deps.pod_changes = [&node] { return node.pod_changes; };
  deps.changed = [&node] { node.said.emplace_back("changed"); };
  ImageCollector collector(std::move(deps), policy);
  co_await check(node, collector);
  co_await client->close();
  co_await server.stop();
}
void run(std::function<rt::Task<void>(Node&, ImageCollector&)> check, ImagePolicy policy = {}) {
  rt::testing::run_sim([&] { return with_node(check, policy); }, 1);
}

constexpr SignalValue roomy{500, 1000}, full{100, 1000};  // 100 short of 20 %
const auto always = rt::Context::background();

rt::Task<void> wait_for(rt::Duration time) { (void)co_await rt::sleep_for(always, time); }

rt::Task<void> frees_what_is_needed(Node& node, ImageCollector& collector) {
  for (const char* name : {"old", "used", "mounted", "pause", "young"}) node.pull(name, 60);
  node.images.erase("sha256:young");
  node.containers = {"used"};
  node.volumes = {"mounted"};
  EXPECT_TRUE(collector.is_due(roomy));
  co_await collector.collect(always, roomy);
  EXPECT_EQ(node.left(), "mounted old pause used ");
  EXPECT_FALSE(collector.is_due(roomy));
  co_await wait_for(10min);
  EXPECT_FALSE(collector.is_due(roomy)) << "there is room, and no pod has changed";
  node.pull("young", 60);
  EXPECT_TRUE(collector.is_due(full)) << "at once, whenever the last look was";
  co_await collector.collect(always, full);
  EXPECT_EQ(node.left(), "mounted pause used young ") << "what was just pulled stays";
  EXPECT_EQ(node.events(), "changed FreeDiskSpaceFailed ");
  EXPECT_FALSE(collector.is_due(full));
  co_await wait_for(2min);
  EXPECT_TRUE(collector.is_due(full)) << "it is of age";
  co_await collector.collect(always, full);
  EXPECT_EQ(node.left(), "mounted pause used ");
  EXPECT_EQ(node.events(), "changed FreeDiskSpaceFailed ImageGCFailed ") << "it fails the second time";
  co_await wait_for(2min);
  EXPECT_FALSE(collector.is_due(full)) << "nothing comes of age";
  co_await wait_for(3min);
  EXPECT_TRUE(collector.is_due(full));
  EXPECT_EQ(collector.removed().at("space"), 2u);
}

rt::Task<void> stops_when_there_is_enough(Node& node, ImageCollector& collector) {
  for (const char* name : {"a", "b", "c"}) node.pull(name, 50);
  co_await collector.collect(always, roomy);
  co_await wait_for(3min);
  node.stuck = {"sha256:a"};
  co_await collector.collect(always, full);
  EXPECT_EQ(node.left(), "a ") << "the next ones go instead";
  EXPECT_EQ(node.events(), "changed changed ") << "told by the second failure only";
  node.stuck.clear();
  node.pull("d", 50);
  node.pull("e", 100);
  co_await collector.collect(always, roomy);
  co_await wait_for(3min);
  co_await collector.collect(always, full);
  EXPECT_EQ(node.left(), "e ");
}

rt::Task<void> all_unused_go(Node& node, ImageCollector& collector) {
  for (const char* name : {"a", "b", "pause"}) node.pull(name, 50);
  node.containers = {"b"};
  const auto young = co_await collector.remove_unused(always);
  EXPECT_EQ(*young, 0u);
  co_await wait_for(3min);
  const auto freed = co_await collector.remove_unused(always);
  EXPECT_EQ(*freed, 50u);
  EXPECT_EQ(node.left(), "b pause ");
}

rt::Task<void> unused_for_long(Node& node, ImageCollector& collector) {
  for (const char* name : {"brief", "never", "used"}) node.pull(name, 50);
  node.containers = {"brief", "used"};
  co_await collector.collect(always, roomy);
  co_await wait_for(30min);
  co_await collector.collect(always, roomy);
  node.containers = {"used"};
  co_await wait_for(31min);
  EXPECT_TRUE(collector.is_due(roomy)) << "age is asked for";
  co_await collector.collect(always, roomy);
  EXPECT_EQ(node.left(), "brief used ");
  co_await wait_for(30min);
  co_await collector.collect(always, roomy);
  EXPECT_EQ(node.left(), "used ");
  EXPECT_EQ(collector.removed().at("age"), 2u);
}

rt::Task<void> asks_only_when_pods_change(Node& node, ImageCollector& collector) {
  co_await collector.collect(always, full);
  EXPECT_EQ(node.events(), "");
  co_await wait_for(6min);
  EXPECT_FALSE(collector.is_due(full)) << "collection is switched off";
  node.pod_changes = 7;
  EXPECT_TRUE(collector.is_due(full)) << "what is used has changed";
  co_await collector.collect(always, full);
  EXPECT_EQ(node.looks, 2);
}

TEST(ImageCollector, FreesWhatIsNeeded) { run(frees_what_is_needed); }
TEST(ImageCollector, StopsWhenThereIsEnough) { run(stops_when_there_is_enough); }
TEST(ImageCollector, AllUnusedGoUnderPressure) { run(all_unused_go); }
TEST(ImageCollector, UnusedForLong) { run(unused_for_long, {85, 80, 2min, 1h}); }
TEST(ImageCollector, AsksOnlyWhenPodsChange) { run(asks_only_when_pods_change, {100, 80, 2min, {}}); }

}  // namespace
}  // namespace pintle::kubelet::images
