#include "csi_local/volume_store.h"

#include <algorithm>

#include "base/check.h"
#include "component/log.h"
#include "net/grpc/code.h"
#include "os/entries.h"
#include "os/image_file.h"
#include "os/machine.h"
#include "os/path.h"
#include "os/program.h"
#include "os/replace_file.h"
#include "rt/file.h"

namespace pintle::csi_local {

namespace {

namespace log = component::log;
using net::grpc::Code;

std::string kind_folder(Kind kind) { return kind == Kind::Volume ? "/volumes" : "/snapshots"; }
const char* record_file(Kind kind) { return kind == Kind::Volume ? "/volume.json" : "/snapshot.json"; }

Result<std::string> read_record(rt::Disk& disk, const std::string& folder, Kind kind) {
  return disk.read(folder + record_file(kind), record_bytes_max);
}

template <class Record>
void keep(Result<Record> record, const std::string& folder, std::string_view pool, std::vector<Record>& out) {
  if (record && record->pool == pool && folder.ends_with("/" + record->id)) return out.push_back(std::move(*record));
  const Status why = record ? Status{Reason::Invalid, 0, "it is another's", {}} : record.error();
  log::error("A record cannot be read: what it is of is left alone", why, {{"folder", folder}});
}

}  // namespace

int64_t to_come_bytes(std::span<const ImageUse> images) {
  int64_t out = 0;
  for (const ImageUse& image : images) out += std::max<int64_t>(0, image.size_bytes - image.taken_bytes);
  return out;
}

int64_t promisable_bytes(const Pool& pool, const Room& room) {
  int64_t out = room.available_bytes - room.to_come_bytes;
  if (pool.capacity_bytes > 0) out = std::min(out, pool.capacity_bytes - room.promised_bytes - room.snapshots_bytes);
  return std::max<int64_t>(0, out);
}

rt::Task<Result<Unit>> run_tool(rt::Context ctx, std::vector<std::string> argv, int good_exit_max) {
  const std::string program = argv.front();
  const auto output = co_await os::run_program(std::move(ctx), std::move(argv), program_limit);
  if (!output) co_return error(output.error().reason, program + ": " + output.error().message);
  if (output->exit.signal == 0 && output->exit.code >= 0 && output->exit.code <= good_exit_max) co_return Unit{};
  co_return error(Reason::InternalError, program + ": " + output->exit.text() + ": " + os::shown_output(*output));
}

// What a pool's images take of the disk, by volume.
struct VolumeStore::Taken {
  std::map<std::string, int64_t, std::less<>> volumes;
  int64_t snapshots_bytes = 0;

  static Result<Taken> of(rt::Disk& disk, const std::string& directory) {
    Taken out;
    for (const Kind kind : {Kind::Volume, Kind::Snapshot}) {
      TRY_ASSIGN(const std::vector<std::string> names, disk.list(directory + kind_folder(kind)));
      for (const std::string& name : names) {
        const auto image = os::tree_usage(directory + kind_folder(kind) + "/" + name + "/image");
        if (!image) continue;  // it has just gone
        if (kind == Kind::Volume) out.volumes[name] = static_cast<int64_t>(image->bytes);
        if (kind == Kind::Snapshot) out.snapshots_bytes += static_cast<int64_t>(image->bytes);
      }
    }
    return out;
  }
};

struct VolumeStore::Loaded {
  uint64_t file_system = 0;
  std::string directory;
  std::unique_ptr<os::ProcessLock> lock;
  bool shares_blocks = false;
  std::vector<VolumeRecord> volumes;
  std::vector<SnapshotRecord> snapshots;

  static Result<Loaded> from(rt::Disk& disk, const Pool& pool) {
    Loaded out;
    TRY(os::make_directories(pool.directory, 0700));
    TRY_ASSIGN(out.directory, os::real_path(pool.directory));
    TRY_ASSIGN(out.lock, os::ProcessLock::take(out.directory + "/lock"));
    TRY(os::remove_tree(out.directory + "/work"));
    TRY(os::make_directory(out.directory + "/work", 0700));
    for (const Kind kind : {Kind::Volume, Kind::Snapshot}) {
      const std::string folder = out.directory + kind_folder(kind);
      TRY(os::make_directory(folder, 0700));
      TRY_ASSIGN(const std::vector<std::string> names, disk.list(folder));
      for (const std::string& name : names) {
        const std::string at = folder + "/" + name;
        const auto text = read_record(disk, at, kind);
        const std::string found = text ? *text : std::string();
        if (kind == Kind::Volume) {
          keep(parse_volume(found), at, pool.name, out.volumes);
        } else {
          keep(parse_snapshot(found), at, pool.name, out.snapshots);
        }
      }
    }
    out.shares_blocks = os::can_share_blocks(out.directory);
    TRY_ASSIGN(out.file_system, os::file_system_id(out.directory));
    return out;
  }
};

// Bytes that are promised to a volume which is not there yet.
class VolumeStore::Promise {
 public:
  Promise(VolumeStore& store, std::string pool, int64_t bytes) : store_(store), pool_(std::move(pool)), bytes_(bytes) {}
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  ~Promise() { store_.in_making_bytes_[pool_] -= bytes_; }

 private:
  VolumeStore& store_;
  std::string pool_;
  int64_t bytes_;
};

VolumeStore::VolumeStore(rt::Runtime& runtime, std::vector<Pool> pools) : runtime_(runtime), pools_(std::move(pools)) {}

rt::Task<Result<Unit>> VolumeStore::open() {
  for (Pool& pool : pools_) {
    Result<Loaded> loaded;
    co_await runtime_.run_blocking([&] { loaded = Loaded::from(runtime_.disk(), pool); });
    if (!loaded) co_return Unexpected(std::move(loaded).error());
    locks_.push_back(std::move(loaded->lock));
    pool.directory = loaded->directory;
    shares_blocks_[pool.name] = loaded->shares_blocks;
    file_systems_[pool.name] = loaded->file_system;
    for (VolumeRecord& record : loaded->volumes) volumes_.emplace(record.id, std::move(record));
    for (SnapshotRecord& record : loaded->snapshots) snapshots_.emplace(record.id, std::move(record));
  }
  co_return Unit{};
}

const VolumeRecord* VolumeStore::volume(std::string_view id) const {
  const auto found = volumes_.find(id);
  return found == volumes_.end() ? nullptr : &found->second;
}

const SnapshotRecord* VolumeStore::snapshot(std::string_view id) const {
  const auto found = snapshots_.find(id);
  return found == snapshots_.end() ? nullptr : &found->second;
}

const Pool& VolumeStore::pool_named(std::string_view name) const {
  const auto found = std::ranges::find(pools_, name, &Pool::name);
  CHECK(found != pools_.end(), "records of other pools are not kept");
  return *found;
}

std::string VolumeStore::folder_of(Kind kind, std::string_view pool, std::string_view id) const {
  return pool_named(pool).directory + kind_folder(kind) + "/" + std::string(id);
}

std::string VolumeStore::image_of(const VolumeRecord& record) const { return folder_of(Kind::Volume, record.pool, record.id) + "/image"; }
std::string VolumeStore::image_of(const SnapshotRecord& record) const { return folder_of(Kind::Snapshot, record.pool, record.id) + "/image"; }

bool VolumeStore::shares_blocks(std::string_view pool) const {
  const auto found = shares_blocks_.find(pool);
  return found != shares_blocks_.end() && found->second;
}

int64_t VolumeStore::promised_bytes(std::string_view pool) const {
  int64_t out = 0;
  if (const auto making = in_making_bytes_.find(pool); making != in_making_bytes_.end()) out = making->second;
  for (const auto& [id, record] : volumes_)
    if (record.pool == pool) out += record.size_bytes;
  return out;
}

// Blocks that are shared are nobody's alone: a copy takes its full size as it changes, and a snapshot as its volume does.
void VolumeStore::add_uses(const Pool& pool, const Taken& taken, std::vector<ImageUse>& out) const {
  const bool shares = shares_blocks(pool.name);
  for (const auto& [id, record] : volumes_) {
    if (record.pool != pool.name) continue;
    const auto found = taken.volumes.find(id);
    const bool own = !shares || record.source.empty();
    out.push_back({record.size_bytes, own && found != taken.volumes.end() ? found->second : 0});
  }
  for (const auto& [id, record] : snapshots_)
    if (shares && record.pool == pool.name) out.push_back({record.size_bytes, 0});
  if (const auto making = in_making_bytes_.find(pool.name); making != in_making_bytes_.end()) out.push_back({making->second, 0});
}

rt::Task<Result<int64_t>> VolumeStore::available_bytes(std::string pool) {
  const Pool& wanted = pool_named(pool);
  std::vector<const Pool*> beside;  // on the same file system, itself among them
  for (const Pool& other : pools_)
    if (file_systems_[other.name] == file_systems_[pool]) beside.push_back(&other);
  std::vector<Taken> taken;
  Result<os::FileSystemUsage> disk;
  Result<Unit> looked = Unit{};
  co_await runtime_.run_blocking([&] {
    for (const Pool* other : beside) {
      auto one = Taken::of(runtime_.disk(), other->directory);
      if (!one) {
        looked = Unexpected(std::move(one).error());
        return;
      }
      taken.push_back(std::move(*one));
    }
    disk = os::file_system_usage(wanted.directory);
  });
  CO_TRY(std::move(looked));
  if (!disk) co_return Unexpected(std::move(disk).error());
  Room room;
  std::vector<ImageUse> uses;
  for (std::size_t i = 0; i < beside.size(); ++i) {
    add_uses(*beside[i], taken[i], uses);
    if (beside[i] == &wanted) room.snapshots_bytes = taken[i].snapshots_bytes;
  }
  room.available_bytes = static_cast<int64_t>(disk->available_bytes);
  room.to_come_bytes = to_come_bytes(uses);
  room.promised_bytes = promised_bytes(pool);
  co_return promisable_bytes(wanted, room);
}

rt::Task<Result<Unit>> VolumeStore::promise(std::string pool, int64_t bytes) {
  const auto available = co_await available_bytes(pool);
  if (!available) co_return Unexpected(available.error());
  if (*available < bytes)
    co_return Unexpected(net::grpc::to_status(Code::ResourceExhausted, "path " + pool + " has " + std::to_string(*available) +
                                                                           " bytes that are promised to no other volume; " + std::to_string(bytes) +
                                                                           " are wanted"));
  in_making_bytes_[pool] += bytes;
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeStore::fill_volume(rt::Context ctx, const VolumeRecord& record, std::string work, std::string source_image) {
  const std::string image = work + "/image";
  Result<Unit> made;
  co_await runtime_.run_blocking([&] {
    made = os::remove_tree(work);
    if (made) made = os::make_directory(work, 0700);
    if (!made) return;
    const auto size = static_cast<uint64_t>(record.size_bytes);
    if (source_image.empty()) {
      made = os::make_image(image, size);
    } else {
      made = os::clone_image(source_image, image, [&] { return ctx.done(); });
    }
    if (made) made = os::grow_image(image, size);
  });
  CO_TRY(std::move(made));
  if (record.block || !source_image.empty()) co_return Unit{};
  std::vector<std::string> argv;
  for (const char* word : {"mkfs.ext4", "-F", "-q", "-m", "0", "-b", "4096"}) argv.emplace_back(word);
  argv.push_back(image);
  CO_TRY(co_await run_tool(ctx, std::move(argv)));
  Result<Unit> durable;
  co_await runtime_.run_blocking([&] { durable = os::grow_image(image, static_cast<uint64_t>(record.size_bytes)); });
  co_return std::move(durable);
}

rt::Task<Result<Unit>> VolumeStore::place(Kind kind, std::string pool, std::string id, std::string record) {
  const std::string work = pool_named(pool).directory + "/work/" + id, folder = folder_of(kind, pool, id);
  Result<Unit> done;
  co_await runtime_.run_blocking([&] {
    rt::Disk& disk = runtime_.disk();
    done = os::replace_file(work + record_file(kind), record, 0600, os::Durability::Synced);
    if (done) done = disk.rename(work, folder);
    if (done) done = disk.sync_directory(rt::parent_path(folder));
  });
  co_return std::move(done);
}

rt::Task<Result<Unit>> VolumeStore::take_away(Kind kind, std::string pool, std::string id) {
  const std::string gone = pool_named(pool).directory + "/work/" + id + ".gone", folder = folder_of(kind, pool, id);
  Result<Unit> done;
  co_await runtime_.run_blocking([&] {
    rt::Disk& disk = runtime_.disk();
    done = os::remove_tree(gone);
    if (done) done = disk.rename(folder, gone);
    if (done) done = disk.sync_directory(rt::parent_path(folder));
    if (done && !os::remove_tree(gone)) log::warning("What a volume had is removed at the next start", {{"folder", gone}});
  });
  co_return std::move(done);
}

rt::Task<Result<Unit>> VolumeStore::add_volume(rt::Context ctx, VolumeRecord record, std::string source_image) {
  if (volumes_.size() >= volumes_max)
    co_return Unexpected(net::grpc::to_status(Code::ResourceExhausted, "this node has " + std::to_string(volumes_max) + " volumes"));
  CO_TRY(co_await promise(record.pool, record.size_bytes));
  const Promise promised(*this, record.pool, record.size_bytes);
  const std::string work = pool_named(record.pool).directory + "/work/" + record.id;
  Result<Unit> done = co_await fill_volume(ctx, record, work, std::move(source_image));
  if (done) done = co_await place(Kind::Volume, record.pool, record.id, to_json(record));
  if (done) {
    volumes_[record.id] = record;
  } else {
    co_await runtime_.run_blocking([&] { (void)os::remove_tree(work); });
  }
  co_return std::move(done);
}

rt::Task<Result<Unit>> VolumeStore::remove_volume(std::string id) {
  const VolumeRecord* record = volume(id);
  if (!record) co_return Unit{};
  CO_TRY(co_await take_away(Kind::Volume, record->pool, id));
  volumes_.erase(id);
  co_return Unit{};
}

rt::Task<Result<Unit>> VolumeStore::update(VolumeRecord record) {
  const std::string path = folder_of(Kind::Volume, record.pool, record.id) + record_file(Kind::Volume), text = to_json(record);
  Result<Unit> done;
  co_await runtime_.run_blocking([&] { done = os::replace_file(path, text, 0600, os::Durability::Synced); });
  if (done) volumes_[record.id] = std::move(record);
  co_return std::move(done);
}

rt::Task<Result<Unit>> VolumeStore::grow(std::string id, int64_t size_bytes) {
  const VolumeRecord* found = volume(id);
  CHECK(found, "the caller found it");
  VolumeRecord record = *found;
  const int64_t more = size_bytes - record.size_bytes;
  CO_TRY(co_await promise(record.pool, more));
  const Promise promised(*this, record.pool, more);
  const std::string image = image_of(record);
  Result<Unit> done;
  co_await runtime_.run_blocking([&] { done = os::grow_image(image, static_cast<uint64_t>(size_bytes)); });
  CO_TRY(std::move(done));
  record.size_bytes = size_bytes;
  co_return co_await update(std::move(record));
}

rt::Task<Result<Unit>> VolumeStore::add_snapshot(rt::Context ctx, SnapshotRecord record, std::string source_image) {
  if (snapshots_.size() >= volumes_max)
    co_return Unexpected(net::grpc::to_status(Code::ResourceExhausted, "this node has " + std::to_string(volumes_max) + " snapshots"));
  // What a copy takes at most; shared blocks take none until the volume's change, and then as much at most.
  CO_TRY(co_await promise(record.pool, record.size_bytes));
  const Promise promised(*this, record.pool, record.size_bytes);
  const std::string work = pool_named(record.pool).directory + "/work/" + record.id, image = work + "/image";
  Result<Unit> done;
  co_await runtime_.run_blocking([&] {
    done = os::remove_tree(work);
    if (done) done = os::make_directory(work, 0700);
    if (done) done = os::clone_image(source_image, image, [&] { return ctx.done(); });
  });
  if (done) done = co_await place(Kind::Snapshot, record.pool, record.id, to_json(record));
  if (done) {
    snapshots_[record.id] = record;
  } else {
    co_await runtime_.run_blocking([&] { (void)os::remove_tree(work); });
  }
  co_return std::move(done);
}

rt::Task<Result<Unit>> VolumeStore::remove_snapshot(std::string id) {
  const SnapshotRecord* record = snapshot(id);
  if (!record) co_return Unit{};
  CO_TRY(co_await take_away(Kind::Snapshot, record->pool, id));
  snapshots_.erase(id);
  co_return Unit{};
}

}  // namespace pintle::csi_local
