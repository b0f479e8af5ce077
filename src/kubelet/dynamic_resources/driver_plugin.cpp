#include "kubelet/dynamic_resources/driver_plugin.h"

#include "net/grpc/code.h"
#include "rpc/typed_call.h"

namespace pintle::kubelet::dynamic_resources {

using namespace api::dra_v1;
using api::drahealth_v1alpha1::NodeWatchResourcesRequest;
using api::drahealth_v1alpha1::NodeWatchResourcesResponse;

namespace {

double seconds_since(rt::Clock& clock, rt::TimePoint begin) { return std::chrono::duration<double>(clock.now() - begin).count(); }

}  // namespace

Result<std::shared_ptr<DriverPlugin>> DriverPlugin::make(rt::Runtime& runtime, Metrics& metrics, DriverPluginOptions options) {
  std::shared_ptr<DriverPlugin> out(new DriverPlugin(runtime, metrics, std::move(options)));
  net::grpc::ChannelOptions channel;
  channel.target = out->options_.endpoint;
  channel.message_bytes_max = driver_answer_bytes_max;
  channel.dial_timeout = out->options_.timing.dial;
  TRY_ASSIGN(out->channel_, net::grpc::Channel::make(runtime, std::move(channel)));
  return out;
}

template <class Response>
rt::Task<Result<Response>> DriverPlugin::call(rt::Context ctx, std::string_view name, std::string request) {
  const std::string method = "/k8s.io.kubelet.pkg.apis.dra." + options_.service + "/" + std::string(name);
  const rt::TimePoint begin = runtime_.clock().now();
  auto answer = co_await rpc::call<Response>(*channel_, std::move(ctx), options_.timing.call, method, std::move(request));
  const net::grpc::Code code = answer ? net::grpc::Code::Ok : net::grpc::code_of(answer.error());
  metrics_.calls.with({options_.driver, method, net::grpc::code_name(code)}).observe(seconds_since(runtime_.clock(), begin));
  co_return std::move(answer);
}

rt::Task<Result<NodePrepareResourcesResponse>> DriverPlugin::prepare(rt::Context ctx, std::vector<Claim> claims) {
  NodePrepareResourcesRequest request;
  request.claims = std::move(claims);
  return call<NodePrepareResourcesResponse>(std::move(ctx), "NodePrepareResources", rpc::encode(request));
}

rt::Task<Result<NodeUnprepareResourcesResponse>> DriverPlugin::unprepare(rt::Context ctx, std::vector<Claim> claims) {
  NodeUnprepareResourcesRequest request;
  request.claims = std::move(claims);
  return call<NodeUnprepareResourcesResponse>(std::move(ctx), "NodeUnprepareResources", rpc::encode(request));
}

rt::Task<Result<rpc::Stream<NodeWatchResourcesResponse>>> DriverPlugin::watch_health(rt::Context ctx) {
  return rpc::stream<NodeWatchResourcesResponse>(*channel_, std::move(ctx), "/v1alpha1.DRAResourceHealth/NodeWatchResources",
                                                 rpc::encode(NodeWatchResourcesRequest{}));
}

rt::Task<void> DriverPlugin::close() {
  life_.cancel();
  co_await channel_->close();
}

}  // namespace pintle::kubelet::dynamic_resources
