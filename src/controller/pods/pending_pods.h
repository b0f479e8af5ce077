// PendingPods: what a controller has done to its pods and has not seen in its informer yet: pods created are added to
// what is seen, pods told to go count as going. So the next round starts from what is, without waiting for the watch and
// without expectations that time out. By the owner's uid.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/pods/pod_state.h"
#include "controller/pods/pod_store.h"

namespace pintle::controller::pods {

// A pod may have been made and have gone while the informer was cut off: then no event ever tells of it, and whoever made it looks again after this.
inline constexpr rt::Duration unseen_pods_wait = std::chrono::seconds(30);

class PendingPods {
 public:
  explicit PendingPods(PodStore& store) : store_(store) {}
  void created(const std::string& owner_uid, api::core_v1::Pod pod);
  void deleted(const std::string& owner_uid, const api::core_v1::Pod& pod);
  void forget(const std::string& owner_uid) { owners_.erase(owner_uid); }

  // The owner's pods: `seen`, those told to go with a deletion timestamp, and those created that were not seen yet.
  std::vector<PodPtr> merge(const std::string& owner_uid, std::vector<PodPtr> seen);
  // The owner's pods that were created and are not seen yet.
  std::vector<PodPtr> unseen(const std::string& owner_uid) { return merge(owner_uid, {}); }
  // The pod, with a deletion timestamp where it was told to go.
  PodPtr known(const std::string& owner_uid, PodPtr pod) const;
  // Whether pods that were created are not seen yet.
  bool awaits(const std::string& owner_uid) const {
    const auto it = owners_.find(owner_uid);
    return it != owners_.end() && !it->second.created.empty();
  }

 private:
  struct Owner {
    std::map<std::string, PodPtr> created;                 // by key
    std::unordered_map<std::string, std::string> deleted;  // uid → key
  };
  PodStore& store_;
  std::unordered_map<std::string, Owner> owners_;
};

}  // namespace pintle::controller::pods
