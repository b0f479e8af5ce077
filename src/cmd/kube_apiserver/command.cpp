#include "cmd/kube_apiserver/command.h"

#include "apiserver/server.h"
#include "cmd/kube_apiserver/flags.h"
#include "component/command.h"
#include "component/log.h"
#include "component/log_flags.h"
#include "component/until_signal.h"
#include "rt/runtime.h"

namespace pintle::cmd {

namespace {

namespace log = component::log;

rt::Task<int> serve(rt::Runtime& runtime, apiserver::ApiServerOptions options, bool anonymous_wanted) {
  if (anonymous_wanted && !options.anonymous_auth)
    log::warning("Anonymous requests are refused, as the authorization mode AlwaysAllow would let them do everything; name other modes");
  apiserver::ApiServerSetup setup;
  setup.options = std::move(options);
  auto server = apiserver::make_api_server(runtime, std::move(setup));
  auto started = co_await server->start();
  if (!started) {
    const int status = component::fail("kube-apiserver", started.error());
    co_await server->stop();
    co_return status;
  }
  log::info(0, "Serving securely", {{"address", rt::to_string(server->local())}});
  const auto signal = co_await component::until_signal(rt::Context::background());
  log::info(0, "Shutting down", {{"signal", signal ? std::to_string(*signal) : "none"}});
  co_await server->stop();
  co_return 0;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, api_server_options(flags));
  const bool anonymous_wanted = flags.get_bool("anonymous-auth");
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{std::move(logging), {}, [&runtime, options, anonymous_wanted] { return serve(runtime, options, anonymous_wanted); }};
}

}  // namespace

int run_kube_apiserver(std::span<const char* const> args) {
  return component::run_command({.name = "kube-apiserver", .flags = kube_apiserver_flags(), .threads = 0, .prepare = prepare}, args);
}

}  // namespace pintle::cmd
