// EventRecorder: core/v1 Events about objects, sent in the background, with client-go's aggregation: the same event again
// raises `count`; many that differ in their message alone become one "(combined from similar events)"; a source that
// says too much about one object is held back. Belongs to one executor; nothing waits for it.
#pragma once

#include <memory>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "client/object_store.h"

namespace pintle::client {

struct EventSource {
  std::string component;  // "kubelet", "deployment-controller"
  std::string host;       // the node's name, for the kubelet
};

// A reference to an object as events and owners name it.
api::core_v1::ObjectReference reference_to(const api::Type& type, const void* object);
template <class T>
api::core_v1::ObjectReference reference_to(const T& object) {
  return reference_to(api::type_of<T>(), &object);
}

class EventRecorder {
 public:
  EventRecorder(Client& client, EventSource source);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  void normal(const api::core_v1::ObjectReference& about, std::string_view reason, std::string message);
  // `annotations`: of the event.
  void warning(const api::core_v1::ObjectReference& about, std::string_view reason, std::string message, FlatMap<std::string> annotations = {});
  template <class T>
    requires requires(const T& t) { t.metadata; }
  void normal(const T& about, std::string_view reason, std::string message) {
    normal(reference_to(about), reason, std::move(message));
  }
  template <class T>
    requires requires(const T& t) { t.metadata; }
  void warning(const T& about, std::string_view reason, std::string message) {
    warning(reference_to(about), reason, std::move(message));
  }
  // Sends what is queued (at most a short while), then ends.
  rt::Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pintle::client
