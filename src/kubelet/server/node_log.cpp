#include "kubelet/server/node_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "net/url.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::server {

namespace {

constexpr int links_max = 4;

// What the link at root/path stands for, relative to the root; nullopt: it is none, or leads out.
std::optional<std::string> behind_link(const std::string& root, const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink((root + "/" + path).c_str(), target, sizeof target);
  if (size <= 0 || size == sizeof target) return std::nullopt;
  const std::string_view text(target, static_cast<std::size_t>(size));
  if (text.starts_with(root + "/")) return std::string(text.substr(root.size() + 1));
  if (text.starts_with('/')) return std::nullopt;
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string(text) : path.substr(0, slash + 1) + std::string(text);
}

}  // namespace

Result<NodeLog> open_node_log(const std::string& root, std::string path) {
  auto fd = os::open_regular_below(root, path, true);
  for (int links = 0; !fd && fd.error().reason == Reason::Forbidden && links < links_max; ++links) {
    const auto next = behind_link(root, path);
    if (!next) break;
    path = *next;
    fd = os::open_regular_below(root, path, true);  // checks the whole way again
  }
  if (!fd) return Unexpected(std::move(fd).error());
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return os::system_error(errno, path);
  return NodeLog{std::move(*fd), S_ISDIR(info.st_mode), static_cast<uint64_t>(info.st_size)};
}

Result<std::string> list_node_logs(const NodeLog& log) {
  // Of its own position: the descriptor stays the caller's.
  const int own = ::openat(log.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return os::system_error(errno, "directory");
  DIR* directory = ::fdopendir(own);
  std::vector<std::string> names;
  bool more = false;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    more = names.size() == listed_names_max;
    if (more) break;
    names.push_back(std::string(name) + (entry->d_type == DT_DIR ? "/" : ""));
  }
  ::closedir(directory);
  std::ranges::sort(names);
  std::string out = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
  for (const std::string& name : names) {
    const bool directory_name = name.ends_with('/');
    const std::string link = net::percent_encode(std::string_view(name).substr(0, name.size() - directory_name)) + (directory_name ? "/" : "");
    out += "<a href=\"" + link + "\">" + escape_html(name) + "</a>\n";
  }
  if (more) out += "(more than " + std::to_string(listed_names_max) + " names)\n";
  return out + "</pre>\n";
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace pintle::kubelet::server
