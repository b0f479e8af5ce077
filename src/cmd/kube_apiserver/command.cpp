#include "cmd/kube_apiserver/command.h"

#include <csignal>
#include <cstdio>

#include "apiserver/endpoints/version.h"
#include "apiserver/server.h"
#include "cmd/kube_apiserver/flags.h"
#include "component/log_flags.h"
#include "component/until_signal.h"
#include "rt/runtime.h"

namespace pintle::cmd {

namespace {

namespace log = component::log;

rt::Task<int> serve(rt::Runtime& runtime, apiserver::ApiServerOptions options) {
  apiserver::ApiServerSetup setup;
  setup.options = std::move(options);
  auto server = apiserver::make_api_server(runtime, std::move(setup));
  auto started = co_await server->start();
  if (!started) {
    std::fprintf(stderr, "kube-apiserver: %s\n", started.error().message.c_str());
    co_await server->stop();
    co_return 1;
  }
  log::info(0, "Serving securely", {{"address", rt::to_string(server->local())}});
  const auto signal = co_await component::until_signal(rt::Context::background());
  log::info(0, "Shutting down", {{"signal", signal ? std::to_string(*signal) : "none"}});
  co_await server->stop();
  co_return 0;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

int run_kube_apiserver(std::span<const char* const> args) {
  component::FlagSet flags("kube-apiserver", kube_apiserver_flags());
  auto parsed = flags.parse(args);
  if (!parsed) {
    std::fprintf(stderr, "Error: %s\n", parsed.error().message.c_str());
    return 1;
  }
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  if (!flags.version_requested().empty()) {
    print(std::string("Kubernetes ") + apiserver::git_version + "\n");
    return 0;
  }
  auto options = api_server_options(flags);
  if (!options) {
    std::fprintf(stderr, "Error: %s\n", options.error().message.c_str());
    return 1;
  }
  auto runtime = rt::make_real_runtime();
  auto logging = component::log_options(flags);
  if (!logging) {
    std::fprintf(stderr, "Error: %s\n", logging.error().message.c_str());
    return 1;
  }
  log::init(runtime->clock(), std::move(*logging));
  if (flags.get_bool("anonymous-auth") && !options->anonymous_auth)
    log::warning("Anonymous requests are refused, as the authorization mode AlwaysAllow would let them do everything; name other modes");
  if (!flags.without_effect().empty()) {
    std::string names;
    for (const std::string& name : flags.without_effect()) names += (names.empty() ? "--" : ", --") + name;
    log::warning("These flags have no effect in this release", {{"flags", names}});
  }
  rt::Runtime& machine = *runtime;
  return runtime->run([&machine, wanted = std::move(*options)] { return serve(machine, wanted); });
}

}  // namespace pintle::cmd
