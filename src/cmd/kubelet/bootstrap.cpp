#include "cmd/kubelet/bootstrap.h"

#include "client/kubeconfig.h"
#include "codec/base64.h"
#include "component/certificate/certificate.h"
#include "component/log.h"
#include "kubelet/certificates/certificate_manager.h"
#include "rt/backoff.h"
#include "rt/sync.h"

namespace pintle::cmd {

namespace {

namespace log = component::log;

constexpr rt::BackoffOptions retry{.initial = std::chrono::seconds(1), .max = std::chrono::seconds(30)};

// Certificate and key by name: they are renewed in place.
std::string kubeconfig_text(const std::string& server, const std::string& ca_pem, const std::string& pair_file) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: default-context\n"
         "clusters:\n- name: default-cluster\n  cluster:\n    server: " +
         server + "\n    certificate-authority-data: " + codec::base64(ca_pem) +
         "\ncontexts:\n- name: default-context\n  context:\n    cluster: default-cluster\n    namespace: default\n    user: default-auth\n"
         "users:\n- name: default-auth\n  user:\n    client-certificate: " +
         pair_file + "\n    client-key: " + pair_file + "\n";
}

Result<std::string> authority_of(rt::Disk& disk, const net::ClientOptions& tls) {
  if (!tls.ca_pem.empty() || tls.ca_file.empty()) return tls.ca_pem;
  return disk.read(tls.ca_file);
}

}  // namespace

bool is_kubeconfig_good(rt::Disk& disk, const std::string& path, int64_t now) {
  if (!disk.exists(path)) return false;
  const auto check = [&]() -> Result<Unit> {
    TRY_ASSIGN(const auto connection, client::load_kubeconfig(disk, path));
    std::string pem = connection.tls.cert_pem;
    if (pem.empty() && connection.tls.cert_file.empty()) return error(Reason::NotFound, "it has no client certificate");
    if (pem.empty()) {
      TRY_ASSIGN(pem, disk.read(connection.tls.cert_file));
    }
    TRY_ASSIGN(const auto certificates, component::certificates_from_pem(pem));
    if (certificates.empty()) return error(Reason::NotFound, "it has no client certificate");
    for (const std::string& der : certificates) {
      TRY_ASSIGN(const auto info, component::parse_certificate_der(der));
      if (now > info.not_after) return error(Reason::Expired, "its client certificate has expired");
    }
    return Unit{};
  };
  const auto good = check();
  if (!good) log::error("The kubeconfig is of no use, and made anew", good.error(), {{"file", path}});
  return good.has_value();
}

rt::Task<Result<Unit>> ensure_kubeconfig(rt::Context ctx, rt::Runtime* runtime, BootstrapRequest request) {
  rt::Disk& disk = runtime->disk();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(runtime->clock().wall_now().time_since_epoch()).count();
  if (is_kubeconfig_good(disk, request.kubeconfig, now)) co_return Unit{};
  CO_TRY_ASSIGN(auto connection, client::load_kubeconfig(disk, request.bootstrap_kubeconfig));
  CO_TRY_ASSIGN(const std::string ca_pem, authority_of(disk, connection.tls));
  const std::string server = connection.client.server;
  CO_TRY_ASSIGN(auto client, client::connect(*runtime, std::move(connection)));
  rt::Backoff backoff(retry);
  Result<std::string> pair = error(Reason::Cancelled, "");
  while (!ctx.done()) {
    pair = co_await kubelet::certificates::bootstrap_client_certificate(ctx, client.get(), request.cert_dir, request.node_name);
    if (pair) break;
    log::error("The client certificate was not issued", pair.error(), {{"node", request.node_name}});
    (void)co_await rt::sleep_for(ctx, backoff.next(runtime->random()));
  }
  co_await client->close();
  if (!pair) co_return Unexpected(std::move(pair).error());
  co_return disk.replace(request.kubeconfig, kubeconfig_text(server, ca_pem, *pair), 0600);
}

}  // namespace pintle::cmd
