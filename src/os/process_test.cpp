#include "os/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "rt/file.h"
#include "rt/testing.h"

namespace pintle::os {
namespace {

ProcessSpec shell(std::string script) {
  ProcessSpec spec;
  spec.argv = {"sh", "-c", std::move(script)};
  return spec;
}

void check_run(std::string script, std::string input, int code, int signal, std::string out, std::string err) {
  for (const std::size_t threads : {1, 3}) {
    auto result = rt::testing::run_task([&] { return run_process(rt::Context::background(), shell(script), input); }, {.threads = threads});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->exit.code, code) << script;
    EXPECT_EQ(result->exit.signal, signal) << script;
    EXPECT_EQ(result->out, out) << script;
    EXPECT_EQ(result->err, err) << script;
  }
}

TEST(Process, OutputsInputAndExits) {
  check_run("true", "", 0, 0, "", "");
  check_run("exit 7", "", 7, 0, "", "");
  check_run("echo out; echo err >&2", "", 0, 0, "out\n", "err\n");
  check_run("cat", "fed", 0, 0, "fed", "");
  check_run("kill -9 $$", "", -1, SIGKILL, "", "");
  check_run("exec <&-; exit 3", std::string(1 << 20, 'x'), 3, 0, "", "");  // the input is not wanted: no SIGPIPE
  // A child that holds the pipe open does not hold us.
  check_run("sleep 60 & echo here", "", 0, 0, "here\n", "");
}

TEST(Process, LargeInputComesBack) {
  const std::string input(900'000, 'y');
  check_run("cat", input, 0, 0, input, "");
}

TEST(Process, OutputIsBounded) {
  auto result = rt::testing::run_task([] { return run_process(rt::Context::background(), shell("head -c 3000000 /dev/zero"), ""); });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out.size(), process_output_bytes_max);
  EXPECT_TRUE(result->truncated);
  EXPECT_TRUE(result->exit.ok());
}

rt::Task<Result<ProcessOutput>> run_with_timeout() {
  const auto ctx = rt::Context::background().with_timeout(std::chrono::milliseconds(50));
  co_return co_await run_process(ctx, shell("sleep 60; sleep 60"), "");
}

TEST(Process, TimeoutKillsTheGroup) {
  auto result = rt::testing::run_task(run_with_timeout());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::Timeout);
}

TEST(Process, EnvironmentAndDirectory) {
  ProcessSpec spec = shell("echo $A-$HOME-$(pwd)");
  spec.env = {"A=b", "HOME=/nowhere"};
  spec.working_directory = "/usr";
  auto result = rt::testing::run_task([&] { return run_process(rt::Context::background(), spec, ""); });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "b-/nowhere-/usr\n");
}

TEST(Process, MissingProgram) {
  ProcessSpec spec;
  spec.argv = {"no-such-program-here"};
  auto result = rt::testing::run_task([&] { return run_process(rt::Context::background(), spec, ""); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::NotFound);
}

TEST(Process, NotInASimulation) {
  auto result = rt::testing::run_sim([] { return run_process(rt::Context::background(), shell("true"), ""); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::NotAcceptable);
}

rt::Task<std::string> run_long(std::string log) {
  ProcessSpec spec = shell("echo started; exec sleep 60");
  spec.output_file = log;
  auto process = Process::start(spec);
  if (!process) co_return process.error().message;
  if (auto signalled = (*process)->signal(SIGTERM); !signalled) co_return signalled.error().message;
  const auto exit = co_await (*process)->wait(rt::Context::background());
  if (!exit) co_return exit.error().message;
  if ((*process)->signal(SIGTERM)) co_return "signalled a process that has ended";
  co_return exit->text();
}

TEST(Process, LongRunning) {
  const std::string log = ::testing::TempDir() + "pintle-process-log";
  EXPECT_EQ(rt::testing::run_task(run_long(log)), "signal: terminated");
  ::unlink(log.c_str());
}

}  // namespace
}  // namespace pintle::os
