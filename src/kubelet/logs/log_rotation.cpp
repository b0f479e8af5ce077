#include "kubelet/logs/log_rotation.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/logs/log_file.h"

namespace pintle::kubelet::logs {

std::vector<std::string> pieces_to_remove(const std::vector<std::string>& names, std::string_view log, std::size_t files_max) {
  std::vector<std::string> pieces;
  for (const auto& name : names) {
    if (name.size() > log.size() + 1 && name.starts_with(log) && name[log.size()] == '.') pieces.push_back(name);
  }
  std::sort(pieces.begin(), pieces.end());
  const std::size_t keep = files_max > 2 ? files_max - 2 : 0;  // beside the log and the piece that is set aside now
  if (pieces.size() <= keep) return {};
  pieces.resize(pieces.size() - keep);
  return pieces;
}

std::string rotation_suffix(rt::WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

LogRotator::LogRotator(LogRotatorDeps deps, LogRotationOptions options) : deps_(std::move(deps)), options_(options) {}

void LogRotator::start() { tasks_.spawn(run(tasks_.context())); }
rt::Task<void> LogRotator::stop() { co_await tasks_.close(); }

rt::Task<void> LogRotator::run(rt::Context ctx) {
  rt::Duration wait = options_.look_every;
  while (!ctx.done()) {
    const auto slept = co_await rt::sleep_for(ctx, wait);
    if (!slept) co_return;
    const bool grew = co_await look(ctx);
    wait = grew ? options_.look_every : std::min(wait * 2, std::max(log_look_max, options_.look_every));
  }
}

// Whether any log has grown since the last look.
rt::Task<bool> LogRotator::look(rt::Context ctx) {
  const std::vector<ContainerLog> logs = deps_.logs();
  std::vector<uint64_t> sizes(logs.size());
  co_await deps_.runtime.run_blocking([&] {
    for (std::size_t i = 0; i < logs.size(); ++i) {
      if (const auto bytes = container_log_bytes(logs[i].path)) sizes[i] = *bytes;
    }
  });
  bool grew = false;
  std::map<std::string, uint64_t> now;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    now[logs[i].path] = sizes[i];
    const auto before = sizes_.find(logs[i].path);
    grew |= before == sizes_.end() || before->second != sizes[i];
    if (sizes[i] < options_.bytes_max) continue;
    const auto rotated = co_await rotate(ctx, logs[i]);
    if (!rotated) component::log::info(1, "Rotating a container's log failed", {{"path", logs[i].path}, {"err", rotated.error().message}});
  }
  sizes_ = std::move(now);
  co_return grew;
}

rt::Task<Result<Unit>> LogRotator::rotate(rt::Context ctx, ContainerLog log) {
  Result<Unit> moved = Unit{};
  const std::string aside = log.path + "." + rotation_suffix(deps_.runtime.clock().wall_now());
  co_await deps_.runtime.run_blocking([&] {
    rt::Disk& disk = deps_.runtime.disk();
    const std::string directory = rt::parent_path(log.path);
    if (const auto names = disk.list(directory)) {
      for (const auto& piece : pieces_to_remove(*names, log.path.substr(directory.size() + 1), options_.files_max))
        (void)disk.remove(directory + "/" + piece);
    }
    moved = disk.rename(log.path, aside);
  });
  CO_TRY(moved);
  auto reopened = co_await deps_.cri.reopen_container_log(ctx, log.container_id);
  if (reopened) co_return Unit{};
  // The runtime goes on writing to the piece: it is the log again.
  co_await deps_.runtime.run_blocking([&] { (void)deps_.runtime.disk().rename(aside, log.path); });
  co_return std::move(reopened);
}

}  // namespace pintle::kubelet::logs
