#include "controller/framework/host_directories.h"

#include "base/split.h"
#include "os/path.h"

namespace pintle::controller {

namespace {

constexpr std::string_view root = "/tmp";
constexpr uint32_t directory_mode = 0750;

// What stands below /tmp, without the slashes around it; "": the path is none of ours.
std::string_view below_tmp(std::string_view path) {
  if (!path.starts_with("/tmp/")) return {};
  std::string_view rest = path.substr(root.size());
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  for (const std::string_view name : split(rest, '/'))
    if (name == "." || name == "..") return {};
  return rest;
}

class MachineDirectories final : public HostDirectories {
 public:
  Result<Unit> make(const std::string& path) override {
    const std::string_view rest = below_tmp(path);
    if (rest.empty()) return error(Reason::Forbidden, "not below /tmp: " + path);
    TRY(os::make_directories_below(std::string(root), rest, directory_mode));
    return Unit{};
  }
  Result<Unit> remove(const std::string& path, const std::function<bool()>& enough) override {
    const std::string_view rest = below_tmp(path);
    if (rest.empty()) return error(Reason::Forbidden, "not below /tmp: " + path);
    const auto slash = rest.rfind('/');
    const auto parent = os::open_below(std::string(root), slash == rest.npos ? "." : rest.substr(0, slash));
    if (!parent && parent.error().reason == Reason::NotFound) return Unit{};
    if (!parent) return Unexpected(parent.error());
    return os::remove_tree(os::fd_path(parent->get()) + "/" + std::string(slash == rest.npos ? rest : rest.substr(slash + 1)), enough);
  }
};

}  // namespace

bool is_below_tmp(std::string_view path) { return !below_tmp(path).empty(); }

HostDirectories& machine_directories() {
  static MachineDirectories directories;
  return directories;
}

}  // namespace pintle::controller
