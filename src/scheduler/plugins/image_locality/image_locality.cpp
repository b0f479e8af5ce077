#include "scheduler/plugins/image_locality/image_locality.h"

#include <algorithm>

#include "scheduler/cache/cache.h"

namespace pintle::scheduler::plugins {

namespace {

constexpr int64_t megabyte = 1024 * 1024;
constexpr int64_t threshold_min_bytes = 23 * megabyte;
constexpr int64_t threshold_max_bytes_per_container = 1000 * megabyte;

// As nodes name it: with a tag.
std::string normalized(const std::string& image) {
  const std::size_t colon = image.rfind(':'), slash = image.rfind('/');
  const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  return tagged ? image : image + ":latest";
}

struct State : StateOf<State> {
  struct Wanted {
    const ImageState* image;
    int64_t score;  // its size, scaled by how many nodes have it
  };
  std::vector<Wanted> images;
};

class ImageLocality final : public Plugin, public PreScorePlugin, public ScorePlugin {
 public:
  explicit ImageLocality(const cache::Cache& cache) : cache_(cache) {}

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    auto data = std::make_unique<State>();
    const auto want = [&](const std::string& image) {
      const ImageState* found = cache_.image(normalized(image));
      if (found == nullptr) return;
      const double spread = static_cast<double>(found->node_count) / static_cast<double>(cache_.nodes().size());
      data->images.push_back({found, static_cast<int64_t>(static_cast<double>(found->size_bytes) * spread)});
    };
    for (const auto& container : pod.pod->spec.init_containers) want(container.image);
    for (const auto& container : pod.pod->spec.containers) want(container.image);
    for (const auto& volume : pod.pod->spec.volumes)
      if (volume.image) want(volume.image->reference);
    if (data->images.empty()) return PluginStatus::skip();  // 0 everywhere
    state.put(index, std::move(data));
    return {};
  }

  PluginStatus score(const CycleState& state, const PodInfo& pod, Nodes nodes, std::span<int64_t> scores) const override {
    const State& data = *state.get<State>(index);
    const auto containers = static_cast<int64_t>(pod.pod->spec.init_containers.size() + pod.pod->spec.containers.size());
    const int64_t most = threshold_max_bytes_per_container * containers;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      int64_t sum = 0;
      for (const auto& wanted : data.images)
        if (nodes[i]->has_image(wanted.image)) sum += wanted.score;
      scores[i] = node_score_max * (std::clamp(sum, threshold_min_bytes, most) - threshold_min_bytes) / (most - threshold_min_bytes);
    }
    return {};
  }

 private:
  const cache::Cache& cache_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_image_locality(const PluginDeps& deps, const std::string&) {
  return std::make_unique<ImageLocality>(deps.cache);
}

}  // namespace pintle::scheduler::plugins
