#include "cmd/server/manager_options.h"

#include <algorithm>

#include "cmd/kube_controller_manager/command.h"
#include "cmd/kube_controller_manager/flags.h"
#include "component/certificate/pki.h"
#include "controller/manager.h"

namespace pintle::cmd {
namespace {

constexpr std::string_view argument_flag = "--kube-controller-manager-arg";
// Beginnings of the flags of a process with a port, a lease and files of its own, and of those that flags of `pintle server` decide.
constexpr std::string_view settled[] = {
    "allocate-node-cidrs",
    "authentication-",
    "authorization-",
    "bind-address",
    "cert-dir",
    "client-ca-file",
    "cluster-cidr",
    "cluster-signing-cert-",
    "cluster-signing-k",
    "cluster-signing-legacy-",
    "help",
    "http2-",
    "kube-api-",
    "kubeconfig",
    "leader-elect",
    "log",
    "master",
    "requestheader-",
    "root-ca-file",
    "secure-port",
    "service-account-private-key-file",
    "service-cluster-ip-range",
    "tls-",
    "use-service-account-credentials",
    "v",
};

Result<component::FlagSet> parse(std::vector<std::string> arguments, const cli::ClusterConfig& config) {
  for (const std::string& argument : config.controller_manager_args) arguments.push_back("--" + argument);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  component::FlagSet flags("kube-controller-manager", kube_controller_manager_flags());
  auto parsed = flags.parse(pointers);
  if (!parsed) return bad_request(std::string(argument_flag) + ": " + parsed.error().message);
  return flags;
}

}  // namespace

Result<Unit> check_manager_arguments(const cli::ClusterConfig& config) {
  for (const std::string& argument : config.controller_manager_args) {
    const std::string name = argument.substr(0, argument.find('='));
    const bool ours = std::ranges::any_of(settled, [&](std::string_view beginning) { return name.starts_with(beginning); });
    if (ours) return bad_request(std::string(argument_flag) + ": " + name + " is settled by pintle server itself");
  }
  TRY_ASSIGN(const component::FlagSet flags, parse({}, config));
  const auto chosen = controller::select_controllers(selected_controllers(flags));
  if (!chosen) return bad_request(std::string(argument_flag) + ": " + chosen.error().message);
  return Unit{};
}

Result<ManagerOptions> manager_options(rt::Disk& disk, const cli::ClusterConfig& config, const cli::Layout& layout) {
  const std::string pki = layout.pki(), ca = pki + "/ca", kubelets = pki + "/" + std::string(component::Pki::kubelet_serving_ca);
  TRY_ASSIGN(const component::FlagSet flags,
             parse({"--allocate-node-cidrs", "--cluster-cidr=" + config.cluster_cidr, "--service-cluster-ip-range=" + config.service_cidr,
                    "--root-ca-file=" + pki + "/ca.crt", "--cluster-signing-kube-apiserver-client-cert-file=" + ca + ".crt",
                    "--cluster-signing-kube-apiserver-client-key-file=" + ca + ".key", "--cluster-signing-kubelet-client-cert-file=" + ca + ".crt",
                    "--cluster-signing-kubelet-client-key-file=" + ca + ".key", "--cluster-signing-legacy-unknown-cert-file=" + ca + ".crt",
                    "--cluster-signing-legacy-unknown-key-file=" + ca + ".key", "--cluster-signing-kubelet-serving-cert-file=" + kubelets + ".crt",
                    "--cluster-signing-kubelet-serving-key-file=" + kubelets + ".key",
                    "--controllers=*,bootstrap-signer-controller,token-cleaner-controller"},
                   config));
  ManagerOptions out;
  TRY_ASSIGN(out.controllers, controller_options(disk, flags));
  out.controllers.approve_kubelet_serving = true;
  if (!flags.is_set("feature-gates")) out.controllers.feature_gates = config.feature_gates;  // those of pintle server
  out.selected = selected_controllers(flags);
  out.without_effect = flags.without_effect();
  return out;
}

}  // namespace pintle::cmd
