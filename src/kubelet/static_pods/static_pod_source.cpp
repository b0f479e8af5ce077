#include "kubelet/static_pods/static_pod_source.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "kubelet/static_pods/manifest.h"

namespace pintle::kubelet::static_pods {

namespace {

namespace log = component::log;

std::string time_text(rt::Runtime& runtime) { return api::format_micro_time(apimachinery::to_micro_time(runtime.clock().wall_now())); }

}  // namespace

// On the blocking pool.
std::map<std::string, std::string> StaticPodSource::read_files() {
  rt::Disk& disk = deps_.runtime.disk();
  std::map<std::string, std::string> out;
  const auto read = [&](const std::string& path) {
    auto text = disk.read(path, manifest_bytes_max);
    if (text) out[path] = std::move(*text);
  };
  auto names = disk.list(deps_.path);
  if (!names) {
    read(deps_.path);  // one file, or nothing
    return out;
  }
  for (const std::string& name : *names)
    if (!name.starts_with('.')) read(deps_.path + "/" + name);
  return out;
}

rt::Task<void> StaticPodSource::read_all() {
  std::map<std::string, std::string> texts;
  co_await deps_.runtime.run_blocking([this, &texts] { texts = read_files(); });
  std::map<std::string, PodPtr> pods;
  for (const auto& [path, text] : texts) {
    const auto known = texts_.find(path);
    if (known != texts_.end() && known->second == text) {
      if (const auto pod = pods_.find(path); pod != pods_.end()) pods[path] = pod->second;
      continue;
    }
    const ManifestSource source{path, deps_.node_name, time_text(deps_.runtime)};
    auto pod = parse_static_pod(text, source);
    if (pod) {
      pods[path] = std::make_shared<const api::core_v1::Pod>(std::move(*pod));
    } else {
      log::error("A manifest is left out", pod.error(), {{"path", path}});
    }
  }
  texts_ = std::move(texts);
  pods_ = std::move(pods);
  std::vector<PodPtr> all;
  for (const auto& [path, pod] : pods_) {
    const auto same = std::ranges::find_if(all, [&](const PodPtr& other) {
      return other->metadata.name == pod->metadata.name && other->metadata.namespace_ == pod->metadata.namespace_;
    });
    if (same == all.end()) {
      all.push_back(pod);
    } else {
      log::warning("Two manifests name the same pod; the first one counts", {{"pod", pod->metadata.name}, {"path", path}});
    }
  }
  deps_.set(std::move(all));
}

rt::Task<void> StaticPodSource::run(rt::Context ctx) {
  std::vector<std::string> paths;
  paths.push_back(deps_.path);
  // Before the first look, so that no change falls in between.
  auto watcher = deps_.runtime.watch_files(std::move(paths));
  if (!watcher) log::error("Unable to watch the manifests", watcher.error(), {{"path", deps_.path}});
  while (!ctx.done()) {
    co_await read_all();
    if (!watcher) co_return;
    auto changed = co_await (*watcher)->changed(ctx);
    if (!changed) co_return;
  }
}

}  // namespace pintle::kubelet::static_pods
