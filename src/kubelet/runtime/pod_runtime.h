// PodRuntime: carries out what a plan says, by calls to the runtime: sandboxes, containers with their hooks, kills in order and with
// grace. Says what it does in events. Stateless but for its parts; belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "base/expected.h"
#include "cri/runtime_client.h"
#include "kubelet/container_config/configurator.h"
#include "kubelet/hooks/lifecycle_hooks.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/runtime/plan.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_events.h"
#include "kubelet/types/pod_state.h"
#include "kubelet/types/waiting_reason.h"
#include "rt/runtime.h"

namespace pintle::kubelet::runtime {

constexpr int64_t minimum_grace_seconds = 2;  // that a container keeps after its preStop hook

struct PodRuntimeDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  container_config::Configurator& configurator;
  images::ImagePuller& images;
  hooks::LifecycleHooks& hooks;
  PodEvents& events;
  Paths paths;
  std::string container_logs_dir;  // "": no links
  // The runtime's handler of a runtime class; an error if there is no such class.
  std::function<rt::Task<Result<std::string>>(rt::Context, std::string runtime_class)> runtime_handler;
  std::function<std::vector<std::string>()> node_ips;
  std::function<container_config::NodeConfig()> node;
};

struct StartRequest {
  PodPtr pod;
  ContainerStart start;
  std::string sandbox_id;
  uint32_t sandbox_attempt = 0;
  std::vector<std::string> sandbox_ips;
  std::string target_container_id;  // of an ephemeral container
};

struct KillRequest {
  PodPtr pod;
  RuntimeContainer container;
  KillReason reason = KillReason::Stopping;
  std::vector<std::string> sandbox_ips;  // PodState::ips_of: where its preStop hook calls
  std::string message;                   // ""; "Stopping container NAME"
  std::optional<int64_t> grace_seconds;  // instead of the pod's own
};

class PodRuntime {
 public:
  explicit PodRuntime(PodRuntimeDeps deps);

  // Runs a sandbox. An error is told in an event (FailedCreatePodSandBox).
  rt::Task<Result<std::string>> create_sandbox(rt::Context ctx, PodPtr pod, uint32_t attempt);
  // Pulls, creates, starts, runs the postStart hook. The error is why the container waits.
  rt::Task<Expected<std::string, WaitingReason>> start_container(rt::Context ctx, StartRequest request);
  // preStop hook, stop signal, and SIGKILL after the grace period. Returns when the container has stopped.
  rt::Task<Result<Unit>> kill_container(rt::Context ctx, KillRequest request);
  // Removes a container, ended before if it is to be (`kill`). The log of the newest of its name stays, earlier ones go.
  rt::Task<Result<Unit>> reset_container(rt::Context ctx, KillRequest request, bool kill, bool newest);
  // Gives a running container the resources of the spec.
  rt::Task<Result<Unit>> update_resources(rt::Context ctx, PodPtr pod, std::string container, std::string container_id);
  // Tells the runtime what the pod as a whole has by now. A runtime that does not know the call needs none.
  rt::Task<Result<Unit>> update_sandbox_resources(rt::Context ctx, PodPtr pod, std::string sandbox_id);
  // Every container in kill_order(), then the sandboxes.
  rt::Task<Result<Unit>> kill_pod(rt::Context ctx, PodPtr pod, PodState state, std::optional<int64_t> grace_seconds);
  // Removes everything of the pod from the runtime, and its logs. Nothing runs any more.
  rt::Task<Result<Unit>> remove_pod(rt::Context ctx, PodState state, std::string namespace_name, std::string name);
  // Removes dead containers (the newest and one before it stay) and sandboxes that nothing belongs to any more.
  rt::Task<void> collect_garbage(rt::Context ctx, PodState state, std::string namespace_name, std::string name);

 private:
  rt::Task<Expected<std::string, WaitingReason>> create_and_start(rt::Context ctx, StartRequest request, images::PulledImage image,
                                                                  api::cri_v1::PodSandboxConfig sandbox);
  // The images of the image volumes that the container mounts, by the volume's name.
  rt::Task<Expected<FlatMap<std::string>, WaitingReason>> pull_image_volumes(rt::Context ctx, PodPtr pod, std::string container,
                                                                             api::cri_v1::PodSandboxConfig sandbox);
  rt::Task<Result<Unit>> run_post_start(rt::Context ctx, StartRequest request, std::string container_id);
  rt::Task<int64_t> run_pre_stop(rt::Context ctx, KillRequest request, int64_t grace_seconds);
  // Where hooks of the pod call; "": not known.
  std::string hook_address(const api::core_v1::Pod& pod, const std::vector<std::string>& sandbox_ips) const;
  rt::Task<void> link_log(StartRequest request, std::string container_id);
  rt::Task<Result<Unit>> remove_container(rt::Context ctx, RuntimeContainer container, std::string namespace_name, std::string name);

  PodRuntimeDeps deps_;
};

// The seconds that a container gets to end.
int64_t grace_seconds_of(const api::core_v1::Pod& pod, const KillRequest& request);

}  // namespace pintle::kubelet::runtime
