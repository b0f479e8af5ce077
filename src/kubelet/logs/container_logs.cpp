#include "kubelet/logs/container_logs.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "os/fd.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::logs {

namespace {

constexpr std::size_t link_name_max = 251;  // with ".log" a file name's 255

void each_name(const std::string& directory, const std::function<void(std::string_view)>& visit) {
  DIR* open = ::opendir(directory.c_str());
  if (!open) return;
  while (const dirent* entry = ::readdir(open)) visit(entry->d_name);
  ::closedir(open);
}

// The entries of the log's directory, and whether each is the log or a piece of it.
void each_log(const std::string& log_path, const std::function<void(int directory, const std::string& entry, bool of_it)>& visit) {
  const auto slash = log_path.rfind('/');
  if (slash == std::string::npos) return;
  const std::string directory = log_path.substr(0, slash);
  const std::string name = log_path.substr(slash + 1);
  const os::UniqueFd opened(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) return;
  each_name(os::fd_path(opened.get()),
            [&](std::string_view entry) { visit(opened.get(), std::string(entry), entry == name || entry.starts_with(name + ".")); });
}

void remove_dead_links(const std::string& links_dir, std::string_view pod, std::string_view namespace_name) {
  if (links_dir.empty()) return;
  const std::string prefix = std::string(pod).append("_").append(namespace_name).append("_");
  each_name(links_dir, [&](std::string_view entry) {
    if (!entry.starts_with(prefix)) return;
    const std::string path = links_dir + "/" + std::string(entry);
    if (::access(path.c_str(), F_OK) != 0) ::unlink(path.c_str());  // it leads nowhere now
  });
}

}  // namespace

std::string log_link_name(std::string_view pod, std::string_view namespace_name, std::string_view container, std::string_view id) {
  std::string out(pod);
  out.append("_").append(namespace_name).append("_").append(container).append("-").append(id);
  if (out.size() > link_name_max) out.resize(link_name_max);
  return out + ".log";
}

Result<Unit> make_log_link(const std::string& links_dir, const std::string& name, const std::string& log_path) {
  TRY(os::make_directories(links_dir, 0755));
  const std::string path = links_dir + "/" + name;
  ::unlink(path.c_str());
  if (::symlink(log_path.c_str(), path.c_str()) != 0) return internal("symlink " + path + ": " + std::strerror(errno));
  return Unit{};
}

void remove_container_log(const std::string& log_path, const std::string& link) {
  if (!link.empty()) ::unlink(link.c_str());
  each_log(log_path, [](int directory, const std::string& entry, bool of_it) {
    if (of_it) ::unlinkat(directory, entry.c_str(), 0);
  });
}

void remove_other_logs(const std::string& log_path, const std::string& links_dir, std::string_view pod, std::string_view namespace_name) {
  each_log(log_path, [](int directory, const std::string& entry, bool of_it) {
    if (!of_it && entry != "." && entry != "..") ::unlinkat(directory, entry.c_str(), 0);
  });
  remove_dead_links(links_dir, pod, namespace_name);
}

void remove_pod_logs(const std::string& pod_log_dir, const std::string& links_dir, std::string_view pod, std::string_view namespace_name) {
  (void)os::remove_tree(pod_log_dir);
  remove_dead_links(links_dir, pod, namespace_name);
}

}  // namespace pintle::kubelet::logs
