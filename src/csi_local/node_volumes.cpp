#include "csi_local/node_volumes.h"

#include <algorithm>
#include <map>

#include "component/log.h"
#include "net/grpc/code.h"
#include "os/entries.h"
#include "os/machine.h"
#include "os/path.h"

namespace pintle::csi_local {

namespace {

using net::grpc::Code;

constexpr int fsck_repaired = 1;
constexpr uint32_t target_mode = 0750;
constexpr uint32_t new_root_mode = 0777;  // as other provisioners of folders: a pod without an fsGroup writes too
constexpr int mounts_on_one_target_max = 16;

Unexpected<Status> fails(Code code, std::string text) { return Unexpected<Status>(net::grpc::to_status(code, text)); }

Result<Attachment> find_attachment(const std::string& image) {
  Attachment out;
  TRY_ASSIGN(out.loop, os::loop_over(image));
  if (!out.loop) return out;
  TRY_ASSIGN(const auto table, os::mount_table());
  out.mounts = mounts_of(*out.loop, table);
  return out;
}

// As the mount table has it; as it is if it is not there.
std::string table_path(const std::string& path) {
  const auto real = os::resolved_parent(path);
  return real ? *real : path;
}

bool is_mounted(const std::string& path) {
  const auto mounted = os::is_mount_point(path);
  return mounted && *mounted;
}

bool has_flag(const Access& access, std::string_view flag) { return std::ranges::find(access.mount_flags, flag) != access.mount_flags.end(); }

Result<Unit> open_up(const std::string& staging) {
  TRY(os::set_mode(staging, new_root_mode));
  TRY(os::remove_if_empty(staging + "/lost+found"));  // programs that want an empty folder find one; fsck makes it anew
  return Unit{};
}

Result<Unit> bind_target(const std::string& source, const std::string& target, bool block, bool read_only) {
  if (block) {
    TRY(os::make_mount_file(target));
  } else {
    TRY(os::make_directory(target, target_mode));
  }
  return os::bind_mount(source, target, read_only, false);
}

// Takes away the volume's own mounts at a place, and says what is left of them.
Result<Unit> unbind_target(const std::string& image, const std::string& target) {
  for (int i = 0; i <= mounts_on_one_target_max; ++i) {
    TRY_ASSIGN(const Attachment found, find_attachment(image));
    if (!found.is_at(target)) return Unit{};
    TRY(os::unmount(target));
  }
  return error(Reason::Conflict, target + " has more mounts than can be");
}

// What a bind mount lay on: an empty folder or file. Whatever else is there stays.
Result<Unit> remove_target(const std::string& target) {
  if (is_mounted(target)) return fails(Code::FailedPrecondition, "something else is mounted at " + target);
  const auto file = os::remove_mount_file(target);
  if (!file) return Unexpected(file.error());
  if (*file) return Unit{};
  TRY_ASSIGN(const bool removed, os::remove_if_empty(target));
  if (!removed || os::real_path(target)) return fails(Code::FailedPrecondition, target + " is no mount and not empty: it is left alone");
  return Unit{};
}

}  // namespace

bool Attachment::is_at(std::string_view path) const { return std::ranges::find(mounts, path, &os::MountEntry::mount_point) != mounts.end(); }

std::vector<os::MountEntry> mounts_of(const os::LoopDevice& loop, const std::vector<os::MountEntry>& table) {
  std::map<std::string_view, const os::MountEntry*> on_top;
  for (const os::MountEntry& entry : table) on_top[entry.mount_point] = &entry;
  const std::string node = loop.path.substr(loop.path.rfind('/'));
  std::vector<os::MountEntry> out;
  for (const os::MountEntry& entry : table) {
    const bool of_node = entry.root == node && (entry.fs_type == "devtmpfs" || entry.fs_type == "tmpfs");
    if ((entry.device == loop.numbers || of_node) && on_top[entry.mount_point] == &entry) out.push_back(entry);
  }
  return out;
}

rt::Task<Result<Attachment>> NodeVolumes::attachment(std::string image) {
  Result<Attachment> out;
  co_await runtime_.run_blocking([&] { out = find_attachment(image); });
  if (!out) co_return Unexpected(std::move(out).error());
  co_return std::move(*out);
}

rt::Task<Result<Unit>> NodeVolumes::recover() {
  for (const auto& [id, record] : store_.volumes()) {
    if (record.block) continue;
    const std::string image = store_.image_of(record);
    CO_TRY_ASSIGN(const Attachment found, co_await attachment(image));
    if (found.mounts.empty()) continue;
    Result<Unit> thawed;
    co_await runtime_.run_blocking([&] { thawed = os::thaw_file_system(found.mounts.front().mount_point); });
    if (!thawed) co_return thawed;
  }
  co_return Unit{};
}

rt::Task<Result<NodeVolumes::Quiet>> NodeVolumes::quiet(VolumeRecord record) {
  CO_TRY_ASSIGN(const Attachment found, co_await attachment(store_.image_of(record)));
  if (!found.loop) co_return Quiet{};
  if (record.block) {
    if (!store_.shares_blocks(record.pool))
      co_return fails(Code::FailedPrecondition,
                      "the disk is in use, and this node's file system cannot share blocks: it is copied when no pod has it");
    co_return Quiet{};
  }
  if (found.mounts.empty()) co_return Quiet{};
  Quiet out{found.mounts.front().mount_point};
  Result<Unit> frozen;
  co_await runtime_.run_blocking([&] { frozen = os::freeze_file_system(out.mount_point); });
  if (!frozen) co_return Unexpected(std::move(frozen).error());
  co_return std::move(out);
}

rt::Task<void> NodeVolumes::release(Quiet quiet) {
  if (quiet.mount_point.empty()) co_return;
  Result<Unit> thawed;
  co_await runtime_.run_blocking([&] { thawed = os::thaw_file_system(quiet.mount_point); });
  if (!thawed) component::log::error("A file system that was stopped for a copy does not go on", thawed.error(), {{"mount", quiet.mount_point}});
}

rt::Task<Result<Unit>> NodeVolumes::detach_unused(VolumeRecord record) {
  const std::string image = store_.image_of(record);
  CO_TRY_ASSIGN(const Attachment found, co_await attachment(image));
  if (!found.loop) co_return Unit{};
  if (!found.mounts.empty()) co_return fails(Code::FailedPrecondition, "the volume is in use: it is mounted at " + found.mounts.front().mount_point);
  if (record.block) co_return fails(Code::FailedPrecondition, "the volume is in use: it is staged as " + found.loop->path);
  Result<Unit> done;
  co_await runtime_.run_blocking([&] { done = os::detach_loops_over(image); });
  co_return std::move(done);
}

rt::Task<Result<Unit>> NodeVolumes::stage(rt::Context ctx, VolumeRecord record, Access access, std::string staging) {
  const std::string image = store_.image_of(record), at = table_path(staging);
  CO_TRY_ASSIGN(Attachment found, co_await attachment(image));
  Result<Unit> ready;
  co_await runtime_.run_blocking([&] {
    if (!found.is_at(at) && !record.block && is_mounted(at)) {
      ready = fails(Code::FailedPrecondition, "something else is mounted at " + at);
    } else if (found.loop) {
      ready = os::resize_loop(*found.loop);  // it may have grown since
    } else {
      auto attached = os::attach_loop(image);
      if (attached) found.loop = std::move(*attached);
      ready = attached ? Result<Unit>(Unit{}) : Result<Unit>(Unexpected(attached.error()));
    }
    if (ready && !record.block) ready = os::make_directories(staging, target_mode);
  });
  if (!ready || record.block) co_return ready;
  if (found.is_at(at)) co_return co_await finish_staged(std::move(record), std::move(access), at);  // by an earlier call, which may have ended there
  co_return co_await mount_staged(std::move(ctx), std::move(record), std::move(access), std::move(found), at);
}

rt::Task<Result<Unit>> NodeVolumes::mount_staged(rt::Context ctx, VolumeRecord record, Access access, Attachment at, std::string staging) {
  const std::string device = at.loop->path;
  if (at.mounts.empty()) CO_TRY(co_await check_and_grow(ctx, record, device));
  std::string options = "discard";
  for (const std::string& flag : access.mount_flags) options += "," + flag;
  std::vector<std::string> argv;
  for (const char* word : {"mount", "-t", "ext4", "-o"}) argv.emplace_back(word);
  argv.push_back(options);
  argv.push_back(device);
  argv.push_back(staging);
  CO_TRY(co_await run_tool(ctx, std::move(argv)));
  co_return co_await finish_staged(std::move(record), std::move(access), std::move(staging));
}

rt::Task<Result<Unit>> NodeVolumes::finish_staged(VolumeRecord record, Access access, std::string staging) {
  if (!record.fresh || has_flag(access, "ro")) co_return Unit{};
  Result<Unit> opened;
  co_await runtime_.run_blocking([&] { opened = open_up(staging); });
  CO_TRY(std::move(opened));
  VolumeRecord opened_record = *store_.volume(record.id);  // its file system may have grown
  opened_record.fresh = false;
  co_return co_await store_.update(std::move(opened_record));
}

rt::Task<Result<Unit>> NodeVolumes::check_and_grow(rt::Context ctx, VolumeRecord record, std::string device) {
  const bool grows = record.file_system_bytes < record.size_bytes;
  std::vector<std::string> argv;
  argv.emplace_back("e2fsck");
  argv.emplace_back(grows ? "-fp" : "-p");  // resize2fs wants a whole check
  argv.push_back(device);
  CO_TRY(co_await run_tool(ctx, std::move(argv), fsck_repaired));
  if (grows) CO_TRY(co_await grow_file_system(std::move(ctx), std::move(record), device));
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeVolumes::grow_file_system(rt::Context ctx, VolumeRecord record, std::string device) {
  std::vector<std::string> argv;
  argv.emplace_back("resize2fs");
  argv.push_back(device);
  CO_TRY(co_await run_tool(std::move(ctx), std::move(argv)));
  record.file_system_bytes = record.size_bytes;
  co_return co_await store_.update(std::move(record));
}

rt::Task<Result<Unit>> NodeVolumes::unstage(std::optional<VolumeRecord> record, std::string staging) {
  const std::string at = table_path(staging);
  Result<Unit> done = Unit{};
  if (!record) {
    co_await runtime_.run_blocking([&] {
      if (is_mounted(at)) done = fails(Code::FailedPrecondition, "this node has no such volume, and what is mounted at " + at + " is left alone");
    });
    co_return std::move(done);
  }
  const std::string image = store_.image_of(*record);
  co_await runtime_.run_blocking([&] {
    auto found = find_attachment(image);
    if (found && found->is_at(at)) done = os::unmount(at);
    if (found && done) found = find_attachment(image);
    if (!found) done = Unexpected(found.error());
    if (done && found->loop && found->mounts.empty()) done = os::detach_loops_over(image);
  });
  co_return std::move(done);
}

rt::Task<Result<Unit>> NodeVolumes::publish(VolumeRecord record, Access access, std::string staging, std::string target) {
  const std::string at = table_path(target), staged = table_path(staging);
  CO_TRY_ASSIGN(const Attachment found, co_await attachment(store_.image_of(record)));
  if (!found.loop || (!record.block && !found.is_at(staged))) co_return fails(Code::FailedPrecondition, "the volume is not staged at " + staging);
  std::vector<std::string> targets;
  for (const std::string& other : record.targets)
    if (other != at && found.is_at(other)) targets.push_back(other);
  if (access.single_writer && !targets.empty()) co_return fails(Code::FailedPrecondition, "the volume has its single writer at " + targets.front());
  if (targets.size() >= targets_max) co_return fails(Code::ResourceExhausted, "the volume is published " + std::to_string(targets_max) + " times");
  targets.push_back(at);
  if (targets != record.targets) {
    record.targets = targets;
    CO_TRY(co_await store_.update(record));
  }
  if (found.is_at(at)) co_return Unit{};
  const std::string source = record.block ? found.loop->path : staged;
  const bool read_only = access.read_only || has_flag(access, "ro");
  Result<Unit> bound;
  co_await runtime_.run_blocking([&] { bound = bind_target(source, at, record.block, read_only); });
  co_return std::move(bound);
}

rt::Task<Result<Unit>> NodeVolumes::unpublish(std::optional<VolumeRecord> record, std::string target) {
  const std::string at = table_path(target);
  Result<Unit> done;
  const std::string image = record ? store_.image_of(*record) : std::string();
  co_await runtime_.run_blocking([&] {
    done = record ? unbind_target(image, at) : Result<Unit>(Unit{});
    if (done) done = remove_target(at);
  });
  CO_TRY(std::move(done));
  if (!record || std::erase(record->targets, at) == 0) co_return Unit{};
  co_return co_await store_.update(std::move(*record));
}

rt::Task<Result<VolumeStats>> NodeVolumes::stats(VolumeRecord record, std::string path) {
  const std::string at = table_path(path);
  CO_TRY_ASSIGN(const Attachment found, co_await attachment(store_.image_of(record)));
  if (!found.is_at(at)) co_return fails(Code::NotFound, "the volume is not at that path");
  VolumeStats out;
  out.block = record.block;
  out.total_bytes = record.size_bytes;
  if (record.block) co_return std::move(out);
  Result<os::FileSystemUsage> usage;
  co_await runtime_.run_blocking([&] { usage = os::file_system_usage(at); });
  if (!usage) co_return Unexpected(std::move(usage).error());
  out.total_bytes = static_cast<int64_t>(usage->capacity_bytes);
  out.used_bytes = static_cast<int64_t>(usage->used_bytes);
  out.available_bytes = static_cast<int64_t>(usage->available_bytes);
  out.inodes = static_cast<int64_t>(usage->inodes);
  out.inodes_free = static_cast<int64_t>(usage->inodes_free);
  out.inodes_used = out.inodes - out.inodes_free;
  co_return std::move(out);
}

rt::Task<Result<Unit>> NodeVolumes::expand(rt::Context ctx, VolumeRecord record, std::string path) {
  const std::string at = table_path(path);
  CO_TRY_ASSIGN(const Attachment found, co_await attachment(store_.image_of(record)));
  if (!found.loop || !found.is_at(at)) co_return fails(Code::NotFound, "the volume is not at that path");
  Result<Unit> resized;
  co_await runtime_.run_blocking([&] { resized = os::resize_loop(*found.loop); });
  CO_TRY(std::move(resized));
  if (record.block || record.file_system_bytes >= record.size_bytes) co_return Unit{};
  const std::string device = found.loop->path;
  const auto grown = co_await grow_file_system(std::move(ctx), std::move(record), device);
  if (!grown) co_return error(grown.error().reason, "it grows when it is staged next; while it is mounted it did not: " + grown.error().message);
  co_return Unit{};
}

}  // namespace pintle::csi_local
