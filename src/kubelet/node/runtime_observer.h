// What the node agent asks of the container runtime.
#pragma once

#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "cri/runtime_client.h"
#include "kubelet/node/node_status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::kubelet::node {

class RuntimeObserver {
 public:
  virtual ~RuntimeObserver() = default;
  // Name, version, conditions, handlers, features. ServiceUnavailable when there is no runtime.
  virtual rt::Task<Result<RuntimeObservation>> observe(rt::Context ctx) = 0;
  // Names (digests, then tags) and sizes.
  virtual rt::Task<Result<std::vector<api::core_v1::ContainerImage>>> images(rt::Context ctx) = 0;
};

// Over CRI; the client outlives it. Any one executor.
class CriObserver final : public RuntimeObserver {
 public:
  explicit CriObserver(cri::RuntimeClient& cri) : cri_(cri) {}
  rt::Task<Result<RuntimeObservation>> observe(rt::Context ctx) override;
  rt::Task<Result<std::vector<api::core_v1::ContainerImage>>> images(rt::Context ctx) override;
  // What it calls itself: "containerd", "cri-o". Asked once.
  rt::Task<Result<std::string>> runtime_name(rt::Context ctx);

 private:
  rt::Task<Result<Unit>> learn_version(rt::Context ctx);
  cri::RuntimeClient& cri_;
  // Asked again after the runtime was away: it may be another one then.
  std::string name_;
  std::string version_;
};

}  // namespace pintle::kubelet::node
