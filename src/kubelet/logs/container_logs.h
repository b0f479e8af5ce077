// The files of containers' logs: /var/log/pods/NAMESPACE_NAME_UID/CONTAINER/N.log, and links to them in /var/log/containers.
// Calls block: run them on the blocking pool.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::kubelet::logs {

// "POD_NAMESPACE_CONTAINER-ID.log", cut to what a file name may hold.
std::string log_link_name(std::string_view pod, std::string_view namespace_name, std::string_view container, std::string_view id);
// Makes `links_dir`/NAME point to `log_path`.
Result<Unit> make_log_link(const std::string& links_dir, const std::string& name, const std::string& log_path);
// Removes a container's log with its rotated pieces (LOG, LOG.*), and its link.
void remove_container_log(const std::string& log_path, const std::string& link);
// Removes what stands beside a container's log and its pieces (logs of containers of its name that are gone), and links into nowhere.
void remove_other_logs(const std::string& log_path, const std::string& links_dir, std::string_view pod, std::string_view namespace_name);
// Removes a pod's log directory and the links into it.
void remove_pod_logs(const std::string& pod_log_dir, const std::string& links_dir, std::string_view pod, std::string_view namespace_name);

}  // namespace pintle::kubelet::logs
