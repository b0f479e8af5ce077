#include "csi/driver.h"

#include "csi/redact.h"
#include "net/grpc/code.h"
#include "rpc/typed_call.h"

namespace pintle::csi {

using namespace api::csi_v1;
using rpc::encode;

namespace {

constexpr rt::Duration dial_timeout = std::chrono::seconds(10);

std::string identity(std::string_view name) { return std::string("/csi.v1.Identity/").append(name); }
std::string controller(std::string_view name) { return std::string("/csi.v1.Controller/").append(name); }
std::string node(std::string_view name) { return std::string("/csi.v1.Node/").append(name); }

// Not braces: g++ 12 destroys what they make in an awaited call twice.
std::vector<std::string> no_secrets() { return {}; }

// Counts a call for as long as it lasts.
class Underway {
 public:
  Underway(std::size_t& calls, rt::Event& idle) : calls_(calls), idle_(idle) {
    ++calls_;
    idle_.reset();
  }
  ~Underway() {
    if (--calls_ == 0) idle_.set();
  }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;

 private:
  std::size_t& calls_;
  rt::Event& idle_;
};

Status shown(Status failed, const std::vector<std::string>& secrets) {
  failed.message = redact(std::move(failed.message), secrets);
  if (failed.message.size() > error_bytes_max) {
    // Not within a character.
    std::size_t end = error_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(failed.message[end]) & 0xC0) == 0x80) --end;
    failed.message.resize(end);
    failed.message += "...";
  }
  return failed;
}

template <class Response>
rt::Task<Result<Unit>> only_whether(rt::Task<Result<Response>> call) {
  CO_TRY(co_await std::move(call));
  co_return Unit{};
}

}  // namespace

Result<std::shared_ptr<Driver>> Driver::make(rt::Runtime& runtime, DriverOptions options) {
  const std::string& endpoint = options.endpoint;
  if (!endpoint.starts_with('/') || endpoint.size() > endpoint_bytes_max || endpoint.find(':') != std::string::npos ||
      endpoint.find('\0') != std::string::npos)
    return bad_request("the endpoint is not the absolute path of a socket: \"" + endpoint.substr(0, endpoint_bytes_max) + "\"");
  net::grpc::ChannelOptions channel_options;
  channel_options.target = endpoint;
  channel_options.message_bytes_max = answer_bytes_max;
  channel_options.dial_timeout = dial_timeout;
  TRY_ASSIGN(auto channel, net::grpc::Channel::make(runtime, std::move(channel_options)));
  return std::shared_ptr<Driver>(new Driver(std::move(channel), std::move(options)));
}

Driver::Driver(std::unique_ptr<net::grpc::Channel> channel, DriverOptions options) : channel_(std::move(channel)), options_(std::move(options)) {
  idle_.set();
}

rt::Task<void> Driver::drain() {
  (void)co_await idle_.wait(rt::Context::background());
  co_await channel_->close();
}

rt::Task<void> Driver::close() {
  co_await channel_->close();
  (void)co_await idle_.wait(rt::Context::background());
}

template <class Response>
Driver::Answer<Response> Driver::ask(Context ctx, std::string method, std::string request, std::vector<std::string> secrets) {
  const Underway underway(calls_, idle_);
  auto bytes = co_await channel_->unary(ctx.with_timeout(options_.timeout), std::move(method), std::move(request));
  if (!bytes) co_return Unexpected(shown(std::move(bytes).error(), secrets));
  auto answer = rpc::decode<Response>(*bytes);
  if (!answer) co_return Unexpected(net::grpc::to_status(net::grpc::Code::DataLoss, "the driver's answer cannot be read: " + answer.error().message));
  co_return std::move(answer);
}

Driver::Answer<GetPluginInfoResponse> Driver::plugin_info(Context ctx) {
  GetPluginInfoRequest request;
  return ask<GetPluginInfoResponse>(std::move(ctx), identity("GetPluginInfo"), encode(request), {});
}

Driver::Answer<GetPluginCapabilitiesResponse> Driver::plugin_capabilities(Context ctx) {
  GetPluginCapabilitiesRequest request;
  return ask<GetPluginCapabilitiesResponse>(std::move(ctx), identity("GetPluginCapabilities"), encode(request), {});
}

Driver::Answer<bool> Driver::probe(Context ctx) {
  ProbeRequest request;
  CO_TRY_ASSIGN(const auto answer, co_await ask<ProbeResponse>(std::move(ctx), identity("Probe"), encode(request), no_secrets()));
  co_return !answer.ready || answer.ready->value;
}

Driver::Answer<NodeGetInfoResponse> Driver::node_info(Context ctx) {
  NodeGetInfoRequest request;
  return ask<NodeGetInfoResponse>(std::move(ctx), node("NodeGetInfo"), encode(request), {});
}

Driver::Answer<NodeCapabilities> Driver::node_capabilities(Context ctx) {
  using Type = NodeServiceCapabilityRPCType;
  NodeGetCapabilitiesRequest request;
  CO_TRY_ASSIGN(const auto answer,
                co_await ask<NodeGetCapabilitiesResponse>(std::move(ctx), node("NodeGetCapabilities"), encode(request), no_secrets()));
  NodeCapabilities out;
  for (const NodeServiceCapability& capability : answer.capabilities) {
    if (!capability.rpc) continue;
    switch (capability.rpc->type) {
      case Type::StageUnstageVolume: out.stage = true; break;
      case Type::GetVolumeStats: out.statistics = true; break;
      case Type::ExpandVolume: out.expand = true; break;
      case Type::SingleNodeMultiWriter: out.single_node_multi_writer = true; break;
      case Type::VolumeMountGroup: out.volume_mount_group = true; break;
      case Type::GetVolumeHealth: out.health = true; break;
      default: break;  // of a later version
    }
  }
  co_return out;
}

Driver::Answer<Unit> Driver::stage(Context ctx, NodeStageVolumeRequest request) {
  return only_whether(
      ask<NodeStageVolumeResponse>(std::move(ctx), node("NodeStageVolume"), encode(request), secret_values(request.secrets, request.volume_context)));
}

Driver::Answer<Unit> Driver::unstage(Context ctx, NodeUnstageVolumeRequest request) {
  return only_whether(ask<NodeUnstageVolumeResponse>(std::move(ctx), node("NodeUnstageVolume"), encode(request), {}));
}

Driver::Answer<Unit> Driver::publish(Context ctx, NodePublishVolumeRequest request) {
  return only_whether(ask<NodePublishVolumeResponse>(std::move(ctx), node("NodePublishVolume"), encode(request),
                                                     secret_values(request.secrets, request.volume_context)));
}

Driver::Answer<Unit> Driver::unpublish(Context ctx, NodeUnpublishVolumeRequest request) {
  return only_whether(ask<NodeUnpublishVolumeResponse>(std::move(ctx), node("NodeUnpublishVolume"), encode(request), {}));
}

Driver::Answer<NodeGetVolumeStatsResponse> Driver::volume_stats(Context ctx, NodeGetVolumeStatsRequest request) {
  return ask<NodeGetVolumeStatsResponse>(std::move(ctx), node("NodeGetVolumeStats"), encode(request), {});
}

Driver::Answer<NodeGetVolumeHealthResponse> Driver::volume_health(Context ctx, NodeGetVolumeHealthRequest request) {
  return ask<NodeGetVolumeHealthResponse>(std::move(ctx), node("NodeGetVolumeHealth"), encode(request), {});
}

Driver::Answer<NodeExpandVolumeResponse> Driver::expand(Context ctx, NodeExpandVolumeRequest request) {
  return ask<NodeExpandVolumeResponse>(std::move(ctx), node("NodeExpandVolume"), encode(request), secret_values(request.secrets, {}));
}

Driver::Answer<CreateVolumeResponse> Driver::create(Context ctx, CreateVolumeRequest request) {
  return ask<CreateVolumeResponse>(std::move(ctx), controller("CreateVolume"), encode(request), secret_values(request.secrets, {}));
}

Driver::Answer<Unit> Driver::remove(Context ctx, DeleteVolumeRequest request) {
  return only_whether(ask<DeleteVolumeResponse>(std::move(ctx), controller("DeleteVolume"), encode(request), secret_values(request.secrets, {})));
}

Driver::Answer<ControllerExpandVolumeResponse> Driver::controller_expand(Context ctx, ControllerExpandVolumeRequest request) {
  return ask<ControllerExpandVolumeResponse>(std::move(ctx), controller("ControllerExpandVolume"), encode(request),
                                             secret_values(request.secrets, {}));
}

Driver::Answer<GetCapacityResponse> Driver::capacity(Context ctx, GetCapacityRequest request) {
  return ask<GetCapacityResponse>(std::move(ctx), controller("GetCapacity"), encode(request), {});
}

}  // namespace pintle::csi
