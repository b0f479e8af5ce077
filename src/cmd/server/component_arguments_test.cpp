#include "cmd/server/component_arguments.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

struct World {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();

  cli::ClusterConfig config_of(std::vector<const char*> arguments, bool server = true) {
    component::FlagSet flags("pintle", server ? cli::server_flags() : cli::agent_flags());
    if (!server) arguments.push_back("--server=https://a:6443");
    auto config = cli::parse_cluster_config(flags, server, arguments, disk);
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    return config ? *config : cli::ClusterConfig();
  }
  std::string refusal(std::vector<const char*> arguments, bool server = true) {
    const auto checked = check_component_arguments(config_of(std::move(arguments), server), disk);
    return checked ? "taken" : checked.error().message;
  }
};

TEST(ComponentArguments, NothingIsSaidAndAllIsTaken) {
  World world;
  EXPECT_EQ(world.refusal({}), "taken");
  EXPECT_EQ(world.refusal({}, false), "taken");
}

TEST(ComponentArguments, WhatTheProcessSettlesIsRefused) {
  World world;
  const std::pair<const char*, std::string> refused[] = {
      {"--kube-apiserver-arg=secure-port=1", "--kube-apiserver-arg: secure-port is settled by pintle server itself"},
      {"--kube-apiserver-arg=authorization-mode=AlwaysAllow", "--kube-apiserver-arg: authorization-mode is settled by pintle server itself"},
      {"--kube-apiserver-arg=disable-admission-plugins=NodeRestriction",
       "--kube-apiserver-arg: disable-admission-plugins: without NodeRestriction every agent is an administrator"},
      {"--kube-apiserver-arg=no-such-flag=1", "--kube-apiserver-arg: "},
      {"--kube-apiserver-arg=--event-ttl=1h", "--kube-apiserver-arg: --event-ttl=1h: write the flag without its dashes"},
      {"--kube-scheduler-arg=leader-elect=false", "--kube-scheduler-arg: leader-elect is settled by pintle server itself"},
      {"--kube-scheduler-arg=config=/none", "--kube-scheduler-arg: "},
      {"--kube-controller-manager-arg=leader-elect-retry-period=1s",
       "--kube-controller-manager-arg: leader-elect-retry-period is settled by pintle server itself"},
      {"--kube-controller-manager-arg=controllers=no-such", "--kube-controller-manager-arg: "},
      {"--kubelet-arg=hostname-override=x", "--kubelet-arg: hostname-override is settled by pintle server itself"},
      {"--kubelet-arg=max-pods=many", "--kubelet-arg: "},
      {"--kubelet-arg=max-pods=-1", "--kubelet-arg: "},
      {"--kube-proxy-arg=proxy-mode=ipvs", "--kube-proxy-arg: "},
      {"--kube-proxy-arg=cluster-cidr=10.0.0.0/8", "--kube-proxy-arg: cluster-cidr is settled by pintle server itself"},
  };
  for (const auto& [argument, wanted] : refused) {
    const std::string said = world.refusal({argument});
    EXPECT_TRUE(said.starts_with(wanted)) << argument << ": " << said;
  }
  EXPECT_EQ(world.refusal({"--kubelet-arg=root-dir=/x"}, false), "--kubelet-arg: root-dir is settled by pintle agent itself");
}

TEST(ComponentArguments, TheApiServersAreLaidOverWhatIsSettled) {
  World world;
  const auto config = world.config_of({"--kube-apiserver-arg=event-ttl=2h", "--kube-apiserver-arg=enable-admission-plugins=AlwaysPullImages",
                                       "--kube-apiserver-arg=service-account-issuer=https://issuer.example.com"});
  apiserver::ApiServerOptions options;
  options.service_account_issuers = {"https://kubernetes.default.svc"};
  options.secure_port = 7443;
  const auto taken = take_api_server_arguments(config, options);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(options.event_ttl, std::chrono::hours(2));
  EXPECT_EQ(options.enable_admission_plugins, (std::vector<std::string>{"AlwaysPullImages", "NodeRestriction"}));
  EXPECT_EQ(options.service_account_issuers, (std::vector<std::string>{"https://issuer.example.com"}));
  EXPECT_EQ(options.secure_port, 7443);
}

TEST(ComponentArguments, FilesOfComponentsAreRead) {
  World world;
  ASSERT_TRUE(world.disk.write("/scheduler.yaml",
                               "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- schedulerName: other\n"));
  ASSERT_TRUE(world.disk.write(
      "/proxy.yaml",
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\nnodePortAddresses: [10.0.0.0/8]\n"));
  ASSERT_TRUE(
      world.disk.write("/kubelet.yaml", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 30\npodPidsLimit: 100\n"));
  const auto config =
      world.config_of({"--kube-scheduler-arg=config=/scheduler.yaml", "--kube-proxy-arg=config=/proxy.yaml", "--kubelet-config=/kubelet.yaml",
                       "--kubelet-arg=max-pods=40", "--kubelet-arg=cloud-provider=external", "--kubelet-arg=provider-id=aws:///a/i-1",
                       "--kubelet-arg=image-credential-provider-config=/c.yaml", "--kubelet-arg=image-credential-provider-bin-dir=/bin"});
  const auto scheduler = scheduler_settings(config, world.disk);
  ASSERT_TRUE(scheduler) << scheduler.error().message;
  ASSERT_EQ(scheduler->config.profiles.size(), 1u);
  EXPECT_EQ(scheduler->config.profiles[0].scheduler_name, "other");
  const auto proxy = proxy_configuration(config, world.disk, "10.42.0.0/16");
  ASSERT_TRUE(proxy) << proxy.error().message;
  EXPECT_EQ(proxy->node_port_addresses, (std::vector<std::string>{"10.0.0.0/8"}));
  EXPECT_EQ(proxy->cluster_cidr, "10.42.0.0/16");
  const auto kubelet = kubelet_settings(config, world.disk);
  ASSERT_TRUE(kubelet) << kubelet.error().message;
  EXPECT_EQ(kubelet->config.max_pods, 40);
  EXPECT_EQ(kubelet->config.pod_pids_limit, 100);
  EXPECT_EQ(kubelet->provider_id, "aws:///a/i-1");
  EXPECT_EQ(kubelet->credential_provider_config + kubelet->credential_provider_bin_dir, "/c.yaml/bin");
  EXPECT_TRUE(kubelet->external_cloud_provider);
}

TEST(ComponentArguments, GatesOfAComponentOutweighThoseOfTheProcess) {
  World world;
  const auto gates = [&](std::vector<const char*> arguments) { return scheduler_settings(world.config_of(std::move(arguments)), world.disk)->gates; };
  constexpr std::string_view gate = "TaintTolerationComparisonOperators";
  EXPECT_FALSE(gates({}).enabled(gate));
  EXPECT_TRUE(gates({"--feature-gates=TaintTolerationComparisonOperators=true"}).enabled(gate));
  EXPECT_FALSE(gates({"--feature-gates=TaintTolerationComparisonOperators=true",
                      "--kube-scheduler-arg=feature-gates=TaintTolerationComparisonOperators=false"})
                   .enabled(gate));
}

}  // namespace
}  // namespace pintle::cmd
