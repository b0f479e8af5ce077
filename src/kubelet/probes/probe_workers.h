// The ProbeManager of a kubelet: a task for each probe of each running container.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kubelet/probes/probe_manager.h"
#include "kubelet/probes/prober.h"
#include "rt/runtime.h"

namespace pintle::kubelet::probes {

struct ProbeDeps {
  rt::Runtime& runtime;
  ExecInContainer exec;
  // A warning event about a container: "Unhealthy", "ProbeWarning".
  std::function<void(const api::core_v1::Pod& pod, const std::string& container, std::string_view reason, std::string message)> warn;
};

std::unique_ptr<ProbeManager> make_probe_manager(ProbeDeps deps);

}  // namespace pintle::kubelet::probes
