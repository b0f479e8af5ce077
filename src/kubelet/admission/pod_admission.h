// Whether this node takes a pod that was given to it: upstream's predicates, reasons and messages. A pod that is refused
// fails with them. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "kubelet/types/pressure.h"

namespace pintle::kubelet::admission {

struct PodAdmission {
  bool admitted = true;
  std::string reason;  // of the pod's status: "OutOfcpu", "NodeAffinity", "NodeShutdown" ...
  std::string message;
  // A critical pod that lacks resources alone: admitted once these have been ended ("Preempting").
  std::vector<const api::core_v1::Pod*> preempt;
};

struct PodAdmissionInputs {
  const api::core_v1::Pod& pod;
  const api::core_v1::Node* node = nullptr;      // nullptr: not known
  std::vector<const api::core_v1::Pod*> others;  // active pods of the node, without this one
  Pressure pressure;
  bool shutting_down = false;
  const std::vector<std::string>& allowed_unsafe_sysctls;  // --allowed-unsafe-sysctls; "net.core.*" is a prefix
  bool toleration_comparisons = false;                     // feature TaintTolerationComparisonOperators
  bool app_armor = true;                                   // the kernel enforces profiles
  // What this kubelet declares; nullopt: nobody asks (feature NodeDeclaredFeatures).
  std::optional<std::vector<std::string>> declared_features = {};
  std::set<std::string> handed_out = {};  // resources whose pieces are given to the pod afterwards, or it is refused then
};
PodAdmission admit_pod(const PodAdmissionInputs& inputs);

// Patterns of allowed sysctls must be namespaced; Invalid names the one that is not.
Result<Unit> check_sysctl_patterns(const std::vector<std::string>& patterns);

// Of what a pod is told that is ended for a critical one.
inline constexpr const char* preemption_reason = "Preempting";
inline constexpr const char* preemption_message = "Preempted in order to admit critical pod";

}  // namespace pintle::kubelet::admission
