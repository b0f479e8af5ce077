// The services of a CSI driver, for a driver of ours: a call that is not overridden is answered with Unimplemented, as the specification asks
// of what a driver does not offer. Errors are answered with the code of net/grpc/code.h: to_status(Code::Aborted, "...") says that the volume
// is being worked on. A request carries secrets: it is never to be logged.
#pragma once

#include "api/gen/csi_v1.h"
#include "net/grpc/server.h"

namespace pintle::csi {

template <class T>
using ServiceAnswer = rt::Task<Result<T>>;

// Who the driver is, and what it can do.
class IdentityService {
 public:
  virtual ~IdentityService() = default;
  virtual ServiceAnswer<api::csi_v1::GetPluginInfoResponse> get_plugin_info(rt::Context ctx, api::csi_v1::GetPluginInfoRequest request);
  virtual ServiceAnswer<api::csi_v1::GetPluginCapabilitiesResponse> get_plugin_capabilities(rt::Context ctx,
                                                                                            api::csi_v1::GetPluginCapabilitiesRequest request);
  virtual ServiceAnswer<api::csi_v1::ProbeResponse> probe(rt::Context ctx, api::csi_v1::ProbeRequest request);
};

// What is done on a node.
class NodeService {
 public:
  virtual ~NodeService() = default;
  virtual ServiceAnswer<api::csi_v1::NodeStageVolumeResponse> node_stage_volume(rt::Context ctx, api::csi_v1::NodeStageVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeUnstageVolumeResponse> node_unstage_volume(rt::Context ctx, api::csi_v1::NodeUnstageVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::NodePublishVolumeResponse> node_publish_volume(rt::Context ctx, api::csi_v1::NodePublishVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeUnpublishVolumeResponse> node_unpublish_volume(rt::Context ctx,
                                                                                        api::csi_v1::NodeUnpublishVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeGetVolumeStatsResponse> node_get_volume_stats(rt::Context ctx,
                                                                                       api::csi_v1::NodeGetVolumeStatsRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeGetVolumeHealthResponse> node_get_volume_health(rt::Context ctx,
                                                                                         api::csi_v1::NodeGetVolumeHealthRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeGetStorageHealthResponse> node_get_storage_health(rt::Context ctx,
                                                                                           api::csi_v1::NodeGetStorageHealthRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeExpandVolumeResponse> node_expand_volume(rt::Context ctx, api::csi_v1::NodeExpandVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeGetCapabilitiesResponse> node_get_capabilities(rt::Context ctx,
                                                                                        api::csi_v1::NodeGetCapabilitiesRequest request);
  virtual ServiceAnswer<api::csi_v1::NodeGetInfoResponse> node_get_info(rt::Context ctx, api::csi_v1::NodeGetInfoRequest request);
};

// What is done once for a cluster.
class ControllerService {
 public:
  virtual ~ControllerService() = default;
  virtual ServiceAnswer<api::csi_v1::CreateVolumeResponse> create_volume(rt::Context ctx, api::csi_v1::CreateVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::DeleteVolumeResponse> delete_volume(rt::Context ctx, api::csi_v1::DeleteVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerPublishVolumeResponse> controller_publish_volume(rt::Context ctx,
                                                                                                api::csi_v1::ControllerPublishVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerUnpublishVolumeResponse> controller_unpublish_volume(
      rt::Context ctx, api::csi_v1::ControllerUnpublishVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::ValidateVolumeCapabilitiesResponse> validate_volume_capabilities(
      rt::Context ctx, api::csi_v1::ValidateVolumeCapabilitiesRequest request);
  virtual ServiceAnswer<api::csi_v1::ListVolumesResponse> list_volumes(rt::Context ctx, api::csi_v1::ListVolumesRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerListVolumeHealthResponse> controller_list_volume_health(
      rt::Context ctx, api::csi_v1::ControllerListVolumeHealthRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerGetVolumeHealthResponse> controller_get_volume_health(
      rt::Context ctx, api::csi_v1::ControllerGetVolumeHealthRequest request);
  virtual ServiceAnswer<api::csi_v1::GetCapacityResponse> get_capacity(rt::Context ctx, api::csi_v1::GetCapacityRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerGetCapabilitiesResponse> controller_get_capabilities(
      rt::Context ctx, api::csi_v1::ControllerGetCapabilitiesRequest request);
  virtual ServiceAnswer<api::csi_v1::CreateSnapshotResponse> create_snapshot(rt::Context ctx, api::csi_v1::CreateSnapshotRequest request);
  virtual ServiceAnswer<api::csi_v1::DeleteSnapshotResponse> delete_snapshot(rt::Context ctx, api::csi_v1::DeleteSnapshotRequest request);
  virtual ServiceAnswer<api::csi_v1::ListSnapshotsResponse> list_snapshots(rt::Context ctx, api::csi_v1::ListSnapshotsRequest request);
  virtual ServiceAnswer<api::csi_v1::GetSnapshotResponse> get_snapshot(rt::Context ctx, api::csi_v1::GetSnapshotRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerExpandVolumeResponse> controller_expand_volume(rt::Context ctx,
                                                                                              api::csi_v1::ControllerExpandVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerGetVolumeResponse> controller_get_volume(rt::Context ctx,
                                                                                        api::csi_v1::ControllerGetVolumeRequest request);
  virtual ServiceAnswer<api::csi_v1::ControllerModifyVolumeResponse> controller_modify_volume(rt::Context ctx,
                                                                                              api::csi_v1::ControllerModifyVolumeRequest request);
};

// Snapshots of several volumes at once.
class GroupControllerService {
 public:
  virtual ~GroupControllerService() = default;
  virtual ServiceAnswer<api::csi_v1::GroupControllerGetCapabilitiesResponse> group_controller_get_capabilities(
      rt::Context ctx, api::csi_v1::GroupControllerGetCapabilitiesRequest request);
  virtual ServiceAnswer<api::csi_v1::CreateVolumeGroupSnapshotResponse> create_volume_group_snapshot(
      rt::Context ctx, api::csi_v1::CreateVolumeGroupSnapshotRequest request);
  virtual ServiceAnswer<api::csi_v1::DeleteVolumeGroupSnapshotResponse> delete_volume_group_snapshot(
      rt::Context ctx, api::csi_v1::DeleteVolumeGroupSnapshotRequest request);
  virtual ServiceAnswer<api::csi_v1::GetVolumeGroupSnapshotResponse> get_volume_group_snapshot(rt::Context ctx,
                                                                                               api::csi_v1::GetVolumeGroupSnapshotRequest request);
};

// Offers a service on `server`, before its start(); the service outlives it.
void serve(net::grpc::Server& server, IdentityService& service);
void serve(net::grpc::Server& server, NodeService& service);
void serve(net::grpc::Server& server, ControllerService& service);
void serve(net::grpc::Server& server, GroupControllerService& service);

}  // namespace pintle::csi
