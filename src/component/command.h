// The life of a component's command, the same for all: its flags, its help, its version, its log, what is without effect, its work.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/status.h"
#include "component/flags.h"
#include "component/log.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::component {

struct CommandWork {
  log::Options logging;
  std::vector<std::string> without_effect;  // settings of a configuration file that are known and do nothing
  std::function<rt::Task<int>()> run;       // on the runtime's first executor, once; its value is the exit status
};

struct Command {
  std::string name;  // "kube-scheduler": before each error, and in the help
  std::span<const FlagSpec> flags;
  std::size_t threads = 1;  // executors; 0: one a core, at most 8
  // What the flags, and the files that they name, ask for. Nothing is logged before it returns. `flags` and `runtime` outlive the work.
  std::function<Result<CommandWork>(rt::Runtime& runtime, const FlagSet& flags)> prepare;
};

// `args` follow the command's name. The exit status: 0 for --help and --version; 1 with one line on standard error for flags that cannot
// be read and work that cannot be prepared; else what the work returns.
int run_command(const Command& command, std::span<const char* const> args);
// Names in one line what was set and does nothing; nothing where all works. `settings` are fields of a configuration file.
void announce_without_effect(std::string_view component, const std::vector<std::string>& flags, const std::vector<std::string>& settings);
// One line on standard error; the exit status of a command that failed.
int fail(const std::string& command, const Status& status);

}  // namespace pintle::component
