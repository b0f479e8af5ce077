// PodConfig: which pods this node shall run, from all sources. Each source states everything that it wants at once. Belongs to the
// kubelet's executor. The mirrors of static pods come in through the source "api" and are never run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/types/pod.h"

namespace pintle::kubelet::sources {

class PodConfig {
 public:
  // Told with a pod that is new or changed (`removed` false), or that its source dropped. Of one set(): what was dropped, then pods
  // that this node has taken before (status.startTime), then the others by age.
  using Listener = std::function<void(const PodPtr& pod, bool removed)>;
  void on_change(Listener listener) { listener_ = std::move(listener); }

  // `complete`: the source has told everything once; nothing is cleaned up before all sources that are expected have.
  void set(const std::string& source, std::vector<PodPtr> pods);
  void expect(const std::string& source) { expected_[source]; }
  bool complete() const;

  // Pods to run, by uid.
  const std::map<std::string, PodPtr, std::less<>>& pods() const { return pods_; }
  PodPtr find(std::string_view uid) const;
  PodPtr find(std::string_view namespace_name, std::string_view name) const;
  // The API's mirror of a static pod; nullptr: none.
  PodPtr mirror_of(const api::core_v1::Pod& pod) const;
  const std::map<std::string, PodPtr, std::less<>>& mirrors() const { return mirrors_; }  // by full name

 private:
  struct Source {
    bool told = false;
    std::map<std::string, PodPtr> pods;
  };
  std::map<std::string, Source> expected_;
  std::map<std::string, PodPtr, std::less<>> pods_;
  std::map<std::string, PodPtr, std::less<>> mirrors_;
  Listener listener_;
};

}  // namespace pintle::kubelet::sources
