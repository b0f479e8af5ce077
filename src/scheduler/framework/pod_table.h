// PodTable: what pods of one template have in common, once: each PodLabels and PodDemands as long as a pod has it. Belongs to the scheduler's
// executor; what it gave may outlive it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/text_map.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler {

// Values by a text that tells them apart.
template <class T>
class SharedValues {
 public:
  template <class Make>
  std::shared_ptr<const T> get(std::string key, Make make) {
    const auto [at, fresh] = known_->try_emplace(std::move(key));
    if (!fresh) return at->second.lock();
    std::shared_ptr<const T> out(new T(make()), [known = known_, key = &at->first](const T* gone) {
      known->erase(known->find(*key));
      delete gone;
    });
    at->second = out;
    return out;
  }
  std::size_t size() const { return known_->size(); }

 private:
  std::shared_ptr<TextMap<std::weak_ptr<const T>>> known_ = std::make_shared<TextMap<std::weak_ptr<const T>>>();
};

class PodTable {
 public:
  // `before`: of the same pod at an earlier time, when it had its node too (nullptr: none), handed out again if it is the same still. Of what
  // a pod on a node demands its requests alone can change.
  PodLabelsPtr labels_of(const Pod& pod, const PlacedPod* before);
  PodDemandsPtr demands_of(const Pod& pod, const PlacedPod* before);
  std::size_t size() const { return labels_.size() + demands_.size(); }

 private:
  SharedValues<PodLabels> labels_;
  SharedValues<PodDemands> demands_;
};

}  // namespace pintle::scheduler
