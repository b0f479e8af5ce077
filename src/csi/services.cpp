#include "csi/services.h"

#include "net/grpc/code.h"
#include "rpc/typed_server.h"

namespace pintle::csi {

using namespace api::csi_v1;

namespace {

template <class Response>
ServiceAnswer<Response> unimplemented(std::string_view method) {
  co_return Unexpected(net::grpc::to_status(net::grpc::Code::Unimplemented, std::string(method)));
}

}  // namespace

ServiceAnswer<GetPluginInfoResponse> IdentityService::get_plugin_info(rt::Context, GetPluginInfoRequest) {
  return unimplemented<GetPluginInfoResponse>("GetPluginInfo");
}
ServiceAnswer<GetPluginCapabilitiesResponse> IdentityService::get_plugin_capabilities(rt::Context, GetPluginCapabilitiesRequest) {
  return unimplemented<GetPluginCapabilitiesResponse>("GetPluginCapabilities");
}
ServiceAnswer<ProbeResponse> IdentityService::probe(rt::Context, ProbeRequest) { return unimplemented<ProbeResponse>("Probe"); }

ServiceAnswer<NodeStageVolumeResponse> NodeService::node_stage_volume(rt::Context, NodeStageVolumeRequest) {
  return unimplemented<NodeStageVolumeResponse>("NodeStageVolume");
}
ServiceAnswer<NodeUnstageVolumeResponse> NodeService::node_unstage_volume(rt::Context, NodeUnstageVolumeRequest) {
  return unimplemented<NodeUnstageVolumeResponse>("NodeUnstageVolume");
}
ServiceAnswer<NodePublishVolumeResponse> NodeService::node_publish_volume(rt::Context, NodePublishVolumeRequest) {
  return unimplemented<NodePublishVolumeResponse>("NodePublishVolume");
}
ServiceAnswer<NodeUnpublishVolumeResponse> NodeService::node_unpublish_volume(rt::Context, NodeUnpublishVolumeRequest) {
  return unimplemented<NodeUnpublishVolumeResponse>("NodeUnpublishVolume");
}
ServiceAnswer<NodeGetVolumeStatsResponse> NodeService::node_get_volume_stats(rt::Context, NodeGetVolumeStatsRequest) {
  return unimplemented<NodeGetVolumeStatsResponse>("NodeGetVolumeStats");
}
ServiceAnswer<NodeGetVolumeHealthResponse> NodeService::node_get_volume_health(rt::Context, NodeGetVolumeHealthRequest) {
  return unimplemented<NodeGetVolumeHealthResponse>("NodeGetVolumeHealth");
}
ServiceAnswer<NodeGetStorageHealthResponse> NodeService::node_get_storage_health(rt::Context, NodeGetStorageHealthRequest) {
  return unimplemented<NodeGetStorageHealthResponse>("NodeGetStorageHealth");
}
ServiceAnswer<NodeExpandVolumeResponse> NodeService::node_expand_volume(rt::Context, NodeExpandVolumeRequest) {
  return unimplemented<NodeExpandVolumeResponse>("NodeExpandVolume");
}
ServiceAnswer<NodeGetCapabilitiesResponse> NodeService::node_get_capabilities(rt::Context, NodeGetCapabilitiesRequest) {
  return unimplemented<NodeGetCapabilitiesResponse>("NodeGetCapabilities");
}
ServiceAnswer<NodeGetInfoResponse> NodeService::node_get_info(rt::Context, NodeGetInfoRequest) {
  return unimplemented<NodeGetInfoResponse>("NodeGetInfo");
}

ServiceAnswer<CreateVolumeResponse> ControllerService::create_volume(rt::Context, CreateVolumeRequest) {
  return unimplemented<CreateVolumeResponse>("CreateVolume");
}
ServiceAnswer<DeleteVolumeResponse> ControllerService::delete_volume(rt::Context, DeleteVolumeRequest) {
  return unimplemented<DeleteVolumeResponse>("DeleteVolume");
}
ServiceAnswer<ControllerPublishVolumeResponse> ControllerService::controller_publish_volume(rt::Context, ControllerPublishVolumeRequest) {
  return unimplemented<ControllerPublishVolumeResponse>("ControllerPublishVolume");
}
ServiceAnswer<ControllerUnpublishVolumeResponse> ControllerService::controller_unpublish_volume(rt::Context, ControllerUnpublishVolumeRequest) {
  return unimplemented<ControllerUnpublishVolumeResponse>("ControllerUnpublishVolume");
}
ServiceAnswer<ValidateVolumeCapabilitiesResponse> ControllerService::validate_volume_capabilities(rt::Context, ValidateVolumeCapabilitiesRequest) {
  return unimplemented<ValidateVolumeCapabilitiesResponse>("ValidateVolumeCapabilities");
}
ServiceAnswer<ListVolumesResponse> ControllerService::list_volumes(rt::Context, ListVolumesRequest) {
  return unimplemented<ListVolumesResponse>("ListVolumes");
}
ServiceAnswer<ControllerListVolumeHealthResponse> ControllerService::controller_list_volume_health(rt::Context, ControllerListVolumeHealthRequest) {
  return unimplemented<ControllerListVolumeHealthResponse>("ControllerListVolumeHealth");
}
ServiceAnswer<ControllerGetVolumeHealthResponse> ControllerService::controller_get_volume_health(rt::Context, ControllerGetVolumeHealthRequest) {
  return unimplemented<ControllerGetVolumeHealthResponse>("ControllerGetVolumeHealth");
}
ServiceAnswer<GetCapacityResponse> ControllerService::get_capacity(rt::Context, GetCapacityRequest) {
  return unimplemented<GetCapacityResponse>("GetCapacity");
}
ServiceAnswer<ControllerGetCapabilitiesResponse> ControllerService::controller_get_capabilities(rt::Context, ControllerGetCapabilitiesRequest) {
  return unimplemented<ControllerGetCapabilitiesResponse>("ControllerGetCapabilities");
}
ServiceAnswer<CreateSnapshotResponse> ControllerService::create_snapshot(rt::Context, CreateSnapshotRequest) {
  return unimplemented<CreateSnapshotResponse>("CreateSnapshot");
}
ServiceAnswer<DeleteSnapshotResponse> ControllerService::delete_snapshot(rt::Context, DeleteSnapshotRequest) {
  return unimplemented<DeleteSnapshotResponse>("DeleteSnapshot");
}
ServiceAnswer<ListSnapshotsResponse> ControllerService::list_snapshots(rt::Context, ListSnapshotsRequest) {
  return unimplemented<ListSnapshotsResponse>("ListSnapshots");
}
ServiceAnswer<GetSnapshotResponse> ControllerService::get_snapshot(rt::Context, GetSnapshotRequest) {
  return unimplemented<GetSnapshotResponse>("GetSnapshot");
}
ServiceAnswer<ControllerExpandVolumeResponse> ControllerService::controller_expand_volume(rt::Context, ControllerExpandVolumeRequest) {
  return unimplemented<ControllerExpandVolumeResponse>("ControllerExpandVolume");
}
ServiceAnswer<ControllerGetVolumeResponse> ControllerService::controller_get_volume(rt::Context, ControllerGetVolumeRequest) {
  return unimplemented<ControllerGetVolumeResponse>("ControllerGetVolume");
}
ServiceAnswer<ControllerModifyVolumeResponse> ControllerService::controller_modify_volume(rt::Context, ControllerModifyVolumeRequest) {
  return unimplemented<ControllerModifyVolumeResponse>("ControllerModifyVolume");
}

ServiceAnswer<GroupControllerGetCapabilitiesResponse> GroupControllerService::group_controller_get_capabilities(
    rt::Context, GroupControllerGetCapabilitiesRequest) {
  return unimplemented<GroupControllerGetCapabilitiesResponse>("GroupControllerGetCapabilities");
}
ServiceAnswer<CreateVolumeGroupSnapshotResponse> GroupControllerService::create_volume_group_snapshot(rt::Context, CreateVolumeGroupSnapshotRequest) {
  return unimplemented<CreateVolumeGroupSnapshotResponse>("CreateVolumeGroupSnapshot");
}
ServiceAnswer<DeleteVolumeGroupSnapshotResponse> GroupControllerService::delete_volume_group_snapshot(rt::Context, DeleteVolumeGroupSnapshotRequest) {
  return unimplemented<DeleteVolumeGroupSnapshotResponse>("DeleteVolumeGroupSnapshot");
}
ServiceAnswer<GetVolumeGroupSnapshotResponse> GroupControllerService::get_volume_group_snapshot(rt::Context, GetVolumeGroupSnapshotRequest) {
  return unimplemented<GetVolumeGroupSnapshotResponse>("GetVolumeGroupSnapshot");
}

void serve(net::grpc::Server& server, IdentityService& service) {
  const std::string at = "/csi.v1.Identity/";
  rpc::on_unary(server, at + "GetPluginInfo", service, &IdentityService::get_plugin_info);
  rpc::on_unary(server, at + "GetPluginCapabilities", service, &IdentityService::get_plugin_capabilities);
  rpc::on_unary(server, at + "Probe", service, &IdentityService::probe);
}

void serve(net::grpc::Server& server, NodeService& service) {
  const std::string at = "/csi.v1.Node/";
  rpc::on_unary(server, at + "NodeStageVolume", service, &NodeService::node_stage_volume);
  rpc::on_unary(server, at + "NodeUnstageVolume", service, &NodeService::node_unstage_volume);
  rpc::on_unary(server, at + "NodePublishVolume", service, &NodeService::node_publish_volume);
  rpc::on_unary(server, at + "NodeUnpublishVolume", service, &NodeService::node_unpublish_volume);
  rpc::on_unary(server, at + "NodeGetVolumeStats", service, &NodeService::node_get_volume_stats);
  rpc::on_unary(server, at + "NodeGetVolumeHealth", service, &NodeService::node_get_volume_health);
  rpc::on_unary(server, at + "NodeGetStorageHealth", service, &NodeService::node_get_storage_health);
  rpc::on_unary(server, at + "NodeExpandVolume", service, &NodeService::node_expand_volume);
  rpc::on_unary(server, at + "NodeGetCapabilities", service, &NodeService::node_get_capabilities);
  rpc::on_unary(server, at + "NodeGetInfo", service, &NodeService::node_get_info);
}

void serve(net::grpc::Server& server, ControllerService& service) {
  const std::string at = "/csi.v1.Controller/";
  rpc::on_unary(server, at + "CreateVolume", service, &ControllerService::create_volume);
  rpc::on_unary(server, at + "DeleteVolume", service, &ControllerService::delete_volume);
  rpc::on_unary(server, at + "ControllerPublishVolume", service, &ControllerService::controller_publish_volume);
  rpc::on_unary(server, at + "ControllerUnpublishVolume", service, &ControllerService::controller_unpublish_volume);
  rpc::on_unary(server, at + "ValidateVolumeCapabilities", service, &ControllerService::validate_volume_capabilities);
  rpc::on_unary(server, at + "ListVolumes", service, &ControllerService::list_volumes);
  rpc::on_unary(server, at + "ControllerListVolumeHealth", service, &ControllerService::controller_list_volume_health);
  rpc::on_unary(server, at + "ControllerGetVolumeHealth", service, &ControllerService::controller_get_volume_health);
  rpc::on_unary(server, at + "GetCapacity", service, &ControllerService::get_capacity);
  rpc::on_unary(server, at + "ControllerGetCapabilities", service, &ControllerService::controller_get_capabilities);
  rpc::on_unary(server, at + "CreateSnapshot", service, &ControllerService::create_snapshot);
  rpc::on_unary(server, at + "DeleteSnapshot", service, &ControllerService::delete_snapshot);
  rpc::on_unary(server, at + "ListSnapshots", service, &ControllerService::list_snapshots);
  rpc::on_unary(server, at + "GetSnapshot", service, &ControllerService::get_snapshot);
  rpc::on_unary(server, at + "ControllerExpandVolume", service, &ControllerService::controller_expand_volume);
  rpc::on_unary(server, at + "ControllerGetVolume", service, &ControllerService::controller_get_volume);
  rpc::on_unary(server, at + "ControllerModifyVolume", service, &ControllerService::controller_modify_volume);
}

void serve(net::grpc::Server& server, GroupControllerService& service) {
  const std::string at = "/csi.v1.GroupController/";
  rpc::on_unary(server, at + "GroupControllerGetCapabilities", service, &GroupControllerService::group_controller_get_capabilities);
  rpc::on_unary(server, at + "CreateVolumeGroupSnapshot", service, &GroupControllerService::create_volume_group_snapshot);
  rpc::on_unary(server, at + "DeleteVolumeGroupSnapshot", service, &GroupControllerService::delete_volume_group_snapshot);
  rpc::on_unary(server, at + "GetVolumeGroupSnapshot", service, &GroupControllerService::get_volume_group_snapshot);
}

}  // namespace pintle::csi
