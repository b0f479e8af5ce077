#include "cmd/token/command.h"

#include <cstdio>
#include <string>
#include <string_view>

#include "cli/bootstrap_token.h"
#include "cli/installation.h"
#include "cli/layout.h"
#include "client/kubeconfig.h"
#include "component/flags.h"
#include "component/log.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

using component::FlagSet;
using component::FlagSpec;
using enum component::FlagType;

constexpr std::size_t deletions_max = 1000;

constexpr FlagSpec data_dir_flag{"data-dir", String, "/var/lib/pintle", "Folder of the installation, whose administrator's kubeconfig is used", 'd',
                                 false,      true};
constexpr FlagSpec kubeconfig_flag{"kubeconfig", String, "", "Kubeconfig to use instead", 0, false, true};

constexpr FlagSpec create_specs[] = {
    data_dir_flag,
    {"description", String, "", "What the token is for", 0, false, true},
    {"groups", Strings, cli::join_group, "Groups that the token's holder is in", 0, false, true},
    kubeconfig_flag,
    {"print-join-command", Bool, "", "Print the whole command for the new node instead of the token", 0, false, true},
    {"ttl", Duration, cli::token_ttl_default, "How long the token is good; 0: for ever", 0, false, true},
    {"usages", Strings, "signing,authentication", "What the token can be used for: signing, authentication", 0, false, true},
};
constexpr FlagSpec other_specs[] = {data_dir_flag, kubeconfig_flag};

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Result<client::ConnectionConfig> connection_of(rt::Disk& disk, const FlagSet& flags) {
  std::string file = flags.get_string("kubeconfig");
  if (file.empty()) {
    const cli::Layout layout{flags.get_string("data-dir")};
    TRY_ASSIGN(const auto installation, cli::read_installation(disk, layout));
    if (installation.kubeconfig.empty()) return bad_request(layout.data_dir + " holds no server: run this on the server, or name a --kubeconfig");
    file = installation.kubeconfig;
  }
  return client::load_kubeconfig(disk, file);
}

rt::Task<Result<Unit>> create(client::Client& client, std::string server, const FlagSet& flags) {
  const rt::Duration ttl = flags.get_duration("ttl");
  if (ttl < rt::Duration::zero()) co_return bad_request("--ttl must not be negative");
  cli::BootstrapToken token;
  token.text = flags.arguments().empty() ? cli::make_token_text(client.runtime().random()) : flags.arguments().front();
  token.description = flags.get_string("description");
  token.usages = flags.get_list("usages");
  token.groups = flags.get_list("groups");
  if (ttl != rt::Duration::zero()) token.expires = client.runtime().clock().wall_now() + ttl;
  CO_TRY(cli::check_token(token));
  const std::string text = token.text, id = text.substr(0, text.find('.'));
  const rt::Context ctx = rt::Context::background();
  auto known = co_await cli::get_token(client, ctx, id);
  if (known) co_return error(Reason::AlreadyExists, "a token with id " + id + " exists already");
  CO_TRY(co_await cli::put_token(client, ctx, std::move(token)));
  print(flags.get_bool("print-join-command") ? "pintle agent --server=" + server + " --token=" + text + "\n" : text + "\n");
  co_return Unit{};
}

rt::Task<Result<Unit>> list(client::Client& client) {
  CO_TRY_ASSIGN(const auto tokens, co_await cli::list_tokens(client, rt::Context::background()));
  print(cli::format_tokens(tokens, client.runtime().clock().wall_now()));
  co_return Unit{};
}

rt::Task<Result<Unit>> remove(client::Client& client, const FlagSet& flags) {
  if (flags.arguments().empty()) co_return bad_request("name the tokens to delete, whole or by their first six characters");
  for (const std::string& text : flags.arguments())
    if (!cli::token_id_of(text)) co_return bad_request("\"" + text + "\" is neither a token (abcdef.0123456789abcdef) nor its id (abcdef)");
  for (const std::string& text : flags.arguments()) {
    const std::string id = *cli::token_id_of(text);
    auto removed = co_await client.remove<api::core_v1::Secret>(rt::Context::background(), std::string("kube-system"), "bootstrap-token-" + id);
    if (!removed && removed.error().reason == Reason::NotFound) co_return error(Reason::NotFound, "there is no token " + id);
    if (!removed) co_return Unexpected(std::move(removed).error());
    print("bootstrap token \"" + id + "\" deleted\n");
  }
  co_return Unit{};
}

rt::Task<int> run(rt::Runtime& runtime, std::string verb, const FlagSet& flags) {
  Result<Unit> done = Unit{};
  auto connection = connection_of(runtime.disk(), flags);
  if (!connection) {
    done = Unexpected(connection.error());
  } else {
    const std::string server = connection->client.server;
    auto client = client::connect(runtime, std::move(*connection));
    if (!client) {
      done = Unexpected(client.error());
    } else {
      if (verb == "create")
        done = co_await create(**client, server, flags);
      else if (verb == "list")
        done = co_await list(**client);
      else
        done = co_await remove(**client, flags);
      co_await (*client)->close();
    }
  }
  if (!done) std::fprintf(stderr, "pintle token %s: %s\n", verb.c_str(), done.error().message.c_str());
  co_return done ? 0 : 1;
}

int usage(std::FILE* out) {
  std::fputs(
      "Usage: pintle token COMMAND [flags]\n\n"
      "Bootstrap tokens, with which nodes join a cluster. A token is worth a place in the cluster: keep it secret, and give it a short life.\n\n"
      "Commands:\n"
      "  create [TOKEN]     makes a token, good for 24 hours unless --ttl says otherwise, and prints it\n"
      "  list               shows the tokens that there are, and until when they are good\n"
      "  delete TOKEN...    ends tokens, named whole or by their first six characters\n\n"
      "pintle token COMMAND --help shows the flags.\n",
      out);
  return out == stdout ? 0 : 1;
}

}  // namespace

int run_token(std::span<const char* const> args) {
  if (args.empty()) return usage(stderr);
  const std::string verb = args.front();
  if (verb == "--help" || verb == "-h" || verb == "help") return usage(stdout);
  if (verb != "create" && verb != "list" && verb != "delete") {
    std::fprintf(stderr, "pintle token: unknown command \"%s\"; see pintle token --help\n", verb.c_str());
    return 1;
  }
  FlagSet flags("pintle token " + verb, verb == "create" ? std::span<const FlagSpec>(create_specs) : std::span<const FlagSpec>(other_specs));
  if (verb == "create") flags.take_arguments("[TOKEN]", 1);
  if (verb == "delete") flags.take_arguments("TOKEN...", deletions_max);
  if (auto parsed = flags.parse(args.subspan(1)); !parsed) {
    std::fprintf(stderr, "pintle token %s: %s\n", verb.c_str(), parsed.error().message.c_str());
    return 1;
  }
  if (flags.help_requested()) {
    print(flags.help());
    return 0;
  }
  rt::RealRuntimeOptions options;
  options.threads = 1;
  auto runtime = rt::make_real_runtime(options);
  component::log::init(runtime->clock(), {});
  rt::Runtime& borrowed = *runtime;
  return runtime->run([&] { return run(borrowed, verb, flags); });
}

}  // namespace pintle::cmd
