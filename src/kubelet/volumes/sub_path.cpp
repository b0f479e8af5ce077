#include "kubelet/volumes/sub_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "codec/json_text.h"
#include "os/mount.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::volumes {

namespace {

// Opens the path inside the volume, making it if nothing is there.
Result<os::UniqueFd> open_or_make(const SubPath& sub_path) {
  auto found = os::open_below(sub_path.volume_path, sub_path.path);
  if (found || found.error().reason != Reason::NotFound) return found;
  struct stat info {};
  if (::stat(sub_path.volume_path.c_str(), &info) != 0) return os::system_error(errno, sub_path.volume_path);
  return os::make_directories_below(sub_path.volume_path, sub_path.path, info.st_mode & 07777);
}

// An empty file or directory to mount on, of the kind of what is mounted.
Result<Unit> make_target(const std::string& target, bool directory) {
  TRY(os::unmount(target, true));
  TRY(os::remove_tree(target));
  TRY(os::make_directories(target.substr(0, target.rfind('/')), 0750));
  if (directory) return os::make_directory(target, 0750);
  const os::UniqueFd fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (!fd) return os::system_error(errno, target);
  return Unit{};
}

Result<Unit> mount_opened(const os::UniqueFd& opened, const std::string& target) {
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0) return os::system_error(errno, "subPath");
  TRY(make_target(target, S_ISDIR(info.st_mode)));
  return os::bind_mount(os::fd_path(opened.get()), target, false, true);
}

Unexpected<Status> failed(std::string_view what, const SubPath& sub_path, const Status& why, std::string* log) {
  if (log) *log = why.message;
  return error(Reason::InternalError, "failed to " + std::string(what) + " for volumeMount " + codec::go_quote(sub_path.volume) + " of container " +
                                          codec::go_quote(sub_path.container));
}

}  // namespace

Result<std::string> prepare_sub_path(const Paths& paths, const SubPath& sub_path, std::string* log) {
  const auto opened = open_or_make(sub_path);
  // What leads out of the volume is there, and refused.
  const bool leads_out = !opened && opened.error().reason == Reason::Forbidden;
  if (!opened) return failed(leads_out ? "prepare subPath" : "create subPath directory", sub_path, opened.error(), log);
  const std::string target =
      paths.subpaths(sub_path.pod_uid) + "/" + sub_path.volume + "/" + sub_path.container + "/" + std::to_string(sub_path.index);
  const auto mounted = mount_opened(*opened, target);
  if (!mounted) return failed("prepare subPath", sub_path, mounted.error(), log);
  return target;
}

}  // namespace pintle::kubelet::volumes
