#include "component/command.h"

#include <cstdio>

#include "component/version.h"

namespace pintle::component {

namespace {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void announce(const std::vector<std::string>& without_effect) {
  if (without_effect.empty()) return;
  std::string names;
  for (const std::string& name : without_effect) names += (names.empty() ? "--" : ", --") + name;
  log::warning("These flags have no effect in this release", {{"flags", names}});
}

}  // namespace

int fail(const std::string& command, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", command.c_str(), status.message.c_str());
  return 1;
}

log::Options logging_of(const FlagSet& flags) {
  log::Options out;
  out.verbosity = static_cast<int>(flags.get_int("v"));
  out.format = flags.get_string("logging-format") == "json" ? log::Format::Json : log::Format::Text;
  return out;
}

int run_command(const Command& command, std::span<const char* const> args) {
  FlagSet flags(command.name, command.flags);
  if (const auto parsed = flags.parse(args); !parsed) return fail("Error", parsed.error());
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  if (!flags.version_requested().empty()) {
    print(std::string("Kubernetes ") + kubernetes_version + "\n");
    return 0;
  }
  rt::RealRuntimeOptions options;
  options.threads = command.threads;
  const auto runtime = rt::make_real_runtime(options);
  const auto work = command.prepare(*runtime, flags);
  if (!work) return fail(command.name, work.error());
  log::init(runtime->clock(), work->logging);
  announce(flags.without_effect());
  return runtime->run(work->run);
}

}  // namespace pintle::component
