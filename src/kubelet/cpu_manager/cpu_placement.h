// CpuPlacement: keeps running containers where CpuManager wants them: when what is shared becomes more or less, the runtime is told for each
// container that runs elsewhere. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cri/runtime_client.h"

namespace pintle::kubelet::cpu_manager {

struct PlacedContainer {
  std::string id;
  std::string cpus;  // where it shall run
};

class CpuPlacement {
 public:
  explicit CpuPlacement(cri::RuntimeClient& cri) : cri_(cri) {}
  // `running`: all that do. What the runtime does not take is tried again by the next call.
  rt::Task<void> place(rt::Context ctx, std::vector<PlacedContainer> running);

 private:
  cri::RuntimeClient& cri_;
  std::map<std::string, std::string> told_;  // by id
};

}  // namespace pintle::kubelet::cpu_manager
