// Which images go when their disk fills up or when nobody has used them for long. Upstream's policy and messages. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/gen/cri_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "kubelet/types/pressure.h"
#include "rt/clock.h"

namespace pintle::kubelet::images {

struct ImagePolicy {
  int high_percent = 85;                           // of their disk: from here on images are removed
  int low_percent = 80;                            // until no more than this is used
  rt::Duration min_age = std::chrono::minutes(2);  // of an image that may go: what was just pulled is about to be used
  rt::Duration max_age{};                          // unused for longer: it goes, however empty the disk is; zero: never
  std::set<std::string> pinned;                    // names of images that stay, besides what the runtime has pinned
  bool collects() const { return high_percent < 100 || max_age > rt::Duration(0); }
};
// Invalid: percentages that are none, or the wrong way round.
Result<ImagePolicy> image_policy(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

struct ImageRecord {
  std::string id;
  std::string runtime_handler;
  uint64_t size_bytes = 0;
  bool pinned = false;
  bool used = false;                       // at the last look
  std::optional<rt::TimePoint> last_used;  // nullopt: never yet
  rt::TimePoint first_seen{};
};

void pin(std::vector<api::cri_v1::Image>& images, const std::set<std::string>& names);

// What the images of the node were used for, from look to look.
class ImageRecords {
 public:
  // `used`: ids, digests or names of images that a container, a sandbox or a volume is made of.
  void look(const std::vector<api::cri_v1::Image>& images, const std::set<std::string>& used, rt::TimePoint now);
  void removed(const std::string& id) { records_.erase(id); }
  // Those that may go at all, the least recently used first.
  std::vector<ImageRecord> unused() const;
  // When the youngest unused image, or the one after it, may go; nullopt: none waits.
  std::optional<rt::TimePoint> next_of_age(const ImagePolicy& policy, rt::TimePoint now) const;

 private:
  std::map<std::string, ImageRecord> records_;
};

bool is_old_enough(const ImageRecord& image, const ImagePolicy& policy, rt::TimePoint now);
// Images that were unused for too long. None before the kubelet (since `began`) can know that.
std::vector<ImageRecord> aged_images(const std::vector<ImageRecord>& unused, const ImagePolicy& policy, rt::TimePoint began, rt::TimePoint now);

int used_percent(const SignalValue& disk);
// 0: the disk is not full enough.
uint64_t bytes_to_free(const SignalValue& disk, const ImagePolicy& policy);
// What is said when images alone could not free that much.
std::string too_little_freed(const SignalValue& disk, uint64_t freed_bytes);

// The image of sandboxes, in what the runtime says about its configuration (containerd's status "config"); "": it does not say.
std::string sandbox_image(const FlatMap<std::string>& runtime_info);

}  // namespace pintle::kubelet::images
