#include "kubelet/runtime/termination_message.h"

#include <algorithm>
#include <vector>

#include "rt/runtime.h"

namespace pintle::kubelet {

namespace {

// The log's bytes that can hold the last lines: each has a time, a stream and a tag before its text.
constexpr std::size_t log_tail_bytes = termination_fallback_bytes_max + termination_fallback_lines_max * 64;

Result<std::string> read_file(rt::Disk& disk, const std::string& path, std::size_t limit, bool from_end) {
  TRY_ASSIGN(auto file, disk.open(path, rt::OpenOptions()));
  TRY_ASSIGN(const uint64_t size, file->size());
  const std::size_t n = std::min<uint64_t>(size, limit);
  std::string out(n, '\0');
  TRY_ASSIGN(const std::size_t got, file->read_at(from_end ? size - n : 0, out));
  out.resize(got);
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

std::string message_of(rt::Disk& disk, const RuntimeContainer& container) {
  std::string message;
  if (!container.termination_log.empty()) {
    auto text = read_file(disk, container.termination_log, termination_message_bytes_max, false);
    if (text) message = std::move(*text);
    else if (text.error().reason != Reason::NotFound) return "Error reading termination message log: " + text.error().message;
  }
  const bool fallback = container.termination_policy == "FallbackToLogsOnError" && container.exit_code != 0;
  if (!message.empty() || !fallback || container.log_path.empty()) return message;
  const auto log = read_file(disk, container.log_path, log_tail_bytes, true);
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
  co_await runtime.run_blocking([&] { message = message_of(runtime.disk(), container); });
  container.message += message;
}

}  // namespace pintle::kubelet
