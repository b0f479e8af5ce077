#include "kubelet/container_config/container_files.h"

#include <cstdio>

#include "component/log.h"
#include "kubelet/volumes/sub_path.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/replace_file.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

// The old file stays while the new one cannot be written whole. Containers that run keep the file that they were given.
Result<Unit> write_whole(const std::string& path, std::string_view text, uint32_t mode) {
  if (const auto there = os::read_file(path); there && *there == text) return os::set_mode(path, mode);
  return os::replace_file(path, text, mode, os::Durability::Whole);
}

Result<Unit> make_log_directory(const Paths& paths, const core::Pod& pod, std::string_view container) {
  const std::string directory = paths.pod_log(pod.metadata.namespace_, pod.metadata.name, pod.metadata.uid);
  return os::make_directories(container.empty() ? directory : directory + "/" + std::string(container), 0755);
}

Result<cri_v1::Mount> finish_mount(const ContainerFiles& files, PlannedMount planned) {
  if (planned.sub_path.empty()) return std::move(planned.mount);
  const volumes::SubPath sub_path{files.pod.metadata.uid, planned.volume,       planned.mount.host_path,
                                  planned.sub_path,       files.container.name, planned.index};
  std::string log;
  auto prepared = volumes::prepare_sub_path(files.paths, sub_path, &log);
  if (!prepared) {
    component::log::error(
        "Failed to prepare a subPath",
        {{"pod", files.pod.metadata.namespace_ + "/" + files.pod.metadata.name}, {"container", files.container.name}, {"err", log}});
    return Unexpected(std::move(prepared).error());
  }
  planned.mount.host_path = std::move(*prepared);
  return std::move(planned.mount);
}

}  // namespace

Result<Unit> make_pod_directories(const Paths& paths, const core::Pod& pod) {
  for (const std::string& directory : {paths.pod(pod.metadata.uid), paths.volumes(pod.metadata.uid), paths.pod(pod.metadata.uid) + "/plugins"})
    TRY(os::make_directories(directory, 0750));
  return make_log_directory(paths, pod, {});
}

Result<MadeFiles> make_container_files(ContainerFiles files) {
  const std::string& uid = files.pod.metadata.uid;
  MadeFiles out;
  for (PlannedMount& planned : files.mounts) {
    TRY_ASSIGN(cri_v1::Mount mount, finish_mount(files, std::move(planned)));
    out.mounts.push_back(std::move(mount));
  }
  if (files.mount_hosts) {
    const std::string path = files.paths.etc_hosts(uid);
    TRY(os::make_directories(files.paths.pod(uid), 0750));
    TRY(write_whole(path, files.hosts, 0644));
    cri_v1::Mount& mount = out.mounts.emplace_back();
    mount.container_path = etc_hosts_path;
    mount.host_path = path;
    mount.selinux_relabel = false;
  }
  TRY(make_log_directory(files.paths, files.pod, files.container.name));
  if (files.container.termination_message_path.empty()) return out;
  const std::string directory = files.paths.container(uid, files.container.name);
  TRY(os::make_directories(directory, 0750));
  char name[9];
  std::snprintf(name, sizeof name, "%08x", static_cast<unsigned>(files.random));
  out.termination_log = directory + "/" + name;
  TRY(os::replace_file(out.termination_log, {}, 0666, os::Durability::Whole));
  return out;
}

}  // namespace pintle::kubelet::container_config
