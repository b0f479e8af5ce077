// DriverPlugin: one plugin of a driver, as it registered: the calls to it, and whether it can be reached. Belongs to the kubelet's executor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/dra_v1.h"
#include "api/gen/drahealth_v1alpha1.h"
#include "kubelet/dynamic_resources/metrics.h"
#include "net/grpc/channel.h"
#include "rpc/typed_stream.h"
#include "rt/runtime.h"

namespace pintle::kubelet::dynamic_resources {

// Of one answer; as much as a Go client takes by default.
constexpr std::size_t driver_answer_bytes_max = 4 << 20;

// How long what may take. A plugin that says nothing holds up the pods that want its devices, and no longer than this.
struct DriverTiming {
  rt::Duration dial = std::chrono::seconds(5);
  rt::Duration call = std::chrono::seconds(45);  // upstream's
  rt::Duration dial_again_first = std::chrono::seconds(1);
  rt::Duration dial_again_max = std::chrono::seconds(5);       // well within wiping_delay
  rt::Duration watch_again = std::chrono::seconds(5);          // its health, after the stream has ended
  rt::Duration health_pause = std::chrono::milliseconds(200);  // between two reports of one plugin: pods are looked at for each
  rt::Duration wiping_delay = std::chrono::seconds(30);        // a driver that is gone so long loses its slices; upstream's
};

struct DriverPluginOptions {
  std::string driver;
  std::string endpoint;
  std::string service;  // "v1.DRAPlugin" or "v1beta1.DRAPlugin"
  DriverTiming timing;
};

class DriverPlugin {
 public:
  // BadRequest: an endpoint that cannot be one.
  static Result<std::shared_ptr<DriverPlugin>> make(rt::Runtime& runtime, Metrics& metrics, DriverPluginOptions options);

  rt::Task<Result<api::dra_v1::NodePrepareResourcesResponse>> prepare(rt::Context ctx, std::vector<api::dra_v1::Claim> claims);
  rt::Task<Result<api::dra_v1::NodeUnprepareResourcesResponse>> unprepare(rt::Context ctx, std::vector<api::dra_v1::Claim> claims);
  rt::Task<Result<rpc::Stream<api::drahealth_v1alpha1::NodeWatchResourcesResponse>>> watch_health(rt::Context ctx);
  // As net::grpc::Channel's.
  rt::Task<Result<Unit>> connect(rt::Context ctx) { return channel_->connect(std::move(ctx)); }
  rt::Task<Result<Unit>> disconnected(rt::Context ctx) { return channel_->disconnected(std::move(ctx)); }
  // Calls under way end with it.
  rt::Task<void> close();

  const std::string& driver() const { return options_.driver; }
  const std::string& endpoint() const { return options_.endpoint; }
  const DriverTiming& timing() const { return options_.timing; }
  // Done once it is to be left.
  const rt::Context& life() const { return life_; }

  bool connected = false;  // as is known; kept by DriverPlugins

 private:
  DriverPlugin(rt::Runtime& runtime, Metrics& metrics, DriverPluginOptions options)
      : runtime_(runtime), metrics_(metrics), options_(std::move(options)) {}
  template <class Response>
  rt::Task<Result<Response>> call(rt::Context ctx, std::string_view name, std::string request);

  rt::Runtime& runtime_;
  Metrics& metrics_;
  DriverPluginOptions options_;
  std::unique_ptr<net::grpc::Channel> channel_;
  rt::Context life_ = rt::Context::background().child();
};

}  // namespace pintle::kubelet::dynamic_resources
