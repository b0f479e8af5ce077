// Reads a container's log file for a client, from its tail on if asked, and follows it while the container runs: it waits
// for the file to change and never looks at it by the clock. A rotated file is read to its end, then the new one.
#pragma once

#include <functional>
#include <string>

#include "kubelet/server/log_lines.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::server {

struct LogReading {
  std::string path;
  LogSelection selection;
  std::optional<int64_t> tail_lines;
  bool follow = false;
};

// What a client gets; an error means that it is gone.
using LogSink = std::function<rt::Task<Result<Unit>>(std::string)>;
// Returns when the container runs no more.
using LogEnd = std::function<rt::Task<Result<Unit>>(rt::Context)>;

class LogReader {
 public:
  LogReader(rt::Runtime& runtime, LogReading reading) : runtime_(runtime), reading_(std::move(reading)), filter_(selection_of(reading_)) {}
  // NotFound and its kin if the file cannot be opened: then nothing was written. Blocks: it looks for where the tail begins.
  Result<Unit> open();
  // After open(). Writes until the end of what was asked for. `container_end` is called once, and only to follow.
  rt::Task<Result<Unit>> run(rt::Context ctx, LogSink sink, LogEnd container_end);

 private:
  static LogSelection selection_of(const LogReading& reading);
  Result<std::unique_ptr<rt::File>> open_file();
  Result<uint64_t> tail_start(int64_t lines);
  // Reads what is there, and passes it on. True: the client has all that it asked for.
  rt::Task<Result<bool>> drain(rt::Context ctx, LogSink& sink);
  rt::Task<Result<Unit>> follow(rt::Context ctx, LogSink& sink, rt::Event& ended);
  Result<std::string> read_chunk();
  // Whether another file has taken the path.
  bool rotated();

  rt::Runtime& runtime_;
  LogReading reading_;
  LogFilter filter_;
  std::unique_ptr<rt::File> file_;
  uint64_t offset_ = 0;  // of the next byte to read
  std::string partial_;  // a line without its end so far
};

}  // namespace pintle::kubelet::server
