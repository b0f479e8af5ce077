// Child processes. A process is watched by its pidfd: nothing polls, no SIGCHLD handler. Only on the real runtime; under
// a simulation start() and run_process() answer NotAcceptable.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::os {

struct ProcessSpec {
  // argv[0] is looked up in PATH unless it has a slash.
  std::vector<std::string> argv;
  // "NAME=value"; added to our own environment (and replacing what is there) unless `clear_env`.
  std::vector<std::string> env;
  bool clear_env = false;
  std::string working_directory;  // "": ours
  // Its own session: signals to our terminal's group do not reach it, and it outlives us.
  bool new_session = false;
  // Where standard output and error go, appended; "": run_process() captures them, Process drops them.
  std::string output_file;
};

struct ExitStatus {
  int code = 0;    // of exit(); -1 when a signal ended it
  int signal = 0;  // 0: none
  bool ok() const { return code == 0 && signal == 0; }
  // "exit status 1", "signal: killed", as Go says it.
  std::string text() const;
};

// A process that runs beside us. Belongs to the executor on which it was started.
class Process {
 public:
  // NotFound or Forbidden if the program cannot be started.
  static Result<std::unique_ptr<Process>> start(ProcessSpec spec);
  // A process that was not waited for goes on; it is reaped when we end.
  ~Process();

  pid_t pid() const;
  // To the process, or with `group` to its process group (it leads one). NotFound when it has ended.
  Result<Unit> signal(int number, bool group = false);
  // Waits for its end; may be called again. One task at a time.
  rt::Task<Result<ExitStatus>> wait(rt::Context ctx);

 private:
  friend rt::Task<Result<struct ProcessOutput>> run_process(rt::Context, ProcessSpec, std::string);
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

constexpr std::size_t process_output_bytes_max = 1 << 20;

struct ProcessOutput {
  ExitStatus exit;
  // At most process_output_bytes_max each; what comes after is read and dropped, and `truncated` says so.
  std::string out;
  std::string err;
  bool truncated = false;
};

// Runs a program to its end, feeding it `input`. When `ctx` is done first, its process group is killed and waited for, and
// the context's error is returned. What a background child of the program writes after the program's end is not read.
rt::Task<Result<ProcessOutput>> run_process(rt::Context ctx, ProcessSpec spec, std::string input = std::string());

}  // namespace pintle::os
