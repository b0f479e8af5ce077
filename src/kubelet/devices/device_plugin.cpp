#include "kubelet/devices/device_plugin.h"

#include "os/path.h"
#include "os/socket_file.h"

namespace pintle::kubelet::devices {

using namespace api::deviceplugin_v1beta1;

namespace {

std::string method(std::string_view name) { return std::string("/v1beta1.DevicePlugin/").append(name); }

std::vector<std::string> listed(const DeviceIds& ids) { return {ids.begin(), ids.end()}; }

}  // namespace

Result<std::shared_ptr<DevicePlugin>> DevicePlugin::open_below(const std::string& folder, const std::string& path) {
  TRY_ASSIGN(auto opened, os::open_socket_below(folder, path));
  auto out = std::make_shared<DevicePlugin>();
  out->socket_ = std::move(opened.fd);
  out->target_ = os::fd_path(out->socket_.get());
  return out;
}

std::shared_ptr<DevicePlugin> DevicePlugin::at(std::string path) {
  auto out = std::make_shared<DevicePlugin>();
  out->target_ = std::move(path);
  return out;
}

rt::Task<Result<Unit>> DevicePlugin::connect(rt::Runtime& runtime, rt::Context ctx, const DeviceTiming& timing) {
  timing_ = timing;
  net::grpc::ChannelOptions options;
  options.target = target_;
  options.message_bytes_max = answer_bytes_max;
  options.dial_timeout = timing.dial;
  CO_TRY_ASSIGN(channel_, net::grpc::Channel::make(runtime, std::move(options)));
  auto told =
      co_await rpc::call<DevicePluginOptions>(*channel_, std::move(ctx), timing.options, method("GetDevicePluginOptions"), rpc::encode(Empty{}));
  if (!told) {
    const bool dialed = !net::grpc::never_sent(told.error());
    const std::string what = dialed ? "failed to get device plugin options: " : "failed to dial device plugin: ";
    co_return error(told.error().reason, what + told.error().message);
  }
  options_ = std::move(*told);
  co_return Unit{};
}

rt::Task<void> DevicePlugin::close() {
  if (channel_) co_await channel_->close();
}

rt::Task<Result<rpc::Stream<ListAndWatchResponse>>> DevicePlugin::list_and_watch(rt::Context ctx) {
  return rpc::stream<ListAndWatchResponse>(*channel_, std::move(ctx), method("ListAndWatch"), rpc::encode(Empty{}));
}

rt::Task<Result<DeviceIds>> DevicePlugin::preferred(rt::Context ctx, DeviceIds offered, DeviceIds taken, std::size_t size) {
  PreferredAllocationRequest request;
  ContainerPreferredAllocationRequest& of = request.container_requests.emplace_back();
  of.available_device_ids = listed(offered);
  of.must_include_device_ids = listed(taken);
  of.allocation_size = static_cast<int32_t>(size);
  auto answer = co_await rpc::call<PreferredAllocationResponse>(*channel_, std::move(ctx), timing_.preferred, method("GetPreferredAllocation"),
                                                                rpc::encode(request));
  if (!answer) co_return error(answer.error().reason, "device plugin GetPreferredAllocation rpc failed with err: " + answer.error().message);
  DeviceIds out;
  if (!answer->container_responses.empty())
    for (std::string& id : answer->container_responses[0].device_ids) out.insert(std::move(id));
  co_return std::move(out);
}

rt::Task<Result<ContainerAllocateResponse>> DevicePlugin::allocate(rt::Context ctx, DeviceIds ids) {
  AllocateRequest request;
  request.container_requests.emplace_back().devices_ids = listed(ids);
  CO_TRY_ASSIGN(auto answer,
                co_await rpc::call<AllocateResponse>(*channel_, std::move(ctx), timing_.allocate, method("Allocate"), rpc::encode(request)));
  if (answer.container_responses.empty()) co_return error(Reason::Invalid, "no containers return in allocation response &AllocateResponse{}");
  co_return std::move(answer.container_responses[0]);
}

rt::Task<Result<Unit>> DevicePlugin::pre_start(rt::Context ctx, DeviceIds ids) {
  PreStartContainerRequest request;
  request.devices_ids = listed(ids);
  const auto answer =
      co_await rpc::call<PreStartContainerResponse>(*channel_, std::move(ctx), timing_.pre_start, method("PreStartContainer"), rpc::encode(request));
  if (!answer) co_return error(answer.error().reason, "device plugin PreStartContainer rpc failed with err: " + answer.error().message);
  co_return Unit{};
}

}  // namespace pintle::kubelet::devices
