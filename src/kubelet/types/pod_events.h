// PodEvents: events about a pod or one of its containers, as the kubelet tells them.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "client/event_recorder.h"

namespace pintle::kubelet {

class PodEvents {
 public:
  // nullptr: nobody to tell (no API server).
  explicit PodEvents(client::EventRecorder* recorder) : recorder_(recorder) {}
  // `container` "": about the pod.
  void normal(const api::core_v1::Pod& pod, std::string_view container, std::string_view reason, std::string message);
  void warning(const api::core_v1::Pod& pod, std::string_view container, std::string_view reason, std::string message,
               FlatMap<std::string> annotations = {});
  client::EventRecorder* recorder() { return recorder_; }

 private:
  client::EventRecorder* recorder_;
};

// The reference with field path "spec.containers{NAME}" (initContainers, ephemeralContainers).
api::core_v1::ObjectReference container_reference(const api::core_v1::Pod& pod, std::string_view container);

}  // namespace pintle::kubelet
