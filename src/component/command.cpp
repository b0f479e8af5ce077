#include "component/command.h"

#include <cstdio>

#include "component/version.h"

namespace pintle::component {

namespace {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

void announce_without_effect(std::string_view component, const std::vector<std::string>& flags, const std::vector<std::string>& settings) {
  std::string names;
  for (const std::string& name : flags) names += (names.empty() ? "--" : ", --") + name;
  for (const std::string& name : settings) names += (names.empty() ? "" : ", ") + name;
  if (!names.empty()) log::warning("These settings have no effect in this release", {{"component", std::string(component)}, {"settings", names}});
}

int fail(const std::string& command, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", command.c_str(), status.message.c_str());
  return 1;
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
  announce_without_effect(command.name, flags.without_effect(), work->without_effect);
  return runtime->run(work->run);
}

}  // namespace pintle::component
