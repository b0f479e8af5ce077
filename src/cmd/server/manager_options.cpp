#include "cmd/server/manager_options.h"

#include "cmd/kube_controller_manager/command.h"
#include "cmd/server/component_arguments.h"
#include "component/certificate/pki.h"
#include "controller/manager.h"

namespace pintle::cmd {

Result<Unit> check_manager_arguments(const cli::ClusterConfig& config) {
  TRY_ASSIGN(const component::FlagSet flags, component_flags(config, "kube-controller-manager"));
  const auto chosen = controller::select_controllers(selected_controllers(flags));
  if (!chosen) return bad_request("--kube-controller-manager-arg: " + chosen.error().message);
  return Unit{};
}

Result<ManagerOptions> manager_options(rt::Disk& disk, const cli::ClusterConfig& config, const cli::Layout& layout) {
  const std::string pki = layout.pki(), ca = pki + "/ca", kubelets = pki + "/" + std::string(component::Pki::kubelet_serving_ca);
  TRY_ASSIGN(
      const component::FlagSet flags,
      component_flags(
          config, "kube-controller-manager",
          {"--allocate-node-cidrs", "--cluster-cidr=" + config.cluster_cidr, "--service-cluster-ip-range=" + config.service_cidr,
           "--root-ca-file=" + pki + "/ca.crt", "--service-account-private-key-file=" + pki + "/sa.key",
           "--cluster-signing-kube-apiserver-client-cert-file=" + ca + ".crt", "--cluster-signing-kube-apiserver-client-key-file=" + ca + ".key",
           "--cluster-signing-kubelet-client-cert-file=" + ca + ".crt", "--cluster-signing-kubelet-client-key-file=" + ca + ".key",
           "--cluster-signing-legacy-unknown-cert-file=" + ca + ".crt", "--cluster-signing-legacy-unknown-key-file=" + ca + ".key",
           "--cluster-signing-kubelet-serving-cert-file=" + kubelets + ".crt", "--cluster-signing-kubelet-serving-key-file=" + kubelets + ".key",
           "--controllers=*,bootstrap-signer-controller,token-cleaner-controller"}));
  ManagerOptions out;
  TRY_ASSIGN(out.controllers, controller_options(disk, flags));
  out.controllers.approve_kubelet_serving = true;
  if (!flags.is_set("feature-gates")) out.controllers.feature_gates = config.feature_gates;  // those of pintle server
  out.selected = selected_controllers(flags);
  out.without_effect = flags.without_effect();
  return out;
}

}  // namespace pintle::cmd
