// The Node and the Identity services. Belongs to the driver's executor.
#pragma once

#include "api/gen/csi_v1.h"
#include "base/status.h"
#include "csi_local/controller_service.h"

namespace pintle::csi_local {

class NodeService {
 public:
  explicit NodeService(ServiceDeps deps) : deps_(std::move(deps)) {}
  // Before the server's start.
  void serve_at(net::grpc::Server& server);

  template <class T>
  using Answer = rt::Task<Result<T>>;
  Answer<api::csi_v1::NodeStageVolumeResponse> stage(rt::Context ctx, api::csi_v1::NodeStageVolumeRequest request);
  Answer<api::csi_v1::NodeUnstageVolumeResponse> unstage(rt::Context ctx, api::csi_v1::NodeUnstageVolumeRequest request);
  Answer<api::csi_v1::NodePublishVolumeResponse> publish(rt::Context ctx, api::csi_v1::NodePublishVolumeRequest request);
  Answer<api::csi_v1::NodeUnpublishVolumeResponse> unpublish(rt::Context ctx, api::csi_v1::NodeUnpublishVolumeRequest request);
  Answer<api::csi_v1::NodeGetVolumeStatsResponse> stats(rt::Context ctx, api::csi_v1::NodeGetVolumeStatsRequest request);
  Answer<api::csi_v1::NodeExpandVolumeResponse> expand(rt::Context ctx, api::csi_v1::NodeExpandVolumeRequest request);
  Answer<api::csi_v1::NodeGetInfoResponse> info(rt::Context ctx, api::csi_v1::NodeGetInfoRequest request);
  Answer<api::csi_v1::NodeGetCapabilitiesResponse> capabilities(rt::Context ctx, api::csi_v1::NodeGetCapabilitiesRequest request);

  Answer<api::csi_v1::GetPluginInfoResponse> plugin_info(rt::Context ctx, api::csi_v1::GetPluginInfoRequest request);
  Answer<api::csi_v1::GetPluginCapabilitiesResponse> plugin_capabilities(rt::Context ctx, api::csi_v1::GetPluginCapabilitiesRequest request);
  Answer<api::csi_v1::ProbeResponse> probe(rt::Context ctx, api::csi_v1::ProbeRequest request);

 private:
  Result<VolumeRecord> found(std::string_view volume_id) const;
  std::optional<VolumeRecord> known(std::string_view volume_id) const;

  ServiceDeps deps_;
};

}  // namespace pintle::csi_local
