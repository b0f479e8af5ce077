// LifecycleHooks: runs postStart and preStop handlers: exec in the container, HTTP GET to the pod, TCP connect, sleep.
#pragma once

#include <memory>
#include <string>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "cri/runtime_client.h"
#include "kubelet/types/pod.h"
#include "net/http.h"
#include "rt/runtime.h"

namespace pintle::kubelet::hooks {

struct HookTarget {
  PodPtr pod;
  std::string container;
  std::string container_id;
  std::string pod_ip;
};

class LifecycleHooks {
 public:
  LifecycleHooks(rt::Runtime& runtime, cri::RuntimeClient& cri);
  ~LifecycleHooks();
  // Returns when the handler has: an error is what it failed with, for the event.
  rt::Task<Result<Unit>> run(rt::Context ctx, HookTarget target, api::core_v1::LifecycleHandler handler);
  rt::Task<void> close();

 private:
  rt::Task<Result<Unit>> run_http(rt::Context ctx, HookTarget target, api::core_v1::HTTPGetAction action);
  rt::Runtime& runtime_;
  cri::RuntimeClient& cri_;
  std::unique_ptr<net::Transport> transport_;  // made at the first HTTP handler
};

}  // namespace pintle::kubelet::hooks
