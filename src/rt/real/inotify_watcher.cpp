#include "rt/real/inotify_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

namespace pintle::rt {

namespace {
constexpr uint32_t directory_events =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
// How many links a path may lead through.
constexpr int links_max = 16;
}  // namespace

Result<std::unique_ptr<FileWatcher>> InotifyWatcher::make(std::vector<std::string> paths) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return Unexpected(io_status(errno, "inotify"));
  return std::make_unique<InotifyWatcher>(Fd::make(static_cast<RealExecutor&>(Executor::current()), fd), std::move(paths));
}

InotifyWatcher::InotifyWatcher(std::shared_ptr<Fd> fd, std::vector<std::string> paths) : fd_(std::move(fd)), paths_(std::move(paths)) { watch(); }

InotifyWatcher::~InotifyWatcher() { fd_->close(); }

void InotifyWatcher::watch() {
  for (const std::string& path : paths_) {
    std::string at = path;
    for (int i = 0; i < links_max; ++i) {
      watch_directory(parent_path(at));
      char target[PATH_MAX];
      const ssize_t length = ::readlink(at.c_str(), target, sizeof target);
      if (length <= 0) break;
      const std::string_view link(target, static_cast<std::size_t>(length));
      at = link[0] == '/' ? std::string(link) : parent_path(at) + "/" + std::string(link);
    }
    // A link higher up, as in ..data/tls.crt.
    if (char* real = ::realpath(path.c_str(), nullptr)) {
      watch_directory(parent_path(real));
      // A directory's own entries.
      (void)::inotify_add_watch(fd_->get(), real, directory_events | IN_ONLYDIR);
      std::free(real);
    }
  }
}

void InotifyWatcher::watch_directory(std::string path) {
  while (::inotify_add_watch(fd_->get(), path.c_str(), directory_events) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    std::string parent = parent_path(path);
    if (parent == path) return;
    path = std::move(parent);
  }
}

// True if there was any event.
bool InotifyWatcher::drain() {
  bool any = false;
  alignas(inotify_event) char buffer[4096];
  while (::read(fd_->get(), buffer, sizeof buffer) > 0) any = true;
  return any;
}

Task<Result<Unit>> InotifyWatcher::changed(Context ctx) {
  while (true) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (drain()) break;
    CO_TRY(co_await fd_->wait(Fd::Read, ctx));
  }
  watch();
  co_return Unit{};
}

}  // namespace pintle::rt
