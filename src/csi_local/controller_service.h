// The Controller service: volumes and snapshots of this node come, grow and go. Belongs to the driver's executor.
#pragma once

#include <string>

#include "api/gen/csi_v1.h"
#include "base/status.h"
#include "csi_local/node_volumes.h"
#include "csi_local/operations.h"
#include "csi_local/requests.h"
#include "csi_local/volume_store.h"
#include "net/grpc/server.h"

namespace pintle::csi_local {

struct ServiceDeps {
  rt::Runtime& runtime;
  VolumeStore& store;
  Operations& operations;
  NodeVolumes& node_volumes;
  std::string node_name;
};

class ControllerService {
 public:
  explicit ControllerService(ServiceDeps deps) : deps_(std::move(deps)) {}
  // Before the server's start.
  void serve_at(net::grpc::Server& server);

  template <class T>
  using Answer = rt::Task<Result<T>>;
  Answer<api::csi_v1::CreateVolumeResponse> create_volume(rt::Context ctx, api::csi_v1::CreateVolumeRequest request);
  Answer<api::csi_v1::DeleteVolumeResponse> delete_volume(rt::Context ctx, api::csi_v1::DeleteVolumeRequest request);
  Answer<api::csi_v1::ValidateVolumeCapabilitiesResponse> validate_capabilities(rt::Context ctx,
                                                                                api::csi_v1::ValidateVolumeCapabilitiesRequest request);
  Answer<api::csi_v1::ListVolumesResponse> list_volumes(rt::Context ctx, api::csi_v1::ListVolumesRequest request);
  Answer<api::csi_v1::GetCapacityResponse> get_capacity(rt::Context ctx, api::csi_v1::GetCapacityRequest request);
  Answer<api::csi_v1::ControllerGetCapabilitiesResponse> capabilities(rt::Context ctx, api::csi_v1::ControllerGetCapabilitiesRequest request);
  Answer<api::csi_v1::CreateSnapshotResponse> create_snapshot(rt::Context ctx, api::csi_v1::CreateSnapshotRequest request);
  Answer<api::csi_v1::DeleteSnapshotResponse> delete_snapshot(rt::Context ctx, api::csi_v1::DeleteSnapshotRequest request);
  Answer<api::csi_v1::ListSnapshotsResponse> list_snapshots(rt::Context ctx, api::csi_v1::ListSnapshotsRequest request);
  Answer<api::csi_v1::ControllerExpandVolumeResponse> expand_volume(rt::Context ctx, api::csi_v1::ControllerExpandVolumeRequest request);

 private:
  struct Source;
  Result<Source> source_of(const api::csi_v1::CreateVolumeRequest& request) const;
  Answer<api::csi_v1::CreateVolumeResponse> make_volume(rt::Context ctx, VolumeRecord record, Source source);
  api::csi_v1::Volume shown(const VolumeRecord& record) const;

  ServiceDeps deps_;
};

}  // namespace pintle::csi_local
