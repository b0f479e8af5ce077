#include "kubelet/stats/summary.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::stats {
namespace {

namespace cri_v1 = api::cri_v1;

void set(Box<cri_v1::UInt64Value>& box, uint64_t value) { box.ensure().value = value; }

cri_v1::ContainerStats container(const std::string& id, std::optional<uint64_t> cpu_ns, std::optional<uint64_t> memory, int64_t at_ns) {
  cri_v1::ContainerStats out;
  out.attributes.ensure().id = id;
  out.cpu.ensure().timestamp = out.memory.ensure().timestamp = at_ns;
  if (cpu_ns) set(out.cpu->usage_core_nano_seconds, *cpu_ns);
  if (memory) set(out.memory->working_set_bytes, *memory);
  return out;
}

void add(api::core_v1::Pod& pod, const std::string& name, const std::string& id, api::Time started) {
  auto& status = pod.status.container_statuses.emplace_back();
  status.name = name;
  status.container_id = "containerd://" + id;
  status.state.running.ensure().started_at = started;
}

// What metrics-server and this project's own metrics API read: with moments, and without what is not known.
TEST(ResourceMetrics, TellWhatIsKnownAndWhen) {
  StatsInputs in;
  in.node_name = "n";
  in.now = rt::WallTime(std::chrono::milliseconds(1'700'000'000'500));
  in.node = os::CgroupUsage{.cpu_usage_ns = 2'500'000'000, .memory_working_set_bytes = 4096, .swap_bytes = 512};
  auto& pod = in.pods.emplace_back();
  pod.metadata.namespace_ = "default";
  pod.metadata.name = "web";
  add(pod, "c", "1", api::Time{1'699'999'000, 250'000'000});
  add(pod, "fresh", "2", api::Time{1'700'000'000, 0});
  in.containers = {container("1", 1'500'000'000, 8192, 1'700'000'000'123'456'789),
                   container("2", std::nullopt, std::nullopt, 1'700'000'000'123'456'789)};
  set(in.containers[0].swap.ensure().swap_usage_bytes, 1024);
  in.containers[0].swap->timestamp = 1'700'000'000'123'456'789;
  const std::string page = resource_metrics(make_summary(in));
  std::string told, want;
  for (std::size_t at = 0; at < page.size(); at = page.find('\n', at) + 1)
    if (page[at] != '#') told += page.substr(at, page.find('\n', at) + 1 - at);
  for (const char* line : {
           R"(container_cpu_usage_seconds_total{container="c",namespace="default",pod="web"} 1.5 1700000000123)",
           R"(container_memory_working_set_bytes{container="c",namespace="default",pod="web"} 8192 1700000000123)",
           R"(container_start_time_seconds{container="c",namespace="default",pod="web"} 1699999000.25)",
           R"(container_start_time_seconds{container="fresh",namespace="default",pod="web"} 1700000000)",
           R"(container_swap_usage_bytes{container="c",namespace="default",pod="web"} 1024 1700000000123)",
           "node_cpu_usage_seconds_total 2.5 1700000000500",
           "node_memory_working_set_bytes 4096 1700000000500",
           "node_swap_usage_bytes 512 1700000000500",
           R"(pod_cpu_usage_seconds_total{namespace="default",pod="web"} 1.5 1700000000500)",
           R"(pod_memory_working_set_bytes{namespace="default",pod="web"} 8192 1700000000500)",
           "resource_scrape_error 0",
       })
    (want += line) += '\n';
  EXPECT_EQ(told, want);
}

// A claim that several pods mount is told once, and what is not known not at all.
TEST(Summaries, VolumesOfPods) {
  StatsInputs in;
  in.pods.emplace_back().metadata.uid = "a";
  in.pods.emplace_back().metadata.uid = "b";
  volumes::VolumeUsage data{"a", "shop", "data", "claim", in.now, {}};
  data.space.capacity_bytes = 100;
  data.space.used_bytes = 40;
  volumes::VolumeUsage scratch{"b", "shop", "tmp", "", in.now, {}};
  scratch.space.used_bytes = 7;
  in.volumes = {data, data, scratch};
  in.volumes[1].pod_uid = "b";
  const auto summary = make_summary(in);
  ASSERT_EQ(summary.pods.at(0).volume.size(), 1U);
  EXPECT_EQ(summary.pods[0].volume[0].pvc_ref->name, "claim");
  ASSERT_EQ(summary.pods.at(1).volume.size(), 2U);
  EXPECT_FALSE(summary.pods[1].volume[1].pvc_ref);
  const std::string page = volume_metrics(in.volumes);
  const std::string labels = R"({namespace="shop",persistentvolumeclaim="claim"} )";
  EXPECT_NE(page.find("kubelet_volume_stats_capacity_bytes" + labels + "100\n"), std::string::npos) << page;
  EXPECT_EQ(page.find("kubelet_volume_stats_used_bytes" + labels), page.rfind("kubelet_volume_stats_used_bytes" + labels));
  EXPECT_EQ(page.find("kubelet_volume_stats_inodes{"), std::string::npos);
  EXPECT_EQ(volume_metrics({scratch}), "");
}

}  // namespace
}  // namespace pintle::kubelet::stats
