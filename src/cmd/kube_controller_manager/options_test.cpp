#include <gtest/gtest.h>

#include <algorithm>

#include "cmd/kube_controller_manager/command.h"
#include "cmd/kube_controller_manager/flags.h"
#include "cmd/testing.h"
#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

struct World {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  Result<controller::ControllerOptions> read(const std::vector<std::string>& arguments) {
    return controller_options(disk, testing::flags_of(kube_controller_manager_flags(), arguments));
  }
  std::string refusal(const std::vector<std::string>& arguments) {
    const auto options = read(arguments);
    return options ? "taken" : options.error().message;
  }
};

TEST(ControllerOptions, UpstreamsDefaults) {
  World world;
  const auto options = world.read({});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->node_monitor_grace_period, std::chrono::seconds(50));
  EXPECT_EQ(options->node_startup_grace_period, std::chrono::seconds(60));
  EXPECT_EQ(options->node_eviction_rate, 0.1);
  EXPECT_EQ(options->unhealthy_zone_threshold, 0.55);
  EXPECT_EQ(options->terminated_pod_gc_threshold, 12500);
  EXPECT_EQ(options->attach_detach_reconcile_sync_period, std::chrono::minutes(1));
  EXPECT_FALSE(options->disable_attach_detach_reconcile_sync || options->disable_force_detach_on_timeout);
  EXPECT_EQ(options->max_endpoints_per_slice, 100);
  EXPECT_EQ(options->cluster_signing_duration, std::chrono::hours(24 * 365));
  EXPECT_EQ(options->horizontal_pod_autoscaler_sync_period, std::chrono::seconds(15));
  EXPECT_EQ(options->horizontal_pod_autoscaler_downscale_stabilization, std::chrono::minutes(5));
  EXPECT_EQ(options->horizontal_pod_autoscaler_cpu_initialization_period, std::chrono::minutes(5));
  EXPECT_EQ(options->horizontal_pod_autoscaler_initial_readiness_delay, std::chrono::seconds(30));
  EXPECT_EQ(options->horizontal_pod_autoscaler_tolerance, 0.1);
  EXPECT_TRUE(options->concurrency.empty()) << "each controller has its own default";
  EXPECT_TRUE(options->signers.empty());
}

TEST(ControllerOptions, EachFlagReachesItsMember) {
  World world;
  ASSERT_TRUE(world.disk.write("/ca.crt", "CERTIFICATE"));
  ASSERT_TRUE(world.disk.write("/ca.key", "KEY"));
  const auto options = world.read({"--concurrent-deployment-syncs=9",
                                   "--mirroring-concurrent-service-endpoint-syncs=3",
                                   "--node-eviction-rate=2.5",
                                   "--endpoint-updates-batch-period=1s",
                                   "--endpointslice-updates-batch-period=3s",
                                   "--root-ca-file=/ca.crt",
                                   "--cluster-signing-cert-file=/ca.crt",
                                   "--cluster-signing-key-file=/ca.key",
                                   "--cluster-signing-duration=1h",
                                   "--allocate-node-cidrs",
                                   "--cluster-cidr=10.1.0.0/16,fd00::/48",
                                   "--node-cidr-mask-size-ipv4=25",
                                   "--horizontal-pod-autoscaler-sync-period=2s",
                                   "--horizontal-pod-autoscaler-downscale-stabilization=1m",
                                   "--horizontal-pod-autoscaler-cpu-initialization-period=3m",
                                   "--horizontal-pod-autoscaler-initial-readiness-delay=7s",
                                   "--horizontal-pod-autoscaler-tolerance=0.05",
                                   "--concurrent-horizontal-pod-autoscaler-syncs=2",
                                   "--attach-detach-reconcile-sync-period=3s",
                                   "--disable-attach-detach-reconcile-sync",
                                   "--disable-force-detach-on-timeout"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->concurrency,
            (std::map<std::string, int>{
                {"deployment-controller", 9}, {"endpointslice-mirroring-controller", 3}, {"horizontal-pod-autoscaler-controller", 2}}));
  EXPECT_EQ(options->node_eviction_rate, 2.5);
  EXPECT_EQ(options->horizontal_pod_autoscaler_sync_period, std::chrono::seconds(2));
  EXPECT_EQ(options->horizontal_pod_autoscaler_downscale_stabilization, std::chrono::minutes(1));
  EXPECT_EQ(options->horizontal_pod_autoscaler_cpu_initialization_period, std::chrono::minutes(3));
  EXPECT_EQ(options->horizontal_pod_autoscaler_initial_readiness_delay, std::chrono::seconds(7));
  EXPECT_EQ(options->horizontal_pod_autoscaler_tolerance, 0.05);
  EXPECT_EQ(options->endpoint_updates_batch_period, std::chrono::seconds(3));
  EXPECT_EQ(options->attach_detach_reconcile_sync_period, std::chrono::seconds(3));
  EXPECT_TRUE(options->disable_attach_detach_reconcile_sync && options->disable_force_detach_on_timeout);
  EXPECT_EQ(options->root_ca_pem, "CERTIFICATE");
  EXPECT_EQ(options->signers.size(), 4u);
  EXPECT_EQ(options->signers.at("kubernetes.io/legacy-unknown").key_pem, "KEY");
  EXPECT_EQ(options->cluster_signing_duration, std::chrono::hours(1));
  EXPECT_TRUE(options->allocate_node_cidrs);
  EXPECT_EQ(options->cluster_cidrs.size(), 2u);
  EXPECT_EQ(options->node_cidr_mask_size_v4, 25);
}

TEST(ControllerOptions, PodsThatScrubVolumes) {
  World world;
  ASSERT_TRUE(world.disk.write("/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {namespace: ns}\nspec: {volumes: [{name: x}]}\n"));
  ASSERT_TRUE(world.disk.write("/bare.yaml", "apiVersion: v1\nkind: Pod\nspec: {}\n"));
  ASSERT_TRUE(world.disk.write("/job.yaml", "apiVersion: batch/v1\nkind: Job\n"));
  const auto options =
      world.read({"--enable-hostpath-provisioner", "--pv-recycler-pod-template-filepath-nfs=/pod.yaml", "--pv-recycler-minimum-timeout-hostpath=7",
                  "--pv-recycler-timeout-increment-hostpath=8", "--pv-recycler-increment-timeout-nfs=9"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(options->enable_hostpath_provisioner);
  EXPECT_EQ(options->hostpath_recycler.pod_template, nullptr);
  EXPECT_EQ(options->hostpath_recycler.minimum_timeout_seconds, 7);
  EXPECT_EQ(options->hostpath_recycler.timeout_increment_seconds, 8);
  ASSERT_NE(options->nfs_recycler.pod_template, nullptr);
  EXPECT_EQ(options->nfs_recycler.pod_template->metadata.namespace_, "ns");
  EXPECT_EQ(options->nfs_recycler.minimum_timeout_seconds, 300);
  EXPECT_EQ(options->nfs_recycler.timeout_increment_seconds, 9);
  EXPECT_EQ(world.refusal({"--pv-recycler-pod-template-filepath-nfs=/bare.yaml"}),
            "--pv-recycler-pod-template-filepath-nfs: the pod has no volume, in whose place the one to be scrubbed would come");
  EXPECT_EQ(world.refusal({"--pv-recycler-pod-template-filepath-hostpath=/job.yaml"}),
            "--pv-recycler-pod-template-filepath-hostpath: not a Pod of v1");
}

// The page as a whole is compared with upstream's in test/integration.
TEST(ControllerOptions, TheConfigurationSaysWhatTheFlagsSay) {
  const std::string page = controller_manager_configuration(testing::flags_of(
      kube_controller_manager_flags(), {"--concurrent-job-syncs=7", "--node-eviction-rate=2.5", "--service-cluster-ip-range=10.0.0.0/16,fd00::/108",
                                        "--controllers=*,-ttl", "--attach-detach-reconcile-sync-period=90s", "--leader-elect=false"}));
  for (const char* part :
       {R"({"kind":"KubeControllerManagerConfiguration","apiVersion":"kubecontrollermanager.config.k8s.io/v1alpha1","Generic":{"Port":0,)",
        R"("JobController":{"ConcurrentJobSyncs":7},)", R"("NodeEvictionRate":2.5,)", R"("Controllers":["*","-ttl"],)",
        R"("ServiceCIDR":"10.0.0.0/16","SecondaryServiceCIDR":"fd00::/108",)", R"("ReconcilerSyncLoopPeriod":"1m30s",)", R"("leaderElect":false,)",
        R"("DeprecatedController":{},)", R"("ResourceClaimController":{"ConcurrentSyncs":50}})"})
    EXPECT_NE(page.find(part), std::string::npos) << part << " is not in " << page;
  EXPECT_EQ(std::ranges::count(page, '{'), std::ranges::count(page, '}'));
}

TEST(ControllerOptions, TokensInSecrets) {
  World world;
  const auto key = component::PrivateKey::generate_ec_p256();
  ASSERT_TRUE(world.disk.write("/sa.key", key->to_pem()));
  const auto options = world.read({"--service-account-private-key-file=/sa.key", "--concurrent-serviceaccount-token-syncs=7",
                                   "--legacy-service-account-token-clean-up-period=24h"});
  ASSERT_TRUE(options) << options.error().message;
  ASSERT_TRUE(options->service_account_key);
  EXPECT_EQ(options->service_account_key->public_key().key_id(), key->public_key().key_id());
  EXPECT_EQ(options->concurrency.at("serviceaccount-token-controller"), 7);
  EXPECT_EQ(options->legacy_token_clean_up_period, std::chrono::hours(24));
  EXPECT_FALSE(world.read({})->service_account_key);
  EXPECT_EQ(world.read({})->legacy_token_clean_up_period, std::chrono::hours(8760));
}

TEST(ControllerOptions, MistakesNameTheFlag) {
  World world;
  ASSERT_TRUE(world.disk.write("/no.key", "secret"));
  const std::string no_key = world.refusal({"--service-account-private-key-file=/no.key"});
  EXPECT_TRUE(no_key.starts_with("--service-account-private-key-file: ")) << no_key;
  EXPECT_EQ(no_key.find("secret"), std::string::npos);
  EXPECT_EQ(world.refusal({"--legacy-service-account-token-clean-up-period=0s"}),
            "--legacy-service-account-token-clean-up-period must be more than zero");
  EXPECT_EQ(world.refusal({"--attach-detach-reconcile-sync-period=999ms"}), "--attach-detach-reconcile-sync-period must be 1s or more");
  EXPECT_EQ(world.refusal({"--max-endpoints-per-slice=1001"}), "--max-endpoints-per-slice must be 1-1000");
  EXPECT_EQ(world.refusal({"--horizontal-pod-autoscaler-sync-period=0s"}), "--horizontal-pod-autoscaler-sync-period must be more than 0");
  EXPECT_TRUE(world.refusal({"--root-ca-file=/none"}).starts_with("--root-ca-file: ")) << world.refusal({"--root-ca-file=/none"});
  ASSERT_TRUE(world.disk.write("/ca.crt", "CERTIFICATE"));
  EXPECT_EQ(world.refusal({"--cluster-signing-cert-file=/ca.crt"}), "--cluster-signing-cert-file and --cluster-signing-key-file go together");
  EXPECT_EQ(world.refusal({"--allocate-node-cidrs", "--cluster-cidr=10.1.0.0/16,fd00::/48", "--node-cidr-mask-size=25"}),
            "--node-cidr-mask-size is for clusters of one IP family; use --node-cidr-mask-size-ipv4 and -ipv6");
}

// Without --root-ca-file: the kubeconfig's authority.
TEST(ControllerOptions, WhomTheConnectionTrusts) {
  World world;
  ASSERT_TRUE(world.disk.write("/ca.crt", "CERTIFICATE"));
  const auto check = [&](const std::string& pem, const std::string& file, const std::string& want) {
    net::ClientOptions tls;
    tls.ca_pem = pem;
    tls.ca_file = file;
    EXPECT_EQ(trusted_authority(world.disk, tls).value_or("none"), want) << pem << " " << file;
  };
  check("", "", "");
  check("PEM", "", "PEM");
  check("", "/ca.crt", "CERTIFICATE");
  check("PEM", "/ca.crt", "PEM");
  check("", "/none", "none");
}

TEST(ControllerOptions, WhichControllersRun) {
  const auto chosen = [](const std::vector<std::string>& arguments) {
    return selected_controllers(testing::flags_of(kube_controller_manager_flags(), arguments));
  };
  EXPECT_EQ(chosen({}), (std::vector<std::string>{"*"}));
  EXPECT_EQ(chosen({"--controllers=*,-ttl"}), (std::vector<std::string>{"*", "-ttl"}));
  EXPECT_EQ(chosen({"--enable-garbage-collector=false"}), (std::vector<std::string>{"*", "-garbage-collector-controller"}));
}

}  // namespace
}  // namespace pintle::cmd
