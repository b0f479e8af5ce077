#include "csi_local/node_service.h"

#include <algorithm>

#include "component/version.h"
#include "net/grpc/code.h"
#include "rpc/typed_server.h"

namespace pintle::csi_local {

namespace {

using namespace api::csi_v1;
using net::grpc::Code;

Unexpected<Status> denied(Code code, std::string text) { return Unexpected<Status>(net::grpc::to_status(code, text)); }

Result<Unit> require_id(const std::string& volume_id) {
  if (volume_id.empty()) return denied(Code::InvalidArgument, "volume_id is required");
  return Unit{};
}

// What is asked of a volume, and fits what it was made as.
Result<Access> access_to(const VolumeRecord& record, const Box<VolumeCapability>& capability) {
  TRY_ASSIGN(Access out, parse_access(*capability));
  if (out.block != record.block)
    return denied(Code::InvalidArgument, std::string("the volume was made as a ") + (record.block ? "disk" : "file system"));
  return out;
}

void add_usage(NodeGetVolumeStatsResponse& out, int32_t unit, int64_t total, int64_t used, int64_t available) {
  VolumeUsage& usage = out.usage.emplace_back();
  usage.unit = unit;
  usage.total = total;
  usage.used = used;
  usage.available = available;
}

}  // namespace

void NodeService::serve_at(net::grpc::Server& server) {
  const auto node = [](const char* method) { return std::string("/csi.v1.Node/") + method; };
  rpc::on_unary(server, node("NodeStageVolume"), *this, &NodeService::stage);
  rpc::on_unary(server, node("NodeUnstageVolume"), *this, &NodeService::unstage);
  rpc::on_unary(server, node("NodePublishVolume"), *this, &NodeService::publish);
  rpc::on_unary(server, node("NodeUnpublishVolume"), *this, &NodeService::unpublish);
  rpc::on_unary(server, node("NodeGetVolumeStats"), *this, &NodeService::stats);
  rpc::on_unary(server, node("NodeExpandVolume"), *this, &NodeService::expand);
  rpc::on_unary(server, node("NodeGetInfo"), *this, &NodeService::info);
  rpc::on_unary(server, node("NodeGetCapabilities"), *this, &NodeService::capabilities);
  const auto identity = [](const char* method) { return std::string("/csi.v1.Identity/") + method; };
  rpc::on_unary(server, identity("GetPluginInfo"), *this, &NodeService::plugin_info);
  rpc::on_unary(server, identity("GetPluginCapabilities"), *this, &NodeService::plugin_capabilities);
  rpc::on_unary(server, identity("Probe"), *this, &NodeService::probe);
}

Result<VolumeRecord> NodeService::found(std::string_view volume_id) const {
  const VolumeRecord* record = deps_.store.volume(volume_id);
  if (!record) return denied(Code::NotFound, "this node has no such volume");
  return *record;
}

std::optional<VolumeRecord> NodeService::known(std::string_view volume_id) const {
  const VolumeRecord* record = deps_.store.volume(volume_id);
  return record ? std::optional<VolumeRecord>(*record) : std::nullopt;
}

NodeService::Answer<NodeStageVolumeResponse> NodeService::stage(rt::Context ctx, NodeStageVolumeRequest request) {
  CO_TRY(require_id(request.volume_id));
  CO_TRY(check_path("staging_target_path", request.staging_target_path));
  if (!request.volume_capability) co_return denied(Code::InvalidArgument, "volume_capability is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  CO_TRY_ASSIGN(VolumeRecord record, found(request.volume_id));
  CO_TRY_ASSIGN(Access access, access_to(record, request.volume_capability));
  CO_TRY(co_await deps_.node_volumes.stage(std::move(ctx), std::move(record), std::move(access), std::move(request.staging_target_path)));
  co_return NodeStageVolumeResponse{};
}

NodeService::Answer<NodeUnstageVolumeResponse> NodeService::unstage(rt::Context, NodeUnstageVolumeRequest request) {
  CO_TRY(require_id(request.volume_id));
  CO_TRY(check_path("staging_target_path", request.staging_target_path));
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  auto record = known(request.volume_id);
  CO_TRY(co_await deps_.node_volumes.unstage(std::move(record), std::move(request.staging_target_path)));
  co_return NodeUnstageVolumeResponse{};
}

NodeService::Answer<NodePublishVolumeResponse> NodeService::publish(rt::Context, NodePublishVolumeRequest request) {
  CO_TRY(require_id(request.volume_id));
  CO_TRY(check_path("target_path", request.target_path));
  if (!request.volume_capability) co_return denied(Code::InvalidArgument, "volume_capability is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  CO_TRY_ASSIGN(VolumeRecord record, found(request.volume_id));
  CO_TRY_ASSIGN(Access access, access_to(record, request.volume_capability));
  if (request.staging_target_path.empty()) co_return denied(Code::FailedPrecondition, "staging_target_path is required: volumes are staged first");
  CO_TRY(check_path("staging_target_path", request.staging_target_path));
  access.read_only = access.read_only || request.readonly;  // a disk is a device: who may write to it is its user's to hold to that
  CO_TRY(co_await deps_.node_volumes.publish(std::move(record), std::move(access), std::move(request.staging_target_path),
                                             std::move(request.target_path)));
  co_return NodePublishVolumeResponse{};
}

NodeService::Answer<NodeUnpublishVolumeResponse> NodeService::unpublish(rt::Context, NodeUnpublishVolumeRequest request) {
  CO_TRY(require_id(request.volume_id));
  CO_TRY(check_path("target_path", request.target_path));
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  auto record = known(request.volume_id);
  CO_TRY(co_await deps_.node_volumes.unpublish(std::move(record), std::move(request.target_path)));
  co_return NodeUnpublishVolumeResponse{};
}

NodeService::Answer<NodeGetVolumeStatsResponse> NodeService::stats(rt::Context, NodeGetVolumeStatsRequest request) {
  CO_TRY(require_id(request.volume_id));
  if (request.volume_path.empty()) co_return denied(Code::InvalidArgument, "volume_path is required");
  CO_TRY_ASSIGN(VolumeRecord record, found(request.volume_id));
  CO_TRY_ASSIGN(const VolumeStats stats, co_await deps_.node_volumes.stats(std::move(record), std::move(request.volume_path)));
  NodeGetVolumeStatsResponse out;
  add_usage(out, VolumeUsageUnit::Bytes, stats.total_bytes, stats.used_bytes, stats.available_bytes);
  if (!stats.block) add_usage(out, VolumeUsageUnit::Inodes, stats.inodes, stats.inodes_used, stats.inodes_free);
  co_return std::move(out);
}

NodeService::Answer<NodeExpandVolumeResponse> NodeService::expand(rt::Context ctx, NodeExpandVolumeRequest request) {
  CO_TRY(require_id(request.volume_id));
  if (request.volume_path.empty()) co_return denied(Code::InvalidArgument, "volume_path is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  CO_TRY_ASSIGN(VolumeRecord record, found(request.volume_id));
  NodeExpandVolumeResponse out;
  out.capacity_bytes = record.size_bytes;
  if (request.capacity_range && request.capacity_range->required_bytes > record.size_bytes)
    co_return denied(Code::OutOfRange, "the volume has " + std::to_string(record.size_bytes) + " bytes: the controller's part comes first");
  CO_TRY(co_await deps_.node_volumes.expand(std::move(ctx), std::move(record), std::move(request.volume_path)));
  co_return std::move(out);
}

NodeService::Answer<NodeGetInfoResponse> NodeService::info(rt::Context, NodeGetInfoRequest) {
  NodeGetInfoResponse out;
  out.node_id = deps_.node_name;
  out.accessible_topology.ensure().segments[topology_key] = deps_.node_name;
  co_return std::move(out);
}

NodeService::Answer<NodeGetCapabilitiesResponse> NodeService::capabilities(rt::Context, NodeGetCapabilitiesRequest) {
  using Type = NodeServiceCapabilityRPCType;
  NodeGetCapabilitiesResponse out;
  for (const int32_t type : {Type::StageUnstageVolume, Type::GetVolumeStats, Type::ExpandVolume, Type::SingleNodeMultiWriter})
    out.capabilities.emplace_back().rpc.ensure().type = type;
  co_return std::move(out);
}

NodeService::Answer<GetPluginInfoResponse> NodeService::plugin_info(rt::Context, GetPluginInfoRequest) {
  GetPluginInfoResponse out;
  out.name = driver_name;
  out.vendor_version = component::kubernetes_version;
  co_return std::move(out);
}

NodeService::Answer<GetPluginCapabilitiesResponse> NodeService::plugin_capabilities(rt::Context, GetPluginCapabilitiesRequest) {
  GetPluginCapabilitiesResponse out;
  for (const int32_t type : {PluginCapabilityServiceType::ControllerService, PluginCapabilityServiceType::VolumeAccessibilityConstraints})
    out.capabilities.emplace_back().service.ensure().type = type;
  out.capabilities.emplace_back().volume_expansion.ensure().type = PluginCapabilityVolumeExpansionType::Online;
  co_return std::move(out);
}

NodeService::Answer<ProbeResponse> NodeService::probe(rt::Context, ProbeRequest) {
  ProbeResponse out;
  out.ready.ensure().value = true;
  co_return std::move(out);
}

}  // namespace pintle::csi_local
