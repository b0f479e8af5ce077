#include "os/loop_device.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

Result<LoopDevice> loop_named(const std::string& name) {
  TRY_ASSIGN(const std::string numbers, read_file("/sys/block/" + name + "/dev"));
  return LoopDevice{"/dev/" + name, std::string(trim(numbers))};
}

Result<Unit> control_freezing(const std::string& mount_point, unsigned long request, int done_already) {
  const UniqueFd fd(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_error(errno, mount_point);
  if (::ioctl(fd.get(), request, 0) != 0 && errno != done_already) return system_error(errno, mount_point);
  return Unit{};
}

// "loop3", and the file that it lies over.
struct Loop {
  std::string name;
  std::string file;
};
Result<std::vector<Loop>> all_loops() {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> devices(::opendir("/sys/block"));
  if (!devices) return system_error(errno, "/sys/block");
  std::vector<Loop> out;
  while (const dirent* entry = ::readdir(devices.get())) {
    std::string name = entry->d_name;
    if (!name.starts_with("loop")) continue;
    auto backing = read_file("/sys/block/" + name + "/loop/backing_file");
    if (!backing || !backing->ends_with('\n')) continue;
    backing->pop_back();
    out.push_back({std::move(name), std::move(*backing)});
  }
  return out;
}

// `is_meant`: by the file that it lies over.
Result<Unit> detach_loops(const std::function<bool(std::string_view)>& is_meant) {
  const auto loops = all_loops();
  if (!loops) return Unit{};
  for (const Loop& loop : *loops) {
    if (!is_meant(loop.file)) continue;
    const UniqueFd fd(::open(("/dev/" + loop.name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || (::ioctl(fd.get(), LOOP_CLR_FD) != 0 && errno != ENXIO)) return system_error(errno, "/dev/" + loop.name);
  }
  return Unit{};
}

}  // namespace

Result<std::optional<LoopDevice>> loop_over(const std::string& file) {
  TRY_ASSIGN(const std::vector<Loop> loops, all_loops());
  for (const Loop& loop : loops) {
    if (loop.file != file) continue;
    TRY_ASSIGN(LoopDevice found, loop_named(loop.name));
    return std::optional<LoopDevice>(std::move(found));
  }
  return std::optional<LoopDevice>();
}

Result<Unit> detach_loops_over(const std::string& path) {
  return detach_loops([&](std::string_view file) { return file == path; });
}

Result<Unit> detach_loops_below(const std::string& directory) {
  return detach_loops([&](std::string_view file) { return file.starts_with(directory + "/"); });
}

Result<LoopDevice> attach_loop(const std::string& file) {
  const UniqueFd backing(::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!backing) return system_error(errno, file);
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) return system_error(errno, "/dev/loop-control");
  for (int tries = 1;; ++tries) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return system_error(errno, "/dev/loop-control");
    const std::string name = "loop" + std::to_string(number);
    const UniqueFd device(::open(("/dev/" + name).c_str(), O_RDWR | O_CLOEXEC));
    if (!device) return system_error(errno, "/dev/" + name);
    loop_config config{};
    config.fd = static_cast<uint32_t>(backing.get());
    config.info.lo_flags = LO_FLAGS_DIRECT_IO;
    std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), file.c_str(), LO_NAME_SIZE - 1);
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return loop_named(name);
    if (errno != EBUSY || tries == attach_tries_max) return system_error(errno, "/dev/" + name);
  }
}

Result<Unit> resize_loop(const LoopDevice& device) {
  const UniqueFd fd(::open(device.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::ioctl(fd.get(), LOOP_SET_CAPACITY) != 0) return system_error(errno, device.path);
  return Unit{};
}

Result<Unit> freeze_file_system(const std::string& mount_point) { return control_freezing(mount_point, FIFREEZE, EBUSY); }
Result<Unit> thaw_file_system(const std::string& mount_point) { return control_freezing(mount_point, FITHAW, EINVAL); }

}  // namespace pintle::os
