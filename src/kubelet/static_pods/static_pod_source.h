// StaticPodSource: the static pods of a folder (or of one file), followed as it changes. Files whose names begin with a dot
// are left out; one that cannot be read as a pod is logged, and the others count. Belongs to one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::static_pods {

constexpr std::size_t manifest_bytes_max = 10 << 20;

struct StaticPodDeps {
  rt::Runtime& runtime;
  std::string path;  // staticPodPath
  std::string node_name;
  // Every static pod that there is; called at the start (with none, if there are none) and after each change.
  std::function<void(std::vector<PodPtr> pods)> set;
};

class StaticPodSource {
 public:
  explicit StaticPodSource(StaticPodDeps deps) : deps_(std::move(deps)) {}
  void start() { tasks_.spawn(run(tasks_.context())); }
  rt::Task<void> stop() { co_await tasks_.close(); }

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> read_all();
  std::map<std::string, std::string> read_files();

  StaticPodDeps deps_;
  std::map<std::string, std::string> texts_;  // by path; a file that is the same keeps its pod
  std::map<std::string, PodPtr> pods_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::static_pods
