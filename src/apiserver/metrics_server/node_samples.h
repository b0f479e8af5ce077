// NodeSamples: the last two samples of a node and of the containers that its kubelet tells of, in columns. Constant once made; the next page makes
// the next one of it. The rules are metrics-server's: what is used is told once it is known from when to when. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/metrics_server/kubelet_page.h"
#include "rt/clock.h"

namespace pintle::apiserver::metrics_server {

// A container that runs for this long, and for less than a period, is told of since its start; a shorter time says too little.
constexpr rt::Duration fresh_container_min = std::chrono::seconds(10);

// What was used between two samples.
struct Usage {
  int64_t time_ms = 0;  // of the later one
  int64_t window_ms = 0;
  uint64_t cpu_nanocores = 0;
  uint64_t memory_bytes = 0, swap_bytes = 0;  // at the later one
};

class NodeSamples {
 public:
  struct Container {
    std::string_view name;
    Usage usage;
  };

  NodeSamples() = default;
  // `before`: nullptr: this is the first page. `resolution`: the period of looking.
  NodeSamples(const NodeSamples* before, const KubeletPage& page, rt::Duration resolution);

  // nullopt: it has not been seen twice.
  std::optional<Usage> node() const;
  // Its containers by name, all of them; empty: it is not told of, or one of them has not been seen twice since it started.
  std::vector<Container> pod(std::string_view ns, std::string_view name) const;

  std::size_t containers() const { return time_ms_.size(); }
  std::size_t bytes() const;  // held

 private:
  // Names are in text_ one after the other: the pod's namespace, the pod's, its containers'.
  struct Pod {
    uint32_t text_at = 0;
    uint32_t first = 0;  // of its containers
    uint8_t ns_bytes = 0, name_bytes = 0;
  };
  struct Earlier {
    int64_t time_ms = 0;  // 0: none
    uint64_t cpu_ns = 0;
  };
  // Of a container: its number, or nullopt.
  std::optional<std::size_t> find(const ContainerPoint& container) const;
  const Pod* find_pod(std::string_view ns, std::string_view name) const;
  std::string_view ns_of(const Pod& pod) const { return std::string_view(text_).substr(pod.text_at, pod.ns_bytes); }
  std::string_view name_of(const Pod& pod) const { return std::string_view(text_).substr(pod.text_at + pod.ns_bytes, pod.name_bytes); }
  std::size_t end_of(const Pod& pod) const;
  Point last(std::size_t i) const { return {time_ms_[i], start_ms_[i], cpu_ns_[i], memory_bytes_[i], swap_bytes_[i]}; }
  static Earlier earlier(const NodeSamples* before, const ContainerPoint& container, rt::Duration resolution);
  static std::optional<Usage> usage(const Point& last, const Earlier& earlier);

  std::optional<Point> node_;
  Earlier node_earlier_;
  std::string text_;
  std::vector<Pod> pods_;  // by namespace and name
  // Of each container.
  std::vector<uint8_t> name_bytes_;
  std::vector<int64_t> time_ms_, start_ms_, earlier_ms_;
  std::vector<uint64_t> cpu_ns_, memory_bytes_, swap_bytes_, earlier_cpu_ns_;
};

}  // namespace pintle::apiserver::metrics_server
