#include "cri/runtime_client.h"

#include "cri/typed_call.h"
#include "rt/far_time.h"

namespace pintle::cri {

using namespace api::cri_v1;

namespace {

constexpr std::string_view runtime_service = "/runtime.v1.RuntimeService/";
constexpr std::string_view image_service = "/runtime.v1.ImageService/";
std::string runtime_method(std::string_view name) { return std::string(runtime_service).append(name); }
std::string image_method(std::string_view name) { return std::string(image_service).append(name); }

// CRI's timeouts are whole seconds, and zero is none: never less than asked.
int64_t whole_seconds(rt::Duration timeout) { return std::chrono::ceil<std::chrono::seconds>(timeout).count(); }
// The runtime ends the process at its timeout; the call waits a little longer for that answer.
rt::Duration exec_deadline(rt::Duration timeout, rt::Duration request_timeout) {
  return timeout > rt::Duration(0) ? timeout + request_timeout : rt::Duration(0);
}

}  // namespace

Result<std::unique_ptr<RuntimeClient>> RuntimeClient::make(rt::Runtime& runtime, RuntimeClientOptions options) {
  net::grpc::ChannelOptions at;
  at.target = options.endpoint;
  TRY_ASSIGN(auto runtime_channel, net::grpc::Channel::make(runtime, at));
  std::unique_ptr<net::grpc::Channel> images;
  if (!options.image_endpoint.empty() && options.image_endpoint != options.endpoint) {
    at.target = options.image_endpoint;
    TRY_ASSIGN(images, net::grpc::Channel::make(runtime, at));
  }
  return std::unique_ptr<RuntimeClient>(new RuntimeClient(std::move(runtime_channel), std::move(images), options.request_timeout));
}

RuntimeClient::RuntimeClient(std::unique_ptr<net::grpc::Channel> runtime, std::unique_ptr<net::grpc::Channel> images, rt::Duration timeout)
    : runtime_(std::move(runtime)), images_(std::move(images)), timeout_(timeout) {}

rt::Task<void> RuntimeClient::close() {
  co_await runtime_->close();
  if (images_) co_await images_->close();
}

RuntimeClient::Answer<VersionResponse> RuntimeClient::version(Context ctx) {
  VersionRequest request;
  return call<VersionResponse>(*runtime_, ctx, timeout_, runtime_method("Version"), encode(request));
}

RuntimeClient::Answer<StatusResponse> RuntimeClient::status(Context ctx, bool verbose) {
  StatusRequest request;
  request.verbose = verbose;
  return call<StatusResponse>(*runtime_, ctx, timeout_, runtime_method("Status"), encode(request));
}

RuntimeClient::Answer<RuntimeConfigResponse> RuntimeClient::runtime_config(Context ctx) {
  RuntimeConfigRequest request;
  return call<RuntimeConfigResponse>(*runtime_, ctx, timeout_, runtime_method("RuntimeConfig"), encode(request));
}

RuntimeClient::Answer<Unit> RuntimeClient::update_runtime_config(Context ctx, std::string pod_cidr) {
  UpdateRuntimeConfigRequest request;
  request.runtime_config.emplace().network_config.emplace().pod_cidr = std::move(pod_cidr);
  CO_TRY(co_await call<UpdateRuntimeConfigResponse>(*runtime_, ctx, timeout_, runtime_method("UpdateRuntimeConfig"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<std::string> RuntimeClient::run_pod_sandbox(Context ctx, PodSandboxConfig config, std::string runtime_handler) {
  RunPodSandboxRequest request;
  request.config = std::move(config);
  request.runtime_handler = std::move(runtime_handler);
  CO_TRY_ASSIGN(auto answer, co_await call<RunPodSandboxResponse>(*runtime_, ctx, timeout_ * run_sandbox_timeout_factor,
                                                                  runtime_method("RunPodSandbox"), encode(request)));
  co_return std::move(answer.pod_sandbox_id);
}

RuntimeClient::Answer<Unit> RuntimeClient::stop_pod_sandbox(Context ctx, std::string id) {
  StopPodSandboxRequest request;
  request.pod_sandbox_id = std::move(id);
  CO_TRY(co_await call<StopPodSandboxResponse>(*runtime_, ctx, timeout_, runtime_method("StopPodSandbox"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<Unit> RuntimeClient::remove_pod_sandbox(Context ctx, std::string id) {
  RemovePodSandboxRequest request;
  request.pod_sandbox_id = std::move(id);
  CO_TRY(co_await call<RemovePodSandboxResponse>(*runtime_, ctx, timeout_, runtime_method("RemovePodSandbox"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<PodSandboxStatusResponse> RuntimeClient::pod_sandbox_status(Context ctx, std::string id, bool verbose) {
  PodSandboxStatusRequest request;
  request.pod_sandbox_id = std::move(id);
  request.verbose = verbose;
  return call<PodSandboxStatusResponse>(*runtime_, ctx, timeout_, runtime_method("PodSandboxStatus"), encode(request));
}

RuntimeClient::Answer<std::vector<PodSandbox>> RuntimeClient::list_pod_sandboxes(Context ctx, PodSandboxFilter filter) {
  ListPodSandboxRequest request;
  request.filter = std::move(filter);
  CO_TRY_ASSIGN(auto answer, co_await call<ListPodSandboxResponse>(*runtime_, ctx, timeout_, runtime_method("ListPodSandbox"), encode(request)));
  co_return std::move(answer.items);
}

RuntimeClient::Answer<Unit> RuntimeClient::update_pod_sandbox_resources(Context ctx, UpdatePodSandboxResourcesRequest request) {
  CO_TRY(co_await call<UpdatePodSandboxResourcesResponse>(*runtime_, ctx, timeout_, runtime_method("UpdatePodSandboxResources"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<std::string> RuntimeClient::create_container(Context ctx, std::string sandbox_id, ContainerConfig config,
                                                                   PodSandboxConfig sandbox_config) {
  CreateContainerRequest request;
  request.pod_sandbox_id = std::move(sandbox_id);
  request.config = std::move(config);
  request.sandbox_config = std::move(sandbox_config);
  CO_TRY_ASSIGN(auto answer, co_await call<CreateContainerResponse>(*runtime_, ctx, timeout_, runtime_method("CreateContainer"), encode(request)));
  co_return std::move(answer.container_id);
}

RuntimeClient::Answer<Unit> RuntimeClient::start_container(Context ctx, std::string id) {
  StartContainerRequest request;
  request.container_id = std::move(id);
  CO_TRY(co_await call<StartContainerResponse>(*runtime_, ctx, timeout_, runtime_method("StartContainer"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<Unit> RuntimeClient::stop_container(Context ctx, std::string id, int64_t grace_seconds) {
  StopContainerRequest request;
  request.container_id = std::move(id);
  request.timeout = rt::bounded_seconds(grace_seconds);  // the runtime reckons in nanoseconds too
  CO_TRY(co_await call<StopContainerResponse>(*runtime_, ctx, timeout_ + rt::seconds_of(grace_seconds), runtime_method("StopContainer"),
                                              encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<Unit> RuntimeClient::remove_container(Context ctx, std::string id) {
  RemoveContainerRequest request;
  request.container_id = std::move(id);
  CO_TRY(co_await call<RemoveContainerResponse>(*runtime_, ctx, timeout_, runtime_method("RemoveContainer"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<std::vector<Container>> RuntimeClient::list_containers(Context ctx, ContainerFilter filter) {
  ListContainersRequest request;
  request.filter = std::move(filter);
  CO_TRY_ASSIGN(auto answer, co_await call<ListContainersResponse>(*runtime_, ctx, timeout_, runtime_method("ListContainers"), encode(request)));
  co_return std::move(answer.containers);
}

RuntimeClient::Answer<ContainerStatusResponse> RuntimeClient::container_status(Context ctx, std::string id, bool verbose) {
  ContainerStatusRequest request;
  request.container_id = std::move(id);
  request.verbose = verbose;
  return call<ContainerStatusResponse>(*runtime_, ctx, timeout_, runtime_method("ContainerStatus"), encode(request));
}

RuntimeClient::Answer<Unit> RuntimeClient::update_container_resources(Context ctx, UpdateContainerResourcesRequest request) {
  CO_TRY(co_await call<UpdateContainerResourcesResponse>(*runtime_, ctx, timeout_, runtime_method("UpdateContainerResources"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<Unit> RuntimeClient::checkpoint_container(Context ctx, CheckpointContainerRequest request) {
  const int64_t wanted = std::min<int64_t>(request.timeout, whole_seconds(checkpoint_time_max));
  const rt::Duration time = std::max<rt::Duration>(timeout_, std::chrono::seconds(std::max<int64_t>(wanted, 0)));
  request.timeout = whole_seconds(time);
  CO_TRY(co_await call<CheckpointContainerResponse>(*runtime_, ctx, time, runtime_method("CheckpointContainer"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<Unit> RuntimeClient::reopen_container_log(Context ctx, std::string id) {
  ReopenContainerLogRequest request;
  request.container_id = std::move(id);
  CO_TRY(co_await call<ReopenContainerLogResponse>(*runtime_, ctx, timeout_, runtime_method("ReopenContainerLog"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<ExecSyncResponse> RuntimeClient::exec_sync(Context ctx, std::string id, std::vector<std::string> command,
                                                                 rt::Duration timeout) {
  ExecSyncRequest request;
  request.container_id = std::move(id);
  request.cmd = std::move(command);
  request.timeout = whole_seconds(timeout);
  return call<ExecSyncResponse>(*runtime_, ctx, exec_deadline(timeout, timeout_), runtime_method("ExecSync"), encode(request));
}

RuntimeClient::Answer<std::string> RuntimeClient::exec(Context ctx, ExecRequest request) {
  CO_TRY_ASSIGN(auto answer, co_await call<ExecResponse>(*runtime_, ctx, timeout_, runtime_method("Exec"), encode(request)));
  co_return std::move(answer.url);
}

RuntimeClient::Answer<std::string> RuntimeClient::attach(Context ctx, AttachRequest request) {
  CO_TRY_ASSIGN(auto answer, co_await call<AttachResponse>(*runtime_, ctx, timeout_, runtime_method("Attach"), encode(request)));
  co_return std::move(answer.url);
}

RuntimeClient::Answer<std::string> RuntimeClient::port_forward(Context ctx, PortForwardRequest request) {
  CO_TRY_ASSIGN(auto answer, co_await call<PortForwardResponse>(*runtime_, ctx, timeout_, runtime_method("PortForward"), encode(request)));
  co_return std::move(answer.url);
}

RuntimeClient::Answer<std::vector<ContainerStats>> RuntimeClient::list_container_stats(Context ctx, ContainerStatsFilter filter) {
  ListContainerStatsRequest request;
  request.filter = std::move(filter);
  CO_TRY_ASSIGN(auto answer,
                co_await call<ListContainerStatsResponse>(*runtime_, ctx, timeout_, runtime_method("ListContainerStats"), encode(request)));
  co_return std::move(answer.stats);
}

RuntimeClient::Answer<std::vector<PodSandboxStats>> RuntimeClient::list_pod_sandbox_stats(Context ctx, PodSandboxStatsFilter filter) {
  ListPodSandboxStatsRequest request;
  request.filter = std::move(filter);
  CO_TRY_ASSIGN(auto answer,
                co_await call<ListPodSandboxStatsResponse>(*runtime_, ctx, timeout_, runtime_method("ListPodSandboxStats"), encode(request)));
  co_return std::move(answer.stats);
}

RuntimeClient::Answer<std::vector<Image>> RuntimeClient::list_images(Context ctx) {
  ListImagesRequest request;
  CO_TRY_ASSIGN(auto answer, co_await call<ListImagesResponse>(image_channel(), ctx, timeout_, image_method("ListImages"), encode(request)));
  co_return std::move(answer.images);
}

RuntimeClient::Answer<ImageStatusResponse> RuntimeClient::image_status(Context ctx, ImageSpec image, bool verbose) {
  ImageStatusRequest request;
  request.image = std::move(image);
  request.verbose = verbose;
  return call<ImageStatusResponse>(image_channel(), ctx, timeout_, image_method("ImageStatus"), encode(request));
}

RuntimeClient::Answer<std::string> RuntimeClient::pull_image(Context ctx, PullImageRequest request) {
  CO_TRY_ASSIGN(auto answer, co_await call<PullImageResponse>(image_channel(), ctx, rt::Duration(0), image_method("PullImage"), encode(request)));
  co_return std::move(answer.image_ref);
}

RuntimeClient::Answer<Unit> RuntimeClient::remove_image(Context ctx, ImageSpec image) {
  RemoveImageRequest request;
  request.image = std::move(image);
  CO_TRY(co_await call<RemoveImageResponse>(image_channel(), ctx, timeout_, image_method("RemoveImage"), encode(request)));
  co_return Unit{};
}

RuntimeClient::Answer<ImageFsInfoResponse> RuntimeClient::image_fs_info(Context ctx) {
  ImageFsInfoRequest request;
  return call<ImageFsInfoResponse>(image_channel(), ctx, timeout_, image_method("ImageFsInfo"), encode(request));
}

}  // namespace pintle::cri
