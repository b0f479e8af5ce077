#include "csi_local/controller_service.h"

#include <algorithm>
#include <optional>

#include "net/grpc/code.h"
#include "rpc/typed_server.h"

namespace pintle::csi_local {

namespace {

using namespace api::csi_v1;
using net::grpc::Code;

Unexpected<Status> refused(Code code, std::string text) { return Unexpected<Status>(net::grpc::to_status(code, text)); }

Snapshot shown_snapshot(const SnapshotRecord& record) {
  Snapshot out;
  out.snapshot_id = record.id;
  out.source_volume_id = record.volume;
  out.size_bytes = record.size_bytes;
  out.creation_time.ensure().seconds = record.created_seconds;
  out.ready_to_use = true;
  return out;
}

// The part of a sorted map that follows the token, and the token that follows it.
template <class Map>
struct Page {
  typename Map::const_iterator from, to;
  std::string next;
};
template <class Map>
Result<Page<Map>> page_of(const Map& map, Kind kind, int32_t most, std::string_view token) {
  if (most < 0) return refused(Code::InvalidArgument, "max_entries is not below 0");
  if (!token.empty() && !is_id(kind, token)) return refused(Code::Aborted, "starting_token is none of this driver's: begin anew");
  Page<Map> out{token.empty() ? map.begin() : map.upper_bound(token), map.end(), {}};
  if (most == 0) return out;
  out.to = out.from;
  for (int32_t taken = 0; taken < most && out.to != map.end(); ++taken) ++out.to;
  if (out.to != map.end()) out.next = std::prev(out.to)->first;
  return out;
}

}  // namespace

// What a volume begins with.
struct ControllerService::Source {
  std::string id;  // "": nothing
  std::string image;
  int64_t size_bytes = 0;
  int64_t file_system_bytes = 0;
  bool block = false;
  bool live = false;  // a volume, which may be in use
};

void ControllerService::serve_at(net::grpc::Server& server) {
  const auto path = [](const char* method) { return std::string("/csi.v1.Controller/") + method; };
  rpc::on_unary(server, path("CreateVolume"), *this, &ControllerService::create_volume);
  rpc::on_unary(server, path("DeleteVolume"), *this, &ControllerService::delete_volume);
  rpc::on_unary(server, path("ValidateVolumeCapabilities"), *this, &ControllerService::validate_capabilities);
  rpc::on_unary(server, path("ListVolumes"), *this, &ControllerService::list_volumes);
  rpc::on_unary(server, path("GetCapacity"), *this, &ControllerService::get_capacity);
  rpc::on_unary(server, path("ControllerGetCapabilities"), *this, &ControllerService::capabilities);
  rpc::on_unary(server, path("CreateSnapshot"), *this, &ControllerService::create_snapshot);
  rpc::on_unary(server, path("DeleteSnapshot"), *this, &ControllerService::delete_snapshot);
  rpc::on_unary(server, path("ListSnapshots"), *this, &ControllerService::list_snapshots);
  rpc::on_unary(server, path("ControllerExpandVolume"), *this, &ControllerService::expand_volume);
}

Volume ControllerService::shown(const VolumeRecord& record) const {
  Volume out;
  out.volume_id = record.id;
  out.capacity_bytes = record.size_bytes;
  out.accessible_topology.emplace_back().segments[topology_key] = deps_.node_name;
  if (is_id(Kind::Snapshot, record.source)) out.content_source.ensure().snapshot.ensure().snapshot_id = record.source;
  if (is_id(Kind::Volume, record.source)) out.content_source.ensure().volume.ensure().volume_id = record.source;
  return out;
}

Result<ControllerService::Source> ControllerService::source_of(const CreateVolumeRequest& request) const {
  Source out;
  if (!request.volume_content_source) return out;
  if (const auto& from = request.volume_content_source->snapshot) {
    const SnapshotRecord* snapshot = deps_.store.snapshot(from->snapshot_id);
    if (!snapshot) return refused(Code::NotFound, "this node has no such snapshot");
    return Source{snapshot->id, deps_.store.image_of(*snapshot), snapshot->size_bytes, snapshot->file_system_bytes, snapshot->block, false};
  }
  if (const auto& from = request.volume_content_source->volume) {
    const VolumeRecord* volume = deps_.store.volume(from->volume_id);
    if (!volume) return refused(Code::NotFound, "this node has no such volume");
    return Source{volume->id, deps_.store.image_of(*volume), volume->size_bytes, volume->file_system_bytes, volume->block, true};
  }
  return refused(Code::InvalidArgument, "a volume is made of a snapshot or a volume");
}

ControllerService::Answer<CreateVolumeResponse> ControllerService::create_volume(rt::Context ctx, CreateVolumeRequest request) {
  CO_TRY(check_name("name", request.name));
  CO_TRY_ASSIGN(const Access access, parse_accesses(request.volume_capabilities));
  if (!request.mutable_parameters.empty()) co_return refused(Code::InvalidArgument, "mutable_parameters are not offered");
  CO_TRY_ASSIGN(const VolumeClass bounds, parse_class(request.parameters, deps_.store.pools()));
  CO_TRY(check_topology(request.accessibility_requirements.get(), deps_.node_name));
  VolumeRecord record;
  record.id = id_of(Kind::Volume, deps_.node_name, request.name);
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(record.id));
  const auto& from = request.volume_content_source;
  const std::string wanted_source = !from ? "" : from->snapshot ? from->snapshot->snapshot_id : from->volume ? from->volume->volume_id : "";
  if (const VolumeRecord* there = deps_.store.volume(record.id)) {
    if (!is_within(there->size_bytes, request.capacity_range.get()) || there->pool != bounds.pool || there->block != access.block ||
        there->fs_type != access.fs_type || there->source != wanted_source || there->size_bytes_min != bounds.size_bytes_min ||
        there->size_bytes_max != bounds.size_bytes_max)
      co_return refused(Code::AlreadyExists, "a volume of this name is there, and not as it is asked for");
    CreateVolumeResponse out;
    out.volume.emplace() = shown(*there);
    co_return std::move(out);
  }
  CO_TRY_ASSIGN(Source source, source_of(request));
  if (!source.id.empty() && source.block != access.block)
    co_return refused(Code::InvalidArgument, "the source is a disk and the volume a file system, or the other way round");
  CO_TRY_ASSIGN(record.size_bytes, choose_size(request.capacity_range.get(), bounds, source.size_bytes));
  record.name = std::move(request.name);
  record.pool = bounds.pool;
  record.size_bytes_min = bounds.size_bytes_min;
  record.size_bytes_max = bounds.size_bytes_max;
  record.block = access.block;
  record.fs_type = access.fs_type;
  record.source = source.id;
  record.fresh = source.id.empty();
  record.file_system_bytes = access.block ? 0 : source.id.empty() ? record.size_bytes : source.file_system_bytes;
  co_return co_await make_volume(std::move(ctx), std::move(record), std::move(source));
}

ControllerService::Answer<CreateVolumeResponse> ControllerService::make_volume(rt::Context ctx, VolumeRecord record, Source source) {
  std::optional<Operations::Held> held;
  std::optional<NodeVolumes::Quiet> quiet;
  if (source.live) {
    CO_TRY_ASSIGN(Operations::Held got, deps_.operations.begin(source.id));
    held.emplace(std::move(got));
    CO_TRY_ASSIGN(NodeVolumes::Quiet stopped, co_await deps_.node_volumes.quiet(*deps_.store.volume(source.id)));
    quiet.emplace(std::move(stopped));
  }
  const Result<Unit> added = co_await deps_.store.add_volume(std::move(ctx), record, source.image);
  if (quiet) co_await deps_.node_volumes.release(std::move(*quiet));
  if (!added) co_return Unexpected(added.error());
  CreateVolumeResponse out;
  out.volume.emplace() = shown(record);
  co_return std::move(out);
}

ControllerService::Answer<DeleteVolumeResponse> ControllerService::delete_volume(rt::Context, DeleteVolumeRequest request) {
  if (request.volume_id.empty()) co_return refused(Code::InvalidArgument, "volume_id is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  const VolumeRecord* record = deps_.store.volume(request.volume_id);
  if (!record) co_return DeleteVolumeResponse{};
  CO_TRY(co_await deps_.node_volumes.detach_unused(*record));
  CO_TRY(co_await deps_.store.remove_volume(request.volume_id));
  co_return DeleteVolumeResponse{};
}

ControllerService::Answer<ValidateVolumeCapabilitiesResponse> ControllerService::validate_capabilities(rt::Context,
                                                                                                       ValidateVolumeCapabilitiesRequest request) {
  if (request.volume_id.empty()) co_return refused(Code::InvalidArgument, "volume_id is required");
  if (request.volume_capabilities.empty()) co_return refused(Code::InvalidArgument, "volume capabilities are required");
  const VolumeRecord* record = deps_.store.volume(request.volume_id);
  if (!record) co_return refused(Code::NotFound, "this node has no such volume");
  ValidateVolumeCapabilitiesResponse out;
  const auto access = parse_accesses(request.volume_capabilities);
  const auto bounds = parse_class(request.parameters, deps_.store.pools());
  if (!access || !bounds) {
    out.message = net::grpc::description_of(access ? bounds.error() : access.error());
  } else if (access->block != record->block || bounds->pool != record->pool) {
    out.message = "the volume was made for something else";
  } else {
    auto& confirmed = out.confirmed.emplace();
    confirmed.volume_context = std::move(request.volume_context);
    confirmed.volume_capabilities = std::move(request.volume_capabilities);
    confirmed.parameters = std::move(request.parameters);
  }
  co_return std::move(out);
}

ControllerService::Answer<ListVolumesResponse> ControllerService::list_volumes(rt::Context, ListVolumesRequest request) {
  CO_TRY_ASSIGN(auto page, page_of(deps_.store.volumes(), Kind::Volume, request.max_entries, request.starting_token));
  ListVolumesResponse out;
  for (auto at = page.from; at != page.to; ++at) out.entries.emplace_back().volume.emplace() = shown(at->second);
  out.next_token = std::move(page.next);
  co_return std::move(out);
}

ControllerService::Answer<GetCapacityResponse> ControllerService::get_capacity(rt::Context, GetCapacityRequest request) {
  GetCapacityResponse out;
  if (!request.volume_capabilities.empty()) CO_TRY(parse_accesses(request.volume_capabilities));
  CO_TRY_ASSIGN(const VolumeClass bounds, parse_class(request.parameters, deps_.store.pools()));
  if (request.accessible_topology && !is_here(*request.accessible_topology, deps_.node_name)) co_return std::move(out);
  CO_TRY_ASSIGN(const int64_t available, co_await deps_.store.available_bytes(bounds.pool));
  out.available_capacity = available;
  out.maximum_volume_size.ensure().value = std::min(available, bounds.size_bytes_max);
  out.minimum_volume_size.ensure().value = bounds.size_bytes_min;
  co_return std::move(out);
}

ControllerService::Answer<ControllerGetCapabilitiesResponse> ControllerService::capabilities(rt::Context, ControllerGetCapabilitiesRequest) {
  using Type = ControllerServiceCapabilityRPCType;
  ControllerGetCapabilitiesResponse out;
  for (const int32_t type : {Type::CreateDeleteVolume, Type::ListVolumes, Type::GetCapacity, Type::CreateDeleteSnapshot, Type::ListSnapshots,
                             Type::CloneVolume, Type::ExpandVolume, Type::SingleNodeMultiWriter})
    out.capabilities.emplace_back().rpc.ensure().type = type;
  co_return std::move(out);
}

ControllerService::Answer<CreateSnapshotResponse> ControllerService::create_snapshot(rt::Context ctx, CreateSnapshotRequest request) {
  CO_TRY(check_name("name", request.name));
  if (request.source_volume_id.empty()) co_return refused(Code::InvalidArgument, "source_volume_id is required");
  for (const auto& [key, value] : request.parameters)
    if (!key.starts_with("csi.storage.k8s.io/")) co_return refused(Code::InvalidArgument, "snapshots have no parameter of that name");
  SnapshotRecord record;
  record.id = id_of(Kind::Snapshot, deps_.node_name, request.name);
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(record.id));
  if (const SnapshotRecord* there = deps_.store.snapshot(record.id)) {
    if (there->volume != request.source_volume_id) co_return refused(Code::AlreadyExists, "a snapshot of this name is there, of another volume");
    CreateSnapshotResponse out;
    out.snapshot.emplace() = shown_snapshot(*there);
    co_return std::move(out);
  }
  CO_TRY_ASSIGN(const auto held_source, deps_.operations.begin(request.source_volume_id));
  const VolumeRecord* source = deps_.store.volume(request.source_volume_id);
  if (!source) co_return refused(Code::NotFound, "this node has no such volume");
  const std::string image = deps_.store.image_of(*source);
  record.name = std::move(request.name);
  record.pool = source->pool;
  record.volume = source->id;
  record.size_bytes = source->size_bytes;
  record.file_system_bytes = source->file_system_bytes;
  record.block = source->block;
  record.fs_type = source->fs_type;
  CO_TRY_ASSIGN(NodeVolumes::Quiet quiet, co_await deps_.node_volumes.quiet(*source));
  record.created_seconds = std::chrono::duration_cast<std::chrono::seconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
  const Result<Unit> added = co_await deps_.store.add_snapshot(std::move(ctx), record, image);
  co_await deps_.node_volumes.release(std::move(quiet));
  if (!added) co_return Unexpected(added.error());
  CreateSnapshotResponse out;
  out.snapshot.emplace() = shown_snapshot(record);
  co_return std::move(out);
}

ControllerService::Answer<DeleteSnapshotResponse> ControllerService::delete_snapshot(rt::Context, DeleteSnapshotRequest request) {
  if (request.snapshot_id.empty()) co_return refused(Code::InvalidArgument, "snapshot_id is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.snapshot_id));
  CO_TRY(co_await deps_.store.remove_snapshot(request.snapshot_id));
  co_return DeleteSnapshotResponse{};
}

ControllerService::Answer<ListSnapshotsResponse> ControllerService::list_snapshots(rt::Context, ListSnapshotsRequest request) {
  std::map<std::string, SnapshotRecord, std::less<>> wanted;
  for (const auto& [id, record] : deps_.store.snapshots()) {
    if (!request.snapshot_id.empty() && id != request.snapshot_id) continue;
    if (request.source_volume_id.empty() || record.volume == request.source_volume_id) wanted.emplace(id, record);
  }
  CO_TRY_ASSIGN(auto page, page_of(wanted, Kind::Snapshot, request.max_entries, request.starting_token));
  ListSnapshotsResponse out;
  for (auto at = page.from; at != page.to; ++at) out.entries.emplace_back().snapshot.emplace() = shown_snapshot(at->second);
  out.next_token = std::move(page.next);
  co_return std::move(out);
}

ControllerService::Answer<ControllerExpandVolumeResponse> ControllerService::expand_volume(rt::Context, ControllerExpandVolumeRequest request) {
  if (request.volume_id.empty()) co_return refused(Code::InvalidArgument, "volume_id is required");
  if (!request.capacity_range) co_return refused(Code::InvalidArgument, "capacity_range is required");
  CO_TRY_ASSIGN(const auto held, deps_.operations.begin(request.volume_id));
  const VolumeRecord* record = deps_.store.volume(request.volume_id);
  if (!record) co_return refused(Code::NotFound, "this node has no such volume");
  ControllerExpandVolumeResponse out;
  out.node_expansion_required = true;
  out.capacity_bytes = record->size_bytes;
  if (request.capacity_range->required_bytes <= record->size_bytes) {
    if (!is_within(record->size_bytes, request.capacity_range.get())) co_return refused(Code::OutOfRange, "a volume never shrinks");
    co_return std::move(out);
  }
  VolumeClass bounds;
  if (record->size_bytes_max > 0) bounds.size_bytes_max = record->size_bytes_max;
  CO_TRY_ASSIGN(out.capacity_bytes, choose_size(request.capacity_range.get(), bounds, record->size_bytes));
  CO_TRY(co_await deps_.store.grow(request.volume_id, out.capacity_bytes));
  co_return std::move(out);
}

}  // namespace pintle::csi_local
