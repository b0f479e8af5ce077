// StatusManager: brings the statuses of pods to the API: the newest one of each pod, only what changed, by a patch of the
// status subresource; failures are tried again with backoff. What others write over it (a controller that made the pods of a silent
// node not ready) is put right as soon as it is seen. Belongs to the kubelet's executor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "kubelet/sources/pod_config.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::status {

class StatusManager {
 public:
  // `client` nullptr: statuses are only kept. Both outlive it.
  StatusManager(rt::Runtime& runtime, client::Client* client, const sources::PodConfig& config);

  // The status of a pod (its mirror in the API, if it is a static one).
  void set(PodPtr pod, api::core_v1::PodStatus status);
  // nullptr before the first set().
  const api::core_v1::PodStatus* get(std::string_view uid) const;
  // Waits until the API has the newest status (or the pod is gone there).
  rt::Task<Result<Unit>> flush(rt::Context ctx, std::string uid);
  // A mirror has appeared: it gets the status of its pod.
  void mirror_appeared(const PodPtr& pod);
  void forget(std::string_view uid);
  rt::Task<void> stop();

 private:
  struct Entry {
    PodPtr pod;
    api::core_v1::PodStatus status;
    std::optional<api::core_v1::PodStatus> sent;  // what the API answered last
    std::string sent_to;                          // uid of the object in the API
    uint64_t sent_revision = 0;                   // of that answer: what is older is our own past
    uint64_t version = 0;                         // of status
    uint64_t sent_version = 0;
    bool sending = false;
    rt::Event changed;  // sent_version moved, or the pod is gone
  };
  using EntryPtr = std::shared_ptr<Entry>;

  void kick(EntryPtr entry);
  rt::Task<void> send_loop(EntryPtr entry);
  rt::Task<Result<Unit>> send(EntryPtr entry);
  PodPtr target_of(const Entry& entry) const;
  // Whether the API now says something else than was sent; then it is what the next patch starts from.
  bool overwritten(Entry& entry) const;

  rt::Runtime& runtime_;
  client::Client* client_;
  const sources::PodConfig& config_;
  std::map<std::string, EntryPtr, std::less<>> entries_;
  rt::TaskGroup tasks_;
};

// The strategic merge patch that turns `before` into `after`, conditions of others left alone; "" if there is nothing to say. Pure.
std::string status_patch(std::string_view uid, const api::core_v1::PodStatus& before, const api::core_v1::PodStatus& after);

}  // namespace pintle::kubelet::status
