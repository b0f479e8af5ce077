// ImageCollector: removes images that nobody uses: when their disk fills up, when they were unused for long, or all of them at once
// when the node is short of disk. Never those that a container, a sandbox or a volume is made of, nor what the runtime has pinned.
// Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "cri/runtime_client.h"
#include "kubelet/images/image_access.h"
#include "kubelet/images/image_plan.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::images {

// Upstream looks this often; here nothing is asked of the runtime while the disk has room and no pod has changed.
constexpr rt::Duration image_look_every = std::chrono::minutes(5);

struct ImageCollectorDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  // A warning event about the node.
  std::function<void(std::string_view reason, std::string message)> warn;
  // Names of images that volumes of pods are made of.
  std::function<std::vector<std::string>()> volume_images;
  // Moves when a pod was looked at.
  std::function<uint64_t()> pod_changes;
  // Keeps the records of images; nullptr: there are none.
  ImageAccess* access = nullptr;
  // Images were removed.
  std::function<void()> changed;
};

class ImageCollector {
 public:
  ImageCollector(ImageCollectorDeps deps, ImagePolicy policy);

  // Whether collect() has something to look at, `disk` being the one of the images.
  bool is_due(const std::optional<SignalValue>& disk) const;
  // One look: what is too old goes, and as much as the disk needs. What fails is told in events, as upstream does.
  rt::Task<void> collect(rt::Context ctx, std::optional<SignalValue> disk);
  // Every unused image that is old enough goes; bytes that their sizes add up to.
  rt::Task<Result<uint64_t>> remove_unused(rt::Context ctx);

  // Images removed, by "age" or "space".
  const std::map<std::string, uint64_t>& removed() const { return removed_; }

 private:
  rt::Task<Result<std::vector<ImageRecord>>> look(rt::Context ctx);
  rt::Task<Result<std::set<std::string>>> used_images(rt::Context ctx);
  rt::Task<Result<Unit>> collect_now(rt::Context ctx, std::optional<SignalValue> disk);
  rt::Task<Result<Unit>> remove_aged(rt::Context ctx, std::vector<ImageRecord>& unused);
  rt::Task<Result<uint64_t>> free_space(rt::Context ctx, std::vector<ImageRecord> unused, uint64_t wanted_bytes);
  rt::Task<Result<Unit>> remove(rt::Context ctx, ImageRecord image, std::string why);

  ImageCollectorDeps deps_;
  const ImagePolicy policy_;
  const rt::TimePoint began_;
  ImageRecords records_;
  std::map<std::string, uint64_t> removed_;
  rt::AsyncMutex working_;
  std::optional<rt::TimePoint> next_;     // nullopt: at once
  std::optional<uint64_t> seen_changes_;  // at the last look
  bool was_full_ = false;
  bool failed_before_ = false;
};

}  // namespace pintle::kubelet::images
