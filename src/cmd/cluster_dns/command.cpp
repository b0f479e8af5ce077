#include "cmd/cluster_dns/command.h"

#include "base/split.h"
#include "client/kubeconfig.h"
#include "component/command.h"
#include "component/flags.h"
#include "component/log.h"
#include "component/log_flags.h"
#include "component/metrics.h"
#include "component/until_signal.h"
#include "dns/client_ranges.h"
#include "dns/resolv_conf.h"
#include "dns/server.h"
#include "net/server.h"
#include "rt/runtime.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;
using component::FlagSpec;
using enum component::FlagType;

// name, type, default, description, short name, deprecated, effective
constexpr FlagSpec specs[] = {
    {"allow-from", Strings, "", "Addresses and ranges that are answered; default: private ones; 0.0.0.0/0,::/0: whoever reaches it", 0, false, true},
    {"cluster-domain", String, "cluster.local", "The domain of the cluster's names", 0, false, true},
    {"kubeconfig", String, "", "Which API server, and as whom; none: the pod's service account", 0, false, true},
    {"logging-format", String, "text", "Form of log lines: text or json", 0, false, true},
    {"listen", Strings, "0.0.0.0:53", "Addresses to answer at, by UDP and TCP", 0, false, true},
    {"metrics-listen", String, "", "Address of /metrics, /health and /ready, by HTTP; empty: none", 0, false, true},
    {"nameserver", Strings, "", "The addresses that clients know this server by (ns.dns.CLUSTER_DOMAIN)", 0, false, true},
    {"pods", String, "insecure", "How pod names are answered: disabled, insecure or verified", 0, false, true},
    {"resolv-conf", String, "/etc/resolv.conf", "File with the servers for all other names; followed as it changes", 0, false, true},
    {"stub-domain", StringArray, "", "DOMAIN=SERVER[,SERVER]: servers of a domain; may be given several times", 0, false, true},
    {"ttl", Int, "30", "Seconds for which the cluster's records may be kept", 0, false, true},
    {"upstream", Strings, "", "Servers for all other names, instead of the file's", 0, false, true},
    {"v", Int, "", "Verbosity of the log, 0 to 10", 'v', false, true},
    {"vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true},
};

struct Options {
  std::string kubeconfig;
  std::string metrics_listen;
  std::vector<rt::Endpoint> listen;
  std::vector<rt::Endpoint> upstreams;
  std::string resolv_conf;
  std::map<std::string, std::vector<rt::Endpoint>> stub_domains;
  std::vector<IpPrefix> allow_from;
  dns::ZoneOptions zone;
};

Result<std::vector<rt::Endpoint>> endpoints(const std::vector<std::string>& texts) {
  std::vector<rt::Endpoint> out;
  for (const std::string& text : texts) {
    TRY_ASSIGN(auto endpoint, dns::parse_upstream(text));
    out.push_back(std::move(endpoint));
  }
  return out;
}

Result<Options> read_options(const component::FlagSet& flags) {
  Options out;
  out.kubeconfig = flags.get_string("kubeconfig");
  out.metrics_listen = flags.get_string("metrics-listen");
  out.resolv_conf = flags.get_string("resolv-conf");
  TRY_ASSIGN(out.listen, endpoints(flags.get_list("listen")));
  TRY_ASSIGN(out.allow_from, dns::parse_client_ranges(flags.get_list("allow-from")));
  if (out.allow_from.empty()) out.allow_from = dns::private_ranges();
  TRY_ASSIGN(out.upstreams, endpoints(flags.get_list("upstream")));
  for (const std::string& text : flags.get_list("stub-domain")) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return bad_request("--stub-domain must be DOMAIN=SERVER[,SERVER], not \"" + text + "\"");
    const auto servers_given = split_words(std::string_view(text).substr(equals + 1), ',');
    TRY_ASSIGN(auto servers, endpoints({servers_given.begin(), servers_given.end()}));
    out.stub_domains[text.substr(0, equals)] = std::move(servers);
  }
  out.zone.domain = flags.get_string("cluster-domain");
  if (const auto name = dns::make_name(out.zone.domain); !name || name->size() < 2) return bad_request("--cluster-domain is not a domain name");
  out.zone.nameservers = flags.get_list("nameserver");
  const int64_t ttl = flags.get_int("ttl");
  if (ttl < 0 || ttl > 3600) return bad_request("--ttl must be 0-3600");
  out.zone.ttl_seconds = static_cast<uint32_t>(ttl);
  const std::string pods = flags.get_string("pods");
  if (pods == "disabled")
    out.zone.pods = dns::PodRecords::Disabled;
  else if (pods == "insecure")
    out.zone.pods = dns::PodRecords::Insecure;
  else if (pods == "verified")
    out.zone.pods = dns::PodRecords::Verified;
  else
    return bad_request("--pods must be disabled, insecure or verified");
  return out;
}

int fail(const Status& status) { return component::fail("cluster-dns", status); }

// /health, /ready and /metrics, as CoreDNS' plugins of these names answer them.
class StatusPages final : public net::Handler {
 public:
  StatusPages(const dns::Server& server, component::metrics::Registry& metrics) : server_(server), metrics_(metrics) {}
  rt::Task<void> serve(rt::Context, net::Request& request, net::ResponseWriter& writer) override {
    int status = 200;
    std::string text = "OK";
    if (request.path == "/ready") {
      if (!server_.ready()) {
        status = 503;
        text = "kubernetes";
      }
    } else if (request.path == "/metrics") {
      text = metrics_.write();
      component::metrics::write_process_metrics(text);
    } else if (request.path != "/health") {
      status = 404;
      text = "not found";
    }
    (void)co_await net::respond(writer, status, "text/plain; charset=utf-8", Bytes(std::move(text)));
  }

 private:
  const dns::Server& server_;
  component::metrics::Registry& metrics_;
};

rt::Task<Result<Unit>> serve_until_signal(rt::Runtime* runtime, dns::Server* server, component::metrics::Registry* metrics,
                                          std::string metrics_listen) {
  CO_TRY(co_await server->start());
  for (const rt::Endpoint& endpoint : server->endpoints()) log::info(0, "Serving DNS", {{"address", rt::to_string(endpoint)}});
  StatusPages pages(*server, *metrics);
  std::unique_ptr<net::Server> status;
  if (!metrics_listen.empty()) {
    net::ServerOptions options;
    CO_TRY_ASSIGN(options.listen, dns::parse_upstream(metrics_listen));
    status = net::make_server(*runtime, pages, std::move(options));
    CO_TRY(co_await status->start());
  }
  (void)co_await component::until_signal(rt::Context::background());
  if (status) co_await status->drain(rt::Duration::zero());
  co_return Unit{};
}

rt::Task<int> serve(rt::Runtime& runtime, Options options) {
  auto connection =
      options.kubeconfig.empty() ? client::in_cluster_config(runtime.disk()) : client::load_kubeconfig(runtime.disk(), options.kubeconfig);
  if (!connection) co_return fail(connection.error());
  connection->client.user_agent = "pintle cluster-dns";
  auto client = client::connect(runtime, std::move(*connection));
  if (!client) co_return fail(client.error());
  component::metrics::Registry metrics;
  Result<Unit> served;
  {
    dns::DnsSetup setup{.runtime = runtime, .client = **client};
    setup.listen = options.listen;
    setup.zone = options.zone;
    setup.upstreams = options.upstreams;
    setup.resolv_conf = options.resolv_conf;
    setup.stub_domains = options.stub_domains;
    setup.allow_from = options.allow_from;
    setup.metrics = &metrics;
    dns::Server server(std::move(setup));
    served = co_await serve_until_signal(&runtime, &server, &metrics, options.metrics_listen);
    co_await server.stop();
  }
  co_await (*client)->close();
  co_return served ? 0 : fail(served.error());
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, read_options(flags));
  TRY_ASSIGN(auto logging, component::log_options(flags));
  return component::CommandWork{logging, {}, [&runtime, options] { return serve(runtime, options); }};
}

}  // namespace

int run_cluster_dns(std::span<const char* const> args) {
  return component::run_command({.name = "cluster-dns", .flags = specs, .prepare = prepare}, args);
}

}  // namespace pintle::cmd
