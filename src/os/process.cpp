#include "os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "os/fd.h"
#include "os/real_executor.h"
#include "os/service_manager.h"
#include "os/system_error.h"
#include "rt/sync.h"

extern char** environ;

namespace pintle::os {

namespace {

constexpr std::size_t read_bytes = 16 * 1024;

std::vector<std::string> environment(const ProcessSpec& spec) {
  std::vector<std::string> out;
  if (!spec.clear_env) {
    for (char** entry = environ; *entry; ++entry) {
      const std::string_view text = *entry;
      const std::string_view name = text.substr(0, text.find('=') + 1);
      bool replaced = is_for_service_manager(name);
      for (const std::string& mine : spec.env) replaced = replaced || mine.starts_with(name);
      if (!replaced) out.emplace_back(text);
    }
  }
  out.insert(out.end(), spec.env.begin(), spec.env.end());
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// posix_spawn's two opaque arguments, freed at the end.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

// The child's ends of its standard streams; -1: /dev/null.
struct ChildStreams {
  int in = -1;
  int out = -1;
  int err = -1;
};

void plan_stream(SpawnPlan& plan, int fd, int target, int flags) {
  if (fd >= 0)
    posix_spawn_file_actions_adddup2(&plan.actions, fd, target);
  else
    posix_spawn_file_actions_addopen(&plan.actions, target, "/dev/null", flags, 0);
}

Result<pid_t> spawn(ProcessSpec& spec, ChildStreams streams) {
  if (spec.argv.empty()) return error(Reason::Invalid, "no program to run");
  SpawnPlan plan;
  UniqueFd output;
  if (!spec.output_file.empty()) {
    output.reset(::open(spec.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!output) return system_error(errno, spec.output_file);
    streams.out = streams.err = output.get();
  }
  plan_stream(plan, streams.in, STDIN_FILENO, O_RDONLY);
  plan_stream(plan, streams.out, STDOUT_FILENO, O_WRONLY);
  plan_stream(plan, streams.err, STDERR_FILENO, O_WRONLY);
  if (!spec.working_directory.empty()) posix_spawn_file_actions_addchdir_np(&plan.actions, spec.working_directory.c_str());

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  const int leader = spec.new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&plan.attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | leader));

  std::vector<std::string> env = environment(spec);
  const std::vector<char*> argv_pointers = pointers(spec.argv);
  const std::vector<char*> env_pointers = pointers(env);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, spec.argv[0].c_str(), &plan.actions, &plan.attributes, argv_pointers.data(), env_pointers.data());
  if (failed != 0) return system_error(failed, spec.argv[0]);
  return pid;
}

void set_non_blocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

struct Capture {
  std::string* text;
  bool truncated = false;
};

// Reads what is there; false at the end of the stream.
bool drain(int fd, Capture& capture) {
  char buffer[read_bytes];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    const std::size_t room = process_output_bytes_max - capture.text->size();
    const std::size_t kept = std::min(room, static_cast<std::size_t>(got));
    capture.text->append(buffer, kept);
    capture.truncated = capture.truncated || kept < static_cast<std::size_t>(got);
  }
}

// Until the stream ends or `ctx` is done (the program has ended).
rt::Task<void> capture_stream(rt::Context ctx, std::shared_ptr<rt::Fd> fd, Capture* capture) {
  while (drain(fd->get(), *capture)) {
    const auto waited = co_await fd->wait(rt::Fd::Read, ctx);
    if (waited) continue;
    drain(fd->get(), *capture);
    break;
  }
  fd->close();
}

// write(2) to a pipe whose reader may be gone: EPIPE without the signal, which would end us.
ssize_t write_quietly(int fd, std::string_view data) {
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t put = ::write(fd, data.data(), data.size());
  const int failed = errno;
  if (put < 0 && failed == EPIPE) {
    const timespec at_once{};
    ::sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failed;
  return put;
}

rt::Task<void> feed_stream(rt::Context ctx, std::shared_ptr<rt::Fd> fd, std::string input) {
  std::string_view left = input;
  while (!left.empty()) {
    const ssize_t put = write_quietly(fd->get(), left);
    if (put >= 0) {
      left.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      const auto waited = co_await fd->wait(rt::Fd::Write, ctx);
      if (!waited) break;
    } else if (errno != EINTR) {
      break;  // the program does not want it (EPIPE)
    }
  }
  fd->close();
}

}  // namespace

std::string ExitStatus::text() const {
  if (signal == 0) return "exit status " + std::to_string(code);
  std::string name = ::strsignal(signal);
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return "signal: " + name;
}

struct Process::Impl {
  pid_t pid = -1;
  std::shared_ptr<rt::Fd> pidfd;
  std::optional<ExitStatus> exit;

  // True when it has ended.
  bool reap() {
    if (exit) return true;
    int status = 0;
    pid_t got;
    do got = ::waitpid(pid, &status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    if (got < 0)
      exit = ExitStatus{-1, 0};  // someone else reaped it
    else if (WIFSIGNALED(status))
      exit = ExitStatus{-1, WTERMSIG(status)};
    else
      exit = ExitStatus{WEXITSTATUS(status), 0};
    return true;
  }
  static Result<std::unique_ptr<Impl>> start(ProcessSpec& spec, ChildStreams streams) {
    TRY_ASSIGN(rt::RealExecutor * executor, real_executor("processes run"));
    TRY_ASSIGN(const pid_t pid, spawn(spec, streams));
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, O_NONBLOCK));
    if (pidfd < 0) {
      const int failed = errno;
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      return system_error(failed, "pidfd_open");
    }
    auto impl = std::make_unique<Impl>();
    impl->pid = pid;
    impl->pidfd = rt::Fd::make(*executor, pidfd);
    return impl;
  }
};

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Process::~Process() { impl_->reap(); }
pid_t Process::pid() const { return impl_->pid; }

Result<std::unique_ptr<Process>> Process::start(ProcessSpec spec) {
  TRY_ASSIGN(auto impl, Impl::start(spec, {}));
  return std::unique_ptr<Process>(new Process(std::move(impl)));
}

Result<Unit> Process::signal(int number, bool group) {
  if (impl_->exit) return error(Reason::NotFound, "the process has ended");
  if (::kill(group ? -impl_->pid : impl_->pid, number) != 0) return system_error(errno, "kill");
  return Unit{};
}

rt::Task<Result<ExitStatus>> Process::wait(rt::Context ctx) {
  while (!impl_->reap()) {
    CO_TRY(co_await impl_->pidfd->wait(rt::Fd::Read, ctx));
  }
  co_return *impl_->exit;
}

rt::Task<Result<ProcessOutput>> run_process(rt::Context ctx, ProcessSpec spec, std::string input) {
  CO_TRY_ASSIGN(rt::RealExecutor * executor, real_executor("processes run"));
  CO_TRY_ASSIGN(Pipe in, make_pipe());
  CO_TRY_ASSIGN(Pipe out, make_pipe());
  CO_TRY_ASSIGN(Pipe err, make_pipe());
  const ChildStreams streams{in.read.get(), out.write.get(), err.write.get()};
  const std::string program = spec.argv.empty() ? std::string() : spec.argv[0];
  CO_TRY_ASSIGN(auto impl, Process::Impl::start(spec, streams));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  for (const int fd : {in.write.get(), out.read.get(), err.read.get()}) set_non_blocking(fd);

  ProcessOutput output;
  Capture capture_out{&output.out}, capture_err{&output.err};
  const rt::Context streaming = rt::Context::background().child();
  rt::TaskGroup tasks;
  tasks.spawn(feed_stream(streaming, rt::Fd::make(*executor, in.write.release()), std::move(input)));
  tasks.spawn(capture_stream(streaming, rt::Fd::make(*executor, out.read.release()), &capture_out));
  tasks.spawn(capture_stream(streaming, rt::Fd::make(*executor, err.read.release()), &capture_err));

  Result<Unit> waited = Unit{};
  while (!impl->reap()) {
    waited = co_await impl->pidfd->wait(rt::Fd::Read, ctx);
    if (waited) continue;
    ::kill(-impl->pid, SIGKILL);
    while (!impl->reap()) {
      const auto ended = co_await impl->pidfd->wait(rt::Fd::Read, rt::Context::background());
      CHECK(ended, "a wait without a deadline does not fail");
    }
    break;
  }
  streaming.cancel();
  co_await tasks.join();
  if (!waited) co_return Unexpected(Status{waited.error().reason, 0, program + ": " + waited.error().message, {}});
  output.exit = *impl->exit;
  output.truncated = capture_out.truncated || capture_err.truncated;
  co_return std::move(output);
}

}  // namespace pintle::os
