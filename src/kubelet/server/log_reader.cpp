#include "kubelet/server/log_reader.h"

#include <algorithm>

#include "kubelet/logs/log_file.h"
#include "os/path.h"
#include "rt/combine.h"
#include "rt/sync.h"

namespace pintle::kubelet::server {

namespace {

constexpr std::size_t chunk_bytes = 64 << 10;
constexpr uint64_t tail_bytes_max = 256 << 20;   // in which a tail is looked for
constexpr std::size_t line_bytes_max = 1 << 20;  // runtimes cut lines at 16 KiB; a longer one is passed over

rt::Task<void> note_end(LogEnd* container_end, rt::Context ctx, rt::Event* ended) {
  (void)co_await (*container_end)(ctx);
  ended->set();
}

rt::Task<Result<Unit>> wait_change(rt::FileWatcher* watcher, rt::Context ctx) { return watcher->changed(std::move(ctx)); }
rt::Task<Result<Unit>> wait_event(rt::Event* event, rt::Context ctx) { return event->wait(std::move(ctx)); }

}  // namespace

LogSelection LogReader::selection_of(const LogReading& reading) {
  LogSelection selection = reading.selection;
  if (reading.tail_lines && !reading.follow) selection.lines_max = reading.tail_lines;
  return selection;
}

// The very file that was looked at, whatever takes its name meanwhile.
Result<std::unique_ptr<rt::File>> LogReader::open_file() {
  TRY_ASSIGN(const os::UniqueFd fd, logs::open_container_log(reading_.path));
  return runtime_.disk().open(os::fd_path(fd.get()), rt::OpenOptions{});
}

Result<Unit> LogReader::open() {
  TRY_ASSIGN(file_, open_file());
  if (reading_.tail_lines) {
    TRY_ASSIGN(offset_, tail_start(*reading_.tail_lines));
  }
  return Unit{};
}

// Where the last `lines` lines of the file begin.
Result<uint64_t> LogReader::tail_start(int64_t lines) {
  TRY_ASSIGN(uint64_t end, file_->size());
  if (lines == 0) return end;
  std::string block;
  const uint64_t floor = end > tail_bytes_max ? end - tail_bytes_max : 0;
  for (int64_t seen = 0; end > floor;) {
    const uint64_t begin = end > chunk_bytes ? end - chunk_bytes : 0;
    block.resize(end - begin);
    TRY(file_->read_at(begin, block));
    for (std::size_t i = block.size(); i-- > 0;)
      if (block[i] == '\n' && ++seen > lines) return begin + i + 1;
    end = begin;
  }
  return end;
}

Result<std::string> LogReader::read_chunk() {
  std::string chunk(chunk_bytes, '\0');
  TRY_ASSIGN(const std::size_t n, file_->read_at(offset_, chunk));
  chunk.resize(n);
  offset_ += n;
  return chunk;
}

rt::Task<Result<bool>> LogReader::drain(rt::Context ctx, LogSink& sink) {
  while (!filter_.full()) {
    if (ctx.done()) co_return Unexpected(ctx.status());  // nothing may have gone to the client for long
    Result<std::string> chunk;
    co_await runtime_.run_blocking([this, &chunk] { chunk = read_chunk(); });
    if (!chunk) co_return Unexpected(chunk.error());
    if (chunk->empty()) co_return false;
    partial_ += *chunk;
    std::string out;
    std::size_t taken = 0;
    for (std::size_t end; (end = partial_.find('\n', taken)) != partial_.npos && !filter_.full(); taken = end + 1)
      filter_.feed(std::string_view(partial_).substr(taken, end + 1 - taken), out);
    partial_.erase(0, taken);
    if (partial_.size() > line_bytes_max) partial_.clear();
    if (!out.empty()) CO_TRY(co_await sink(std::move(out)));
  }
  co_return true;
}

bool LogReader::rotated() {
  const auto there = runtime_.disk().stat(reading_.path);
  if (!there) return false;  // moved away; the new one is yet to come
  const auto ours = file_->size();
  if (!ours) return true;
  if (there->size_bytes > *ours) return true;  // ours was measured later, and log files only grow
  if (there->size_bytes == *ours) return false;
  const auto again = runtime_.disk().stat(reading_.path);
  return again && again->size_bytes < *ours;
}

rt::Task<Result<Unit>> LogReader::follow(rt::Context ctx, LogSink& sink, rt::Event& ended) {
  std::vector<std::string> paths;
  paths.push_back(reading_.path);
  CO_TRY_ASSIGN(auto watcher, runtime_.watch_files(std::move(paths)));
  while (true) {
    const bool last = ended.is_set();  // before reading: what the container wrote is in the file by then
    CO_TRY_ASSIGN(const bool all, co_await drain(ctx, sink));
    if (all) co_return Unit{};
    if (rotated()) {
      CO_TRY_ASSIGN(const bool enough, co_await drain(ctx, sink));  // what was written before the change
      if (enough) co_return Unit{};
      Result<std::unique_ptr<rt::File>> opened;
      co_await runtime_.run_blocking([this, &opened] { opened = open_file(); });
      if (!opened) co_return Unexpected(std::move(opened).error());
      file_ = std::move(*opened);
      offset_ = 0;
      partial_.clear();
      continue;
    }
    if (last) co_return Unit{};
    std::vector<std::function<rt::Task<Result<Unit>>(rt::Context)>> starts;
    starts.push_back([watch = watcher.get()](rt::Context race) { return wait_change(watch, std::move(race)); });
    starts.push_back([&ended](rt::Context race) { return wait_event(&ended, std::move(race)); });
    CO_TRY(co_await rt::when_any<Unit>(ctx, std::move(starts)));
  }
}

rt::Task<Result<Unit>> LogReader::run(rt::Context ctx, LogSink sink, LogEnd container_end) {
  if (reading_.follow) {
    rt::Event ended;
    rt::TaskGroup group;
    const rt::Context own = ctx.child();
    group.spawn(note_end(&container_end, own, &ended));
    auto followed = co_await follow(own, sink, ended);
    own.cancel();
    co_await group.join();
    if (!followed) co_return followed;
  } else {
    auto drained = co_await drain(ctx, sink);
    if (!drained) co_return Unexpected(drained.error());
  }
  std::string rest;
  if (!partial_.empty() && !filter_.full()) filter_.feed(partial_, rest);  // a last line without an end
  if (rest.empty()) co_return Unit{};
  co_return co_await sink(std::move(rest));
}

}  // namespace pintle::kubelet::server
