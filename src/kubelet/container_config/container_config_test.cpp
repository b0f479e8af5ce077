#include "kubelet/container_config/container_config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kubelet/container_config/security.h"

namespace pintle::kubelet::container_config {
namespace {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

api::Quantity q(std::string_view text) { return api::Quantity::parse(text).value(); }

core::Pod sample() {
  core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.metadata.uid = "u1";
  pod.metadata.labels = {{"app", "web"}};
  pod.metadata.annotations = {{"note", "x"}};
  pod.spec.dns_policy = "ClusterFirst";
  pod.spec.termination_grace_period_seconds = 30;
  core::Container container;
  container.name = "main";
  container.image = "busybox:1";
  container.termination_message_path = "/dev/termination-log";
  container.termination_message_policy = "File";
  pod.spec.containers.push_back(std::move(container));
  return pod;
}

NodeConfig node() {
  NodeConfig out;
  out.cluster_dns = {"10.96.0.10"};
  out.memory_capacity_bytes = int64_t{8} << 30;
  return out;
}

Result<cri_v1::ContainerConfig> config_of(const core::Pod& pod, const NodeConfig& on = node()) {
  ContainerInputs inputs{pod, pod.spec.containers[0], on};
  inputs.attempt = 2;
  inputs.image_ref = "sha256:abc";
  inputs.environment = {{"A", "1"}, {"B", "$(A)"}};
  inputs.termination_log = "/root/pods/u1/containers/main/0badcafe";
  return make_container_config(inputs);
}

TEST(ContainerHash, AsUpstreamComputesIt) {
  core::Container container;
  container.name = "foo";
  container.image = "bar";
  EXPECT_EQ(container_hash(container), "11a6d6d6");
  container.args = {"other"};
  EXPECT_EQ(container_hash(container), "11a6d6d6") << "name and image alone";
  container.image = "baz";
  EXPECT_NE(container_hash(container), "11a6d6d6");
}

TEST(ContainerConfig, WhatPluginsWant) {
  const core::Pod pod = sample();
  const NodeConfig on = node();
  ContainerInputs inputs{pod, pod.spec.containers[0], on};
  inputs.environment = {{"A", "own"}};
  inputs.mounts.emplace_back().container_path = "/own";
  inputs.devices.emplace_back().container_path = "/dev/own";
  inputs.from_plugins.environment = {{"A", "plugin"}, {"B", "plugin"}};
  inputs.from_plugins.mounts.emplace_back().container_path = "/plugin";
  inputs.from_plugins.devices.emplace_back().container_path = "/dev/plugin";
  inputs.from_plugins.annotations = {{"a", "plugin"}, {std::string(labels::restart_count), "7"}};
  inputs.from_plugins.cdi_devices = {"v/c=1"};
  const auto config = make_container_config(inputs);
  ASSERT_TRUE(config) << config.error().message;
  std::string seen;
  for (const auto& variable : config->envs) seen += variable.key + "=" + variable.value + " ";
  for (const auto& mount : config->mounts) seen += mount.container_path + " ";
  for (const auto& device : config->devices) seen += device.container_path + " ";
  for (const auto& device : config->cdi_devices) seen += device.name;
  EXPECT_EQ(seen, "B=plugin A=own /plugin /own /dev/plugin /dev/own v/c=1");
  EXPECT_EQ(*config->annotations.get("a"), "plugin");
  EXPECT_EQ(*config->annotations.get(labels::restart_count), "0");
}

TEST(ContainerConfig, Plain) {
  core::Pod pod = sample();
  core::Container& container = pod.spec.containers[0];
  container.command = {"sh", "-c", "echo $(A) $(NONE) $$(A)"};
  container.args = {"$(B)"};
  container.ports.emplace_back();
  container.ports[0].container_port = 80;
  container.ports[0].protocol = "TCP";
  const auto config = config_of(pod);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->metadata->name, "main");
  EXPECT_EQ(config->metadata->attempt, 2u);
  EXPECT_EQ(config->image->image, "sha256:abc");
  EXPECT_EQ(config->image->user_specified_image, "busybox:1");
  EXPECT_EQ(config->command, (std::vector<std::string>{"sh", "-c", "echo 1 $(NONE) $(A)"}));
  EXPECT_EQ(config->args, std::vector<std::string>{"$(A)"});
  EXPECT_EQ(config->log_path, "main/2.log");
  EXPECT_EQ(config->labels, (FlatMap<std::string>{{"io.kubernetes.pod.name", "web"},
                                                  {"io.kubernetes.pod.namespace", "shop"},
                                                  {"io.kubernetes.pod.uid", "u1"},
                                                  {"io.kubernetes.container.name", "main"}}));
  EXPECT_EQ(*config->annotations.get(labels::restart_count), "2");
  EXPECT_EQ(*config->annotations.get(labels::pod_termination_grace_period), "30");
  EXPECT_EQ(*config->annotations.get(labels::termination_message_path), "/dev/termination-log");
  EXPECT_EQ(*config->annotations.get(labels::container_ports), R"([{"containerPort":80,"protocol":"TCP"}])");
  ASSERT_EQ(config->mounts.size(), 1u);
  EXPECT_EQ(config->mounts[0].container_path, "/dev/termination-log");
  EXPECT_EQ(config->mounts[0].host_path, "/root/pods/u1/containers/main/0badcafe");
  ASSERT_EQ(config->envs.size(), 2u);
  EXPECT_EQ(config->envs[1].value, "$(A)");
}

TEST(ContainerConfig, StopSignal) {
  core::Pod pod = sample();
  pod.spec.containers[0].lifecycle.ensure().stop_signal = "SIGUSR1";
  EXPECT_EQ(config_of(pod)->stop_signal, cri_v1::Signal::Sigusr1);
  pod.spec.containers[0].lifecycle->stop_signal = "SIGRTMAX-14";
  EXPECT_EQ(config_of(pod)->stop_signal, cri_v1::Signal::Sigrtmaxminus14);
}

// What a container may swap, "" where nothing is said of it.
std::string swap_of(const core::Pod& pod, const NodeConfig& on) {
  const auto resources = config_of(pod, on)->linux->resources;
  const std::string* most = resources->unified.get("memory.swap.max");
  return most ? *most : std::string();
}

TEST(ContainerConfig, Swap) {
  core::Pod pod = sample();
  core::ResourceRequirements& resources = pod.spec.containers[0].resources;
  resources.requests = {{"memory", q("1Gi")}};
  resources.limits = {{"memory", q("2Gi")}};
  NodeConfig on = node();
  on.cgroup_v2 = true;
  on.memory_capacity_bytes = int64_t{8} << 30;
  on.swap_capacity_bytes = int64_t{4} << 30;
  EXPECT_EQ(swap_of(pod, on), "") << "a kernel that cannot limit it";
  on.swap_controller = true;
  EXPECT_EQ(swap_of(pod, on), "0");
  on.limited_swap = true;
  EXPECT_EQ(swap_of(pod, on), std::to_string(int64_t{512} << 20)) << "an eighth of the memory, an eighth of the swap";
  pod.spec.priority = 2'000'000'000;
  EXPECT_EQ(swap_of(pod, on), "0") << "critical";
  pod.spec.priority = 0;
  resources.requests = {{"memory", q("2Gi")}};
  EXPECT_EQ(swap_of(pod, on), "0") << "it wants no more than it asks for";
  resources = {};
  EXPECT_EQ(swap_of(pod, on), "0") << "BestEffort";
  resources.limits = {{"memory", q("2Gi")}, {"cpu", q("1")}};
  resources.requests = resources.limits;
  EXPECT_EQ(swap_of(pod, on), "0") << "Guaranteed";
  on.cgroup_v2 = false;
  EXPECT_EQ(swap_of(pod, on), "");
  EXPECT_EQ(config_of(pod, on)->linux->resources->memory_swap_limit_in_bytes, int64_t{2} << 30);
}

TEST(ContainerConfig, Resources) {
  core::Pod pod = sample();
  core::ResourceRequirements& resources = pod.spec.containers[0].resources;
  resources.requests = {{"cpu", q("250m")}, {"memory", q("1Gi")}};
  resources.limits = {{"cpu", q("500m")}, {"memory", q("2Gi")}, {"hugepages-2Mi", q("4Mi")}};
  NodeConfig on = node();
  on.hugepage_sizes_bytes = {2 << 20, 1 << 30};
  on.cgroup_v2 = true;
  on.swap_controller = true;
  const cri_v1::LinuxContainerResources out = *config_of(pod, on)->linux->resources;
  EXPECT_EQ(out.cpu_shares, 256);
  EXPECT_EQ(out.cpu_quota, 50'000);
  EXPECT_EQ(out.cpu_period, 100'000);
  EXPECT_EQ(out.memory_limit_in_bytes, int64_t{2} << 30);
  EXPECT_EQ(out.memory_swap_limit_in_bytes, 0) << "version 2 has a file for it";
  EXPECT_EQ(*out.unified.get("memory.swap.max"), "0");
  EXPECT_EQ(out.oom_score_adj, 875);
  ASSERT_EQ(out.hugepage_limits.size(), 2u);
  EXPECT_EQ(out.hugepage_limits[0].page_size, "2MB");
  EXPECT_EQ(out.hugepage_limits[0].limit, 4u << 20);
  EXPECT_EQ(out.hugepage_limits[1].limit, 0u);
  EXPECT_EQ(*out.unified.get("memory.oom.group"), "1");

  // A limit alone is the request too; the pod's limit stands for the container's.
  resources = {};
  resources.limits = {{"cpu", q("1")}};
  EXPECT_EQ(config_of(pod)->linux->resources->cpu_shares, 1024);
  resources = {};
  pod.spec.resources.ensure().limits = {{"memory", q("1Gi")}};
  EXPECT_EQ(config_of(pod)->linux->resources->memory_limit_in_bytes, int64_t{1} << 30);
}

TEST(ContainerConfig, NoResources) {
  const auto config = config_of(sample());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->linux->resources->cpu_shares, 2);
  EXPECT_EQ(config->linux->resources->cpu_quota, 0);
  EXPECT_EQ(config->linux->resources->memory_limit_in_bytes, 0);
  EXPECT_EQ(config->linux->resources->oom_score_adj, 1000);
}

// --- security ---------------------------------------------------------------------------------------------------------------

cri_v1::LinuxContainerSecurityContext security_of(const core::Pod& pod, const NodeConfig& on = node()) {
  const auto config = config_of(pod, on);
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config->linux->security_context : cri_v1::LinuxContainerSecurityContext();
}

TEST(Security, Defaults) {
  const auto security = security_of(sample());
  EXPECT_FALSE(security.privileged);
  EXPECT_FALSE(security.no_new_privs);
  EXPECT_EQ(security.run_as_user->value, 0) << "the image names no user";
  EXPECT_EQ(security.seccomp->profile_type, cri_v1::ProfileType::Unconfined);
  EXPECT_EQ(security.namespace_options->pid, cri_v1::NamespaceMode::Container);
  EXPECT_EQ(security.namespace_options->network, cri_v1::NamespaceMode::Pod);
  EXPECT_EQ(security.masked_paths.size(), 12u);
  EXPECT_EQ(security.readonly_paths.size(), 5u);
}

TEST(Security, ContainerOverPod) {
  core::Pod pod = sample();
  core::PodSecurityContext& of_pod = pod.spec.security_context.ensure();
  of_pod.run_as_user = 1000;
  of_pod.run_as_group = 3000;
  of_pod.fs_group = 2000;
  of_pod.supplemental_groups = {4000};
  of_pod.supplemental_groups_policy = "Strict";
  core::SecurityContext& own = pod.spec.containers[0].security_context.ensure();
  own.run_as_user = 1001;
  own.allow_privilege_escalation = false;
  own.read_only_root_filesystem = true;
  own.capabilities.ensure().add = {"NET_ADMIN"};
  own.capabilities->drop = {"ALL"};
  own.proc_mount = "Unmasked";
  const auto security = security_of(pod);
  EXPECT_EQ(security.run_as_user->value, 1001);
  EXPECT_EQ(security.run_as_group->value, 3000);
  EXPECT_EQ(security.supplemental_groups, (std::vector<int64_t>{2000, 4000}));
  EXPECT_EQ(security.supplemental_groups_policy, cri_v1::SupplementalGroupsPolicy::Strict);
  EXPECT_TRUE(security.no_new_privs);
  EXPECT_TRUE(security.readonly_rootfs);
  EXPECT_EQ(security.capabilities->add_capabilities, std::vector<std::string>{"NET_ADMIN"});
  EXPECT_EQ(security.capabilities->drop_capabilities, std::vector<std::string>{"ALL"});
  EXPECT_TRUE(security.masked_paths.empty());
  of_pod.supplemental_groups_policy = "Odd";
  EXPECT_EQ(config_of(pod).error().message, "unsupported supplementalGroupsPolicy: Odd");
}

void check_seccomp(std::string_view of_pod, std::string_view of_container, bool by_default, int32_t type, std::string_view ref) {
  core::Pod pod = sample();
  const auto fill = [](core::SeccompProfile& profile, std::string_view name) {
    profile.type = name == "RuntimeDefault" || name == "Unconfined" ? std::string(name) : "Localhost";
    if (profile.type == "Localhost") profile.localhost_profile = std::string(name);
  };
  if (!of_pod.empty()) fill(pod.spec.security_context.ensure().seccomp_profile.ensure(), of_pod);
  if (!of_container.empty()) fill(pod.spec.containers[0].security_context.ensure().seccomp_profile.ensure(), of_container);
  NodeConfig on = node();
  on.seccomp_default = by_default;
  const auto security = security_of(pod, on);
  EXPECT_EQ(security.seccomp->profile_type, type);
  EXPECT_EQ(security.seccomp->localhost_ref, ref);
}

TEST(Security, Seccomp) {
  check_seccomp("", "", false, cri_v1::ProfileType::Unconfined, "");
  check_seccomp("", "", true, cri_v1::ProfileType::RuntimeDefault, "");
  check_seccomp("RuntimeDefault", "", false, cri_v1::ProfileType::RuntimeDefault, "");
  check_seccomp("RuntimeDefault", "Unconfined", false, cri_v1::ProfileType::Unconfined, "");
  check_seccomp("Unconfined", "", true, cri_v1::ProfileType::Unconfined, "");
  check_seccomp("", "audit.json", false, cri_v1::ProfileType::Localhost, "/var/lib/kubelet/seccomp/audit.json");
}

void check_refused(std::optional<int64_t> run_as_user, std::optional<int64_t> image_uid, std::string image_user, std::string_view message) {
  core::Pod pod = sample();
  pod.spec.security_context.ensure().run_as_non_root = true;
  pod.spec.containers[0].security_context.ensure().run_as_user = run_as_user;
  const NodeConfig on = node();
  ContainerInputs inputs{pod, pod.spec.containers[0], on};
  inputs.image_uid = image_uid;
  inputs.image_username = std::move(image_user);
  const auto config = make_container_config(inputs);
  if (message.empty()) {
    EXPECT_TRUE(config) << config.error().message;
    return;
  }
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, std::string(message) + " (pod: \"web_shop(u1)\", container: main)");
}

TEST(Security, NonRoot) {
  check_refused(0, {}, "", "container's runAsUser breaks non-root policy");
  check_refused(5, {}, "", "");
  check_refused({}, 0, "", "container has runAsNonRoot and image will run as root");
  check_refused({}, 7, "", "");
  check_refused({}, {}, "nginx", "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root");
  check_refused({}, {}, "", "container has runAsNonRoot and image will run as root");
}

TEST(Security, ImageUser) {
  const core::Pod pod = sample();
  const NodeConfig on = node();
  ContainerInputs inputs{pod, pod.spec.containers[0], on};
  inputs.image_uid = 33;
  EXPECT_EQ(make_container_config(inputs)->linux->security_context->run_as_user->value, 33);
  inputs.image_uid.reset();
  inputs.image_username = "www-data";
  EXPECT_EQ(make_container_config(inputs)->linux->security_context->run_as_username, "www-data");
}

TEST(Security, Namespaces) {
  core::Pod pod = sample();
  pod.spec.host_network = true;
  pod.spec.host_ipc = true;
  pod.spec.share_process_namespace = true;
  auto options = *security_of(pod).namespace_options;
  EXPECT_EQ(options.network, cri_v1::NamespaceMode::Node);
  EXPECT_EQ(options.ipc, cri_v1::NamespaceMode::Node);
  EXPECT_EQ(options.pid, cri_v1::NamespaceMode::Pod);
  pod.spec.host_pid = true;
  EXPECT_EQ(security_of(pod).namespace_options->pid, cri_v1::NamespaceMode::Node);

  const core::Pod plain = sample();
  const NodeConfig on = node();
  ContainerInputs inputs{plain, plain.spec.containers[0], on};
  inputs.target_container_id = "c9";
  options = *make_container_config(inputs)->linux->security_context->namespace_options;
  EXPECT_EQ(options.pid, cri_v1::NamespaceMode::Target);
  EXPECT_EQ(options.target_id, "c9");
}

TEST(Security, UserNamespaces) {
  core::Pod pod = sample();
  pod.spec.host_users = false;
  NodeConfig on = node();
  EXPECT_EQ(config_of(pod, on).error().message, "RuntimeClass handler \"\" does not support user namespaces");
  on.user_namespaces = true;
  ContainerInputs inputs{pod, pod.spec.containers[0], on};
  inputs.user_namespace = UserNamespaceRange{131072, 65536};
  inputs.mounts.emplace_back();
  const auto config = make_container_config(inputs);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->linux->security_context->namespace_options->userns_options->uids[0].host_id, 131072u);
  EXPECT_EQ(config->mounts[0].gid_mappings[0].length, 65536u);
}

// --- sandbox ----------------------------------------------------------------------------------------------------------------

Result<SandboxConfig> sandbox_of(const core::Pod& pod, const NodeConfig& on = node()) {
  return make_sandbox_config({pod, on, 1, "/kubepods/besteffort/podu1", std::nullopt});
}

TEST(SandboxConfig, Plain) {
  core::Pod pod = sample();
  core::Container& container = pod.spec.containers[0];
  for (const int32_t port : {80, 80, 81}) {
    container.ports.emplace_back().container_port = port;
    container.ports.back().protocol = port == 81 ? "UDP" : "TCP";
    container.ports.back().host_port = port == 81 ? 8081 : 0;
  }
  pod.spec.security_context.ensure().sysctls.push_back({"net.ipv4.ip_local_port_range", "1024 2000"});
  pod.spec.init_containers.emplace_back().security_context.ensure().privileged = true;
  const auto made = sandbox_of(pod);
  ASSERT_TRUE(made) << made.error().message;
  const cri_v1::PodSandboxConfig& config = made->config;
  EXPECT_EQ(config.metadata->name, "web");
  EXPECT_EQ(config.metadata->attempt, 1u);
  EXPECT_EQ(config.hostname, "web");
  EXPECT_EQ(config.log_directory, "/var/log/pods/shop_web_u1");
  EXPECT_EQ(*config.labels.get("app"), "web");
  EXPECT_EQ(*config.labels.get("io.kubernetes.pod.uid"), "u1");
  EXPECT_EQ(*config.annotations.get("note"), "x");
  ASSERT_EQ(config.port_mappings.size(), 2u) << "the second of two alike is left out";
  EXPECT_EQ(config.port_mappings[1].protocol, cri_v1::Protocol::Udp);
  EXPECT_EQ(config.port_mappings[1].host_port, 8081);
  EXPECT_EQ(config.linux->cgroup_parent, "/kubepods/besteffort/podu1");
  EXPECT_EQ(*config.linux->sysctls.get("net.ipv4.ip_local_port_range"), "1024 2000");
  EXPECT_TRUE(config.linux->security_context->privileged);
  EXPECT_EQ(config.linux->security_context->seccomp->profile_type, cri_v1::ProfileType::RuntimeDefault);
  EXPECT_EQ(config.dns_config->servers, std::vector<std::string>{"10.96.0.10"});
  EXPECT_TRUE(made->warnings.empty());
}

TEST(SandboxConfig, HostNetworkHasNoHostname) {
  core::Pod pod = sample();
  pod.spec.host_network = true;
  EXPECT_EQ(sandbox_of(pod)->config.hostname, "");
}

TEST(SandboxConfig, Overhead) {
  core::Pod pod = sample();
  pod.spec.containers[0].resources.requests = {{"cpu", q("1")}};
  pod.spec.overhead = {{"cpu", q("100m")}, {"memory", q("64Mi")}};
  const auto made = sandbox_of(pod);
  EXPECT_EQ(made->config.linux->resources->cpu_shares, 1024);
  EXPECT_EQ(made->config.linux->overhead->cpu_shares, 102);
  EXPECT_EQ(made->config.linux->overhead->memory_limit_in_bytes, 64 << 20);
}

TEST(FindContainer, AllThreeKinds) {
  core::PodSpec spec;
  spec.containers.emplace_back().name = "main";
  spec.init_containers.emplace_back().name = "init";
  core::EphemeralContainer& ephemeral = spec.ephemeral_containers.emplace_back();
  ephemeral.name = "debug";
  ephemeral.image = "tools";
  ephemeral.tty = true;
  EXPECT_EQ(find_container(spec, "main")->name, "main");
  EXPECT_EQ(find_container(spec, "init")->name, "init");
  EXPECT_EQ(find_container(spec, "debug")->image, "tools");
  EXPECT_TRUE(find_container(spec, "debug")->tty);
  EXPECT_FALSE(find_container(spec, "none"));
}

}  // namespace
}  // namespace pintle::kubelet::container_config
