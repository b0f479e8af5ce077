// RuntimeClient: RuntimeService and ImageService of a container runtime. Errors are gRPC's (net/grpc/code.h), with the call's
// reason: NotFound, Timeout, ServiceUnavailable (no runtime), MethodNotAllowed (a call that this runtime does not know).
// Every call has a deadline of its own (times below) besides that of its context. May be called from any executor; events from the one
// that made it.
#pragma once

#include <memory>
#include <string>

#include "api/gen/cri_v1.h"
#include "base/status.h"
#include "net/grpc/channel.h"
#include "rt/runtime.h"

namespace pintle::cri {

// Upstream's --runtime-request-timeout. StopContainer gets the grace period on top; ExecSync its own timeout; pulls and
// event streams end by their context alone.
constexpr rt::Duration request_timeout_default = std::chrono::minutes(2);
// A sandbox waits for its network plugins.
constexpr int run_sandbox_timeout_factor = 2;

struct RuntimeClientOptions {
  std::string endpoint;        // "unix:///run/containerd/containerd.sock"
  std::string image_endpoint;  // "": the same
  rt::Duration request_timeout = request_timeout_default;
};

constexpr rt::Duration checkpoint_time_max = std::chrono::hours(1);

class RuntimeClient {
 public:
  static Result<std::unique_ptr<RuntimeClient>> make(rt::Runtime& runtime, RuntimeClientOptions options);

  using Context = rt::Context;
  template <class T>
  using Answer = rt::Task<Result<T>>;

  // --- the runtime -----------------------------------------------------------------------------------------------------
  Answer<api::cri_v1::VersionResponse> version(Context ctx);
  Answer<api::cri_v1::StatusResponse> status(Context ctx, bool verbose);
  Answer<api::cri_v1::RuntimeConfigResponse> runtime_config(Context ctx);
  Answer<Unit> update_runtime_config(Context ctx, std::string pod_cidr);

  // --- sandboxes -------------------------------------------------------------------------------------------------------
  // The sandbox's id.
  Answer<std::string> run_pod_sandbox(Context ctx, api::cri_v1::PodSandboxConfig config, std::string runtime_handler);
  Answer<Unit> stop_pod_sandbox(Context ctx, std::string id);
  Answer<Unit> remove_pod_sandbox(Context ctx, std::string id);
  Answer<api::cri_v1::PodSandboxStatusResponse> pod_sandbox_status(Context ctx, std::string id, bool verbose);
  Answer<std::vector<api::cri_v1::PodSandbox>> list_pod_sandboxes(Context ctx, api::cri_v1::PodSandboxFilter filter);
  Answer<Unit> update_pod_sandbox_resources(Context ctx, api::cri_v1::UpdatePodSandboxResourcesRequest request);

  // --- containers ------------------------------------------------------------------------------------------------------
  // The container's id.
  Answer<std::string> create_container(Context ctx, std::string sandbox_id, api::cri_v1::ContainerConfig config,
                                       api::cri_v1::PodSandboxConfig sandbox_config);
  Answer<Unit> start_container(Context ctx, std::string id);
  // The runtime sends the stop signal, and kills after `grace_seconds`.
  Answer<Unit> stop_container(Context ctx, std::string id, int64_t grace_seconds);
  Answer<Unit> remove_container(Context ctx, std::string id);
  Answer<std::vector<api::cri_v1::Container>> list_containers(Context ctx, api::cri_v1::ContainerFilter filter);
  Answer<api::cri_v1::ContainerStatusResponse> container_status(Context ctx, std::string id, bool verbose);
  // `timeout_seconds` below the client's own means that one; at most checkpoint_time_max.
  Answer<Unit> checkpoint_container(Context ctx, api::cri_v1::CheckpointContainerRequest request);
  Answer<Unit> update_container_resources(Context ctx, api::cri_v1::UpdateContainerResourcesRequest request);
  Answer<Unit> reopen_container_log(Context ctx, std::string id);

  // --- processes and streams -------------------------------------------------------------------------------------------
  // `timeout` zero: as long as the context lasts.
  Answer<api::cri_v1::ExecSyncResponse> exec_sync(Context ctx, std::string id, std::vector<std::string> command, rt::Duration timeout);
  // URLs of the runtime's streaming server.
  Answer<std::string> exec(Context ctx, api::cri_v1::ExecRequest request);
  Answer<std::string> attach(Context ctx, api::cri_v1::AttachRequest request);
  Answer<std::string> port_forward(Context ctx, api::cri_v1::PortForwardRequest request);

  // --- statistics ------------------------------------------------------------------------------------------------------
  Answer<std::vector<api::cri_v1::ContainerStats>> list_container_stats(Context ctx, api::cri_v1::ContainerStatsFilter filter);
  Answer<std::vector<api::cri_v1::PodSandboxStats>> list_pod_sandbox_stats(Context ctx, api::cri_v1::PodSandboxStatsFilter filter);

  // --- images ----------------------------------------------------------------------------------------------------------
  Answer<std::vector<api::cri_v1::Image>> list_images(Context ctx);
  // `image` is empty when the runtime does not have it.
  Answer<api::cri_v1::ImageStatusResponse> image_status(Context ctx, api::cri_v1::ImageSpec image, bool verbose);
  // The image's reference (its id or digest).
  Answer<std::string> pull_image(Context ctx, api::cri_v1::PullImageRequest request);
  Answer<Unit> remove_image(Context ctx, api::cri_v1::ImageSpec image);
  Answer<api::cri_v1::ImageFsInfoResponse> image_fs_info(Context ctx);

  // The runtime's connection, for streams (container_events.h).
  net::grpc::Channel& channel() { return *runtime_; }
  rt::Task<void> close();

 private:
  RuntimeClient(std::unique_ptr<net::grpc::Channel> runtime, std::unique_ptr<net::grpc::Channel> images, rt::Duration timeout);
  net::grpc::Channel& image_channel() { return images_ ? *images_ : *runtime_; }
  std::unique_ptr<net::grpc::Channel> runtime_;
  std::unique_ptr<net::grpc::Channel> images_;  // nullptr: the same endpoint
  const rt::Duration timeout_;
};

}  // namespace pintle::cri
