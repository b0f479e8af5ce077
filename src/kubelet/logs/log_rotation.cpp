#include "kubelet/logs/log_rotation.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/logs/log_file.h"
#include "os/gzip_file.h"
#include "rt/combine.h"

namespace pintle::kubelet::logs {

namespace {

constexpr std::string_view packed_suffix = ".gz";
constexpr std::string_view unfinished_suffix = ".tmp";
constexpr uint32_t packed_mode = 0640;

}  // namespace

PiecePlan plan_pieces(const std::vector<std::string>& names, std::string_view log, std::size_t files_max) {
  PiecePlan plan;
  std::vector<std::string> pieces;
  for (const auto& name : names) {
    if (name.size() <= log.size() + 1 || !name.starts_with(log) || name[log.size()] != '.') continue;
    const bool packed_too = std::ranges::find(names, name + std::string(packed_suffix)) != names.end();
    (packed_too || name.ends_with(unfinished_suffix) ? plan.remove : pieces).push_back(name);
  }
  std::ranges::sort(pieces);
  const std::size_t keep = files_max > 2 ? files_max - 2 : 0;  // beside the log and the piece that is set aside now
  const std::size_t excess = pieces.size() - std::min(keep, pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i < excess)
      plan.remove.push_back(std::move(pieces[i]));
    else if (!pieces[i].ends_with(packed_suffix))
      plan.pack.push_back(std::move(pieces[i]));
  }
  return plan;
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
rt::Task<void> LogRotator::stop() {
  stopping_ = true;
  co_await tasks_.close();
}

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
  std::vector<ContainerLog> due;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    now[logs[i].path] = sizes[i];
    const auto before = sizes_.find(logs[i].path);
    grew |= before == sizes_.end() || before->second != sizes[i];
    if (sizes[i] >= options_.bytes_max) due.push_back(logs[i]);
  }
  std::vector<rt::Task<void>> workers;
  for (std::size_t i = 0; i < std::min(options_.workers, due.size()); ++i) workers.push_back(work(ctx, &due));
  co_await rt::when_all(std::move(workers));
  sizes_ = std::move(now);
  co_return grew;
}

rt::Task<void> LogRotator::work(rt::Context ctx, std::vector<ContainerLog>* due) {
  while (!due->empty() && !ctx.done()) {
    const ContainerLog log = std::move(due->back());
    due->pop_back();
    const auto rotated = co_await rotate(ctx, log);
    if (!rotated) component::log::info(1, "Rotating a container's log failed", {{"path", log.path}, {"err", rotated.error().message}});
  }
}

// On the blocking pool. One that cannot be packed stays as it is.
void LogRotator::pack(const std::string& directory, const std::vector<std::string>& pieces) {
  rt::Disk& disk = deps_.runtime.disk();
  for (const std::string& name : pieces) {
    const std::string path = directory + "/" + name;
    const std::string packed = path + std::string(packed_suffix);
    const std::string unfinished = packed + std::string(unfinished_suffix);
    Result<Unit> done = Unit{};
    if (auto piece = open_container_log(path); piece) {
      done = os::gzip_file(piece->get(), unfinished, packed_mode, [this] { return stopping_.load(); });
    } else {
      done = Unexpected(piece.error());
    }
    if (done) done = disk.rename(unfinished, packed);
    if (done) done = disk.remove(path);
    if (!done) component::log::info(1, "Packing a container's log failed", {{"path", path}, {"err", done.error().message}});
  }
}

rt::Task<Result<Unit>> LogRotator::rotate(rt::Context ctx, ContainerLog log) {
  Result<Unit> moved = Unit{};
  const std::string aside = log.path + "." + rotation_suffix(deps_.runtime.clock().wall_now());
  const std::string directory = rt::parent_path(log.path);
  PiecePlan plan;
  co_await deps_.runtime.run_blocking([&] {
    rt::Disk& disk = deps_.runtime.disk();
    if (const auto names = disk.list(directory)) plan = plan_pieces(*names, log.path.substr(directory.size() + 1), options_.files_max);
    for (const auto& piece : plan.remove) (void)disk.remove(directory + "/" + piece);
    moved = disk.rename(log.path, aside);
  });
  CO_TRY(moved);
  auto reopened = co_await deps_.cri.reopen_container_log(ctx, log.container_id);
  if (reopened) {
    co_await deps_.runtime.run_blocking([&] { pack(directory, plan.pack); });
    co_return Unit{};
  }
  // The runtime goes on writing to the piece: it is the log again.
  co_await deps_.runtime.run_blocking([&] { (void)deps_.runtime.disk().rename(aside, log.path); });
  co_return std::move(reopened);
}

}  // namespace pintle::kubelet::logs
