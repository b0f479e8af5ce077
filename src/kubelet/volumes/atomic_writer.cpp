#include "kubelet/volumes/atomic_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <set>

#include "kubelet/volumes/ownership.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::kubelet::volumes {

namespace {

constexpr std::string_view data_link = "..data";
constexpr std::string_view data_link_tmp = "..data_tmp";

std::string_view first_element(std::string_view path) { return path.substr(0, path.find('/')); }

// "" if there is no such link.
std::string read_link(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

// "..2026_01_02_15_04_05.123456789": UTC.
std::string directory_name(rt::WallTime now, uint64_t random) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "..%Y_%m_%d_%H_%M_%S.", &parts);
  return text + std::to_string(random % 10'000'000'000ULL);
}

Result<Unit> write_one(const std::string& path, const PayloadFile& file) {
  const os::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return os::system_error(errno, path);
  std::string_view left = file.data;
  while (!left.empty()) {
    const ssize_t put = ::write(fd.get(), left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return os::system_error(errno, path);
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  if (file.uid && ::fchown(fd.get(), *file.uid, static_cast<gid_t>(-1)) != 0) return os::system_error(errno, path);
  if (::fchmod(fd.get(), file.mode & 07777) != 0) return os::system_error(errno, path);
  return Unit{};
}

Result<Unit> write_files(const std::string& directory, const Payload& payload) {
  TRY(os::make_directory(directory, 0755));
  for (const auto& [path, file] : payload) {
    const std::string full = directory + "/" + path;
    const std::string parent = full.substr(0, full.rfind('/'));
    if (parent != directory) TRY(os::make_directories(parent, 0755));
    TRY(write_one(full, file));
  }
  return Unit{};
}

// Whether the directory holds exactly these files. Modes are compared without what the fsGroup added.
bool holds(const std::string& directory, const Payload& payload, const std::optional<uint32_t>& fs_group) {
  std::size_t files = 0;
  const auto counted = os::visit_tree(directory, [&](const os::TreeEntry& entry) -> Result<Unit> {
    if (S_ISREG(entry.mode)) ++files;
    return Unit{};
  });
  if (!counted || files != payload.size()) return false;
  for (const auto& [path, file] : payload) {
    const std::string full = directory + "/" + path;
    struct stat info {};
    if (::lstat(full.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || static_cast<std::size_t>(info.st_size) != file.data.size()) return false;
    const uint32_t wanted = fs_group ? file.mode | group_read_bits : file.mode;
    if ((info.st_mode & 07777) != wanted || (fs_group && info.st_gid != *fs_group) || (file.uid && info.st_uid != *file.uid)) return false;
    const auto content = os::read_file(full);
    if (!content || *content != file.data) return false;
  }
  return true;
}

Result<Unit> switch_link(const std::string& link, const std::string& tmp, const std::string& target) {
  ::unlink(tmp.c_str());
  if (::symlink(target.c_str(), tmp.c_str()) != 0) return os::system_error(errno, tmp);
  if (::rename(tmp.c_str(), link.c_str()) != 0) return os::system_error(errno, link);
  return Unit{};
}

// The links that users see: one for each first path element, and no other.
Result<Unit> settle_user_links(const std::string& volume, const Payload& payload) {
  std::set<std::string, std::less<>> wanted;
  for (const auto& [path, file] : payload) wanted.emplace(first_element(path));
  for (const std::string& name : wanted) {
    const std::string link = volume + "/" + name;
    const std::string target = std::string(data_link) + "/" + name;
    if (read_link(link) == target) continue;
    TRY(os::remove_tree(link));
    if (::symlink(target.c_str(), link.c_str()) != 0) return os::system_error(errno, link);
  }
  std::set<std::string> stale;
  TRY_ASSIGN(const auto names, list_names(volume));
  for (const std::string& name : names)
    if (!name.starts_with("..") && !wanted.contains(name)) stale.insert(name);
  for (const std::string& name : stale) TRY(os::remove_tree(volume + "/" + name));
  return Unit{};
}

// Directories of writes that were replaced or cut short.
Result<Unit> remove_old(const std::string& volume, std::string_view current) {
  TRY_ASSIGN(const auto names, list_names(volume));
  for (const std::string& name : names)
    if (name.starts_with("..") && name != data_link && name != current) TRY(os::remove_tree(volume + "/" + name));
  return Unit{};
}

}  // namespace

Result<bool> write_payload(const AtomicWrite& write) {
  TRY(check_payload(write.payload));
  const std::string link = write.volume + "/" + std::string(data_link);
  const std::string before = read_link(link);
  if (!before.empty() && before.find('/') == std::string::npos && holds(write.volume + "/" + before, write.payload, write.fs_group)) {
    TRY(settle_user_links(write.volume, write.payload));
    TRY(remove_old(write.volume, before));
    return false;
  }
  const std::string name = directory_name(write.now, write.random);
  const std::string directory = write.volume + "/" + name;
  TRY(os::remove_tree(directory));
  const std::string tmp = write.volume + "/" + std::string(data_link_tmp);
  auto written = write_files(directory, write.payload);
  if (written && write.fs_group) written = own_by_group(write.volume, *write.fs_group, true, false);
  if (written) written = switch_link(link, tmp, name);
  if (!written) {
    // A full disk is not to be filled with what nobody will read.
    (void)os::remove_tree(directory);
    (void)os::remove_tree(tmp);
    return Unexpected(std::move(written).error());
  }
  TRY(settle_user_links(write.volume, write.payload));
  TRY(remove_old(write.volume, name));
  return true;
}

}  // namespace pintle::kubelet::volumes
