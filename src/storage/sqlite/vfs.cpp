#include "storage/sqlite/vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <map>
#include <new>
#include <span>
#include <thread>

#include "base/mutex.h"
#include "storage/sqlite/shared_file.h"

namespace pintle::storage {

struct Vfs::State {
  State(rt::Disk& d, const rt::Clock& c, rt::Random& r) : disk(d), clock(c), random(r) {}
  rt::Disk& disk;
  const rt::Clock& clock;
  rt::Random& random;
  std::string name;
  sqlite3_vfs vfs{};
  mutable ThreadMutex mutex;
  Status last_error GUARDED_BY(mutex);
  std::map<std::string, std::weak_ptr<SharedFile>> shared GUARDED_BY(mutex);  // by path, of open database files

  // Remembers what went wrong and makes it SQLite's code.
  int failed(const Status& status, int code) {
    ThreadLock lock(mutex);
    last_error = status;
    return rt::is_disk_full(status) ? SQLITE_FULL : code;
  }
  std::shared_ptr<SharedFile> share(const std::string& path) {
    ThreadLock lock(mutex);
    auto& slot = shared[path];
    auto file = slot.lock();
    if (!file) slot = file = std::make_shared<SharedFile>();
    return file;
  }
};

namespace {

// What SQLite allocates for a file; `base` first, as it only knows that.
struct OpenFile {
  sqlite3_file base{};
  Vfs::State* state = nullptr;
  std::string path;
  std::unique_ptr<rt::File> file;
  std::shared_ptr<SharedFile> shared;  // of a database file
  SharedFile::Member member;
  bool in_shm = false;
  bool name_synced = false;
};

OpenFile& self(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

int close_file(sqlite3_file* file) {
  OpenFile& open = self(file);
  if (open.in_shm) open.shared->shm_unmap(open.member);
  if (open.shared) open.shared->unlock(open.member, SQLITE_LOCK_NONE);
  open.~OpenFile();
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int bytes, sqlite3_int64 offset) {
  OpenFile& open = self(file);
  const std::span<char> span(static_cast<char*>(out), static_cast<std::size_t>(bytes));
  auto got = open.file->read_at(static_cast<uint64_t>(offset), span);
  if (!got) return open.state->failed(got.error(), SQLITE_IOERR_READ);
  if (*got == span.size()) return SQLITE_OK;
  std::memset(span.data() + *got, 0, span.size() - *got);  // SQLite relies on it
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  OpenFile& open = self(file);
  auto done = open.file->write_at(static_cast<uint64_t>(offset), {static_cast<const char*>(data), static_cast<std::size_t>(bytes)});
  return done ? SQLITE_OK : open.state->failed(done.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  OpenFile& open = self(file);
  auto done = open.file->truncate(static_cast<uint64_t>(size));
  return done ? SQLITE_OK : open.state->failed(done.error(), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* file, int) {
  OpenFile& open = self(file);
  if (auto done = open.file->sync(); !done) return open.state->failed(done.error(), SQLITE_IOERR_FSYNC);
  if (!open.name_synced) {
    if (auto done = open.state->disk.sync_directory(rt::parent_path(open.path)); !done) {
      return open.state->failed(done.error(), SQLITE_IOERR_DIR_FSYNC);
    }
    open.name_synced = true;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* out) {
  OpenFile& open = self(file);
  auto size = open.file->size();
  if (!size) return open.state->failed(size.error(), SQLITE_IOERR_FSTAT);
  *out = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) { return self(file).shared ? self(file).shared->lock(self(file).member, level) : SQLITE_OK; }

int unlock_file(sqlite3_file* file, int level) {
  if (self(file).shared) self(file).shared->unlock(self(file).member, level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* out) {
  *out = self(file).shared && self(file).shared->reserved() ? 1 : 0;
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN; }

int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** out) {
  OpenFile& open = self(file);
  if (!open.in_shm) {
    open.shared->join_shm();
    open.in_shm = true;
  }
  *out = open.shared->map(region, bytes, extend != 0);
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int first, int count, int flags) { return self(file).shared->shm_lock(self(file).member, first, count, flags); }

void shm_barrier(sqlite3_file* file) { self(file).shared->barrier(); }

int shm_unmap(sqlite3_file* file, int) {
  OpenFile& open = self(file);
  if (open.in_shm) open.shared->shm_unmap(open.member);
  open.in_shm = false;
  return SQLITE_OK;
}

const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Vfs::State& state_of(sqlite3_vfs* vfs) { return *static_cast<Vfs::State*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* out_flags) {
  Vfs::State& state = state_of(vfs);
  auto* open = new (out) OpenFile;
  open->state = &state;
  // Temporary files have no name; with temp_store=MEMORY there are none.
  if (path == nullptr) {
    open->~OpenFile();
    out->pMethods = nullptr;
    return SQLITE_CANTOPEN;
  }
  open->path = path;
  rt::OpenOptions options;
  options.write = (flags & SQLITE_OPEN_READWRITE) != 0;
  options.create = (flags & SQLITE_OPEN_CREATE) != 0;
  options.exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
  options.mode = 0600;
  auto file = state.disk.open(open->path, options);
  if (!file && (flags & SQLITE_OPEN_WAL) != 0 && state.disk.exists(open->path)) {
    // The disk has become read-only: what is in the log can still be read.
    const Status why = file.error();
    options = {};
    file = state.disk.open(open->path, options);
    if (!file) file = Unexpected(why);
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  }
  if (!file) {
    open->~OpenFile();
    out->pMethods = nullptr;
    return state.failed(file.error(), SQLITE_CANTOPEN);
  }
  open->file = std::move(*file);
  open->name_synced = !options.create;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) open->shared = state.share(open->path);
  open->base.pMethods = &methods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  Vfs::State& state = state_of(vfs);
  auto done = state.disk.remove(path);
  if (!done) return done.error().reason == Reason::NotFound ? SQLITE_IOERR_DELETE_NOENT : state.failed(done.error(), SQLITE_IOERR_DELETE);
  if (sync_directory != 0) {
    if (auto synced = state.disk.sync_directory(rt::parent_path(path)); !synced) return state.failed(synced.error(), SQLITE_IOERR_DIR_FSYNC);
  }
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* path, int, int* out) {
  auto stat = state_of(vfs).disk.stat(path);
  // As SQLite's own: an empty journal or log counts as none.
  *out = stat && stat->size_bytes > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int bytes, char* out) {
  if (std::strlen(path) >= static_cast<std::size_t>(bytes)) return SQLITE_CANTOPEN;
  std::strcpy(out, path);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
  state_of(vfs).random.fill(std::as_writable_bytes(std::span(out, static_cast<std::size_t>(bytes))));
  return bytes;
}

// Between looks at a lock that another connection holds for some instructions: its thread may have lost its processor just
// then, and SQLite gives up (SQLITE_PROTOCOL) after a hundred looks. Only threads meet here: a simulated machine has one.
int sleep_us(sqlite3_vfs*, int us) {
  std::this_thread::sleep_for(std::chrono::microseconds(us));
  return us;
}

int time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  constexpr sqlite3_int64 julian_epoch_ms = 210866760000000;
  const auto now = state_of(vfs).clock.wall_now().time_since_epoch();
  *out = julian_epoch_ms + std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return SQLITE_OK;
}

int last_system_error(sqlite3_vfs*, int, char*) { return 0; }

// Once in a process, before SQLite starts: no global memory statistics, which every allocation would lock for.
void configure_sqlite() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

Vfs::Vfs(rt::Disk& disk, const rt::Clock& clock, rt::Random& random) : state_(std::make_unique<State>(disk, clock, random)) {
  configure_sqlite();
  static std::atomic<uint64_t> count = 0;
  state_->name = "pintle-" + std::to_string(++count);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(OpenFile);
  vfs.mxPathname = 4096;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep_us;
  vfs.xGetLastError = last_system_error;
  vfs.xCurrentTimeInt64 = time_ms;
  sqlite3_vfs_register(&vfs, 0);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& Vfs::name() const { return state_->name; }

Status Vfs::last_error() const {
  ThreadLock lock(state_->mutex);
  return state_->last_error;
}

}  // namespace pintle::storage
