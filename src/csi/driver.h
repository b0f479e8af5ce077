// Driver: a CSI driver of this node as a client: its Identity, Node and Controller services. Errors are gRPC's (net/grpc/code.h); outcome_of()
// says what they leave of a volume. Their texts are bounded and without the request's secrets. Every call has the deadline of the options
// besides its context's; answers are bounded. The socket is dialed when a call needs it, so a driver may go and come back.
// Belongs to the executor that made it.
#pragma once

#include <memory>
#include <string>

#include "api/gen/csi_v1.h"
#include "base/status.h"
#include "csi/controller.h"
#include "csi/outcome.h"
#include "net/grpc/channel.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::csi {

constexpr std::size_t endpoint_bytes_max = 107;  // of a unix socket's path

struct DriverOptions {
  std::string name;      // as it registered, for messages
  std::string endpoint;  // the absolute path of its socket
  rt::Duration timeout = call_timeout_default;
};

// What NodeGetCapabilities says.
struct NodeCapabilities {
  bool stage = false;  // STAGE_UNSTAGE_VOLUME
  bool statistics = false;
  bool expand = false;
  bool single_node_multi_writer = false;
  bool volume_mount_group = false;
  bool health = false;
  bool operator==(const NodeCapabilities&) const = default;
};

class Driver final : public Controller {
 public:
  // BadRequest for an endpoint that is no absolute path of a socket.
  static Result<std::shared_ptr<Driver>> make(rt::Runtime& runtime, DriverOptions options);

  using Context = rt::Context;

  const std::string& name() const { return options_.name; }
  const std::string& endpoint() const { return options_.endpoint; }

  // --- identity --------------------------------------------------------------------------------------------------------
  Answer<api::csi_v1::GetPluginInfoResponse> plugin_info(Context ctx);
  Answer<api::csi_v1::GetPluginCapabilitiesResponse> plugin_capabilities(Context ctx);
  // Whether it is ready; a driver that does not say is.
  Answer<bool> probe(Context ctx);

  // --- node ------------------------------------------------------------------------------------------------------------
  Answer<api::csi_v1::NodeGetInfoResponse> node_info(Context ctx);
  Answer<NodeCapabilities> node_capabilities(Context ctx);
  Answer<Unit> stage(Context ctx, api::csi_v1::NodeStageVolumeRequest request);
  Answer<Unit> unstage(Context ctx, api::csi_v1::NodeUnstageVolumeRequest request);
  Answer<Unit> publish(Context ctx, api::csi_v1::NodePublishVolumeRequest request);
  Answer<Unit> unpublish(Context ctx, api::csi_v1::NodeUnpublishVolumeRequest request);
  Answer<api::csi_v1::NodeGetVolumeStatsResponse> volume_stats(Context ctx, api::csi_v1::NodeGetVolumeStatsRequest request);
  Answer<api::csi_v1::NodeGetVolumeHealthResponse> volume_health(Context ctx, api::csi_v1::NodeGetVolumeHealthRequest request);
  Answer<api::csi_v1::NodeExpandVolumeResponse> expand(Context ctx, api::csi_v1::NodeExpandVolumeRequest request);

  // --- controller ------------------------------------------------------------------------------------------------------
  Answer<api::csi_v1::CreateVolumeResponse> create(Context ctx, api::csi_v1::CreateVolumeRequest request) override;
  Answer<Unit> remove(Context ctx, api::csi_v1::DeleteVolumeRequest request) override;
  Answer<api::csi_v1::ControllerExpandVolumeResponse> controller_expand(Context ctx, api::csi_v1::ControllerExpandVolumeRequest request) override;
  Answer<api::csi_v1::GetCapacityResponse> capacity(Context ctx, api::csi_v1::GetCapacityRequest request) override;

  // Waits for the calls that are under way, then closes. No call afterwards. Await it before the last owner lets go.
  rt::Task<void> drain();
  // Ends them now.
  rt::Task<void> close();

 private:
  Driver(std::unique_ptr<net::grpc::Channel> channel, DriverOptions options);
  template <class Response>
  Answer<Response> ask(Context ctx, std::string method, std::string request, std::vector<std::string> secrets);

  const std::unique_ptr<net::grpc::Channel> channel_;
  const DriverOptions options_;
  std::size_t calls_ = 0;
  rt::Event idle_;
};

}  // namespace pintle::csi
