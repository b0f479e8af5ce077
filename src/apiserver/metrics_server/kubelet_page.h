// What a kubelet's page of resource metrics says (/metrics/resource, Prometheus' text form), read as it comes. Nothing of it is believed: what
// is too much or no such text is refused, and a sample that cannot be is as good as missing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace pintle::apiserver::metrics_server {

// Of one page; what exceeds one is refused with RequestEntityTooLarge.
constexpr std::size_t page_bytes_max = 16 << 20;
constexpr std::size_t line_bytes_max = 4096;  // of a sample; comments are skipped whatever their length
constexpr std::size_t page_containers_max = 8192;

// What was measured at a moment. Times are milliseconds since 1970; 0: not told.
struct Point {
  int64_t time_ms = 0;   // of the processor time
  int64_t start_ms = 0;  // of the container
  uint64_t cpu_ns = 0;   // since the start
  uint64_t memory_bytes = 0;
  uint64_t swap_bytes = 0;
};

struct ContainerPoint {
  std::string ns, pod, container;
  Point point;
};

struct KubeletPage {
  std::optional<Point> node;               // nullopt: not all of it is told
  std::vector<ContainerPoint> containers;  // by namespace, pod and name; of pods all of whose containers are told whole
};

class KubeletPageReader {
 public:
  // `now_ms`: the time of samples that bear none.
  explicit KubeletPageReader(int64_t now_ms) : now_ms_(now_ms) {}
  // The next piece, cut anywhere. BadRequest names the line that is no sample.
  Result<Unit> feed(std::string_view piece);
  // At the end of the page.
  Result<KubeletPage> finish();

 private:
  Result<Unit> take_line(std::string_view line);
  Result<Unit> take_rest(std::string_view rest);
  Result<Point*> container_point(std::string key);

  const int64_t now_ms_;
  std::size_t bytes_ = 0, lines_ = 0;
  std::string held_;               // of a line that has not ended
  bool skipping_comment_ = false;  // one that is too long to be held
  Point node_;
  std::unordered_map<std::string, Point> containers_;  // by namespace, pod and container, with a '/' between
};

}  // namespace pintle::apiserver::metrics_server
