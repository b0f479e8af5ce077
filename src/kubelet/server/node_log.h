// Reading the node's log folder (/logs/) for a client. Pods can be given that folder to write to, so nothing in it is trusted: what is
// read is a regular file or a directory inside it. Blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/fd.h"

namespace pintle::kubelet::server {

constexpr std::size_t listed_names_max = 10'000;  // of a directory; the rest is told of by a line

struct NodeLog {
  os::UniqueFd fd;
  bool directory = false;
  uint64_t bytes = 0;  // of a file, when it was opened
};
// `path` is relative to `root`. A link is followed if it leads to a place inside (/var/log/containers has such, with whole paths);
// Forbidden if it leads out, or if there is a FIFO, a socket or a device.
Result<NodeLog> open_node_log(const std::string& root, std::string path);
// An HTML page with a link for each name, as Go's file server makes it.
Result<std::string> list_node_logs(const NodeLog& log);
// "&lt;" and the like for what means something in HTML.
std::string escape_html(std::string_view text);

}  // namespace pintle::kubelet::server
