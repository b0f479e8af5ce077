#include "kubelet/runtime/termination_message.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "kubelet/logs/log_file.h"
#include "os/path.h"
#include "os/system_error.h"
#include "rt/runtime.h"

namespace pintle::kubelet::runtime {

namespace {

// The log's bytes that can hold the last lines: each has a time, a stream and a tag before its text.
constexpr std::size_t log_tail_bytes = termination_fallback_bytes_max + termination_fallback_lines_max * 64;

// Of what a container wrote, or of what lies in its place: neither a link nor a FIFO is followed.
Result<std::string> read_part(const Result<os::UniqueFd>& file, const std::string& path, std::size_t limit, bool from_end) {
  if (!file) return Unexpected(file.error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return os::system_error(errno, path);
  const auto size = static_cast<uint64_t>(info.st_size);
  const std::size_t n = std::min<uint64_t>(size, limit);
  std::string out(n, '\0');
  const ssize_t got = ::pread(file->get(), out.data(), n, static_cast<off_t>(from_end ? size - n : 0));
  if (got < 0) return os::system_error(errno, path);
  out.resize(static_cast<std::size_t>(got));
  return out;
}

// The text of a line; what is no CRI line counts as nothing.
std::string_view text_of(std::string_view line) {
  for (int field = 0; field < 3; ++field) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line;
}

std::string message_of(const RuntimeContainer& container) {
  std::string message;
  if (!container.termination_log.empty()) {
    auto text = read_part(os::open_regular(container.termination_log), container.termination_log, termination_message_bytes_max, false);
    if (text)
      message = std::move(*text);
    else if (text.error().reason != Reason::NotFound)
      return "Error reading termination message log: " + text.error().message;
  }
  const bool fallback = container.termination_policy == "FallbackToLogsOnError" && container.exit_code != 0;
  if (!message.empty() || !fallback || container.log_path.empty()) return message;
  const auto log = read_part(logs::open_container_log(container.log_path), container.log_path, log_tail_bytes, true);
  return log ? tail_of_log(*log) : message;
}

}  // namespace

std::string tail_of_log(std::string_view log) {
  std::vector<std::string_view> lines;
  while (!log.empty()) {
    const auto end = log.find('\n');
    lines.push_back(log.substr(0, end));
    if (end == std::string_view::npos) break;
    log.remove_prefix(end + 1);
  }
  if (lines.size() > termination_fallback_lines_max) lines.erase(lines.begin(), lines.end() - termination_fallback_lines_max);
  std::string out;
  for (const auto line : lines) {
    if (line.empty()) continue;
    const bool partial = line.find(" P ") != std::string_view::npos && line.find(" F ") == std::string_view::npos;
    out.append(text_of(line));
    if (!partial) out.push_back('\n');
  }
  if (out.size() > termination_fallback_bytes_max) out.erase(0, out.size() - termination_fallback_bytes_max);
  return out;
}

rt::Task<void> read_termination_message(RuntimeContainer& container) {
  if (container.termination_log.empty() && container.termination_policy != "FallbackToLogsOnError") co_return;
  rt::Runtime& runtime = rt::Executor::current().runtime();
  std::string message;
  co_await runtime.run_blocking([&] { message = message_of(container); });
  container.message += message;
}

}  // namespace pintle::kubelet::runtime
