#include "apiserver/admission/pod_security/checks.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission::pod_security {
namespace {

using namespace api::core_v1;

Pod hardened() {
  Pod pod;
  auto& security = pod.spec.security_context.emplace();
  security.run_as_non_root = true;
  security.seccomp_profile.emplace().type = "RuntimeDefault";
  pod.spec.containers.resize(1);
  pod.spec.containers[0].name = "c";
  auto& container = pod.spec.containers[0].security_context.emplace();
  container.allow_privilege_escalation = false;
  container.capabilities.emplace().drop = {"ALL"};
  return pod;
}

// The reasons at both levels, "-" for none.
void check(const char* what, const Pod& pod, const char* baseline, const char* restricted, int minor = -1) {
  SCOPED_TRACE(what);
  const PodView view(pod.metadata, pod.spec);
  const auto shown = [](const Findings& findings) { return findings.allowed() ? std::string("-") : findings.reasons(); };
  EXPECT_EQ(shown(evaluate({Level::Privileged, minor}, view)), "-");
  EXPECT_EQ(shown(evaluate({Level::Baseline, minor}, view)), baseline);
  EXPECT_EQ(shown(evaluate({Level::Restricted, minor}, view)), restricted);
}

TEST(PodSecurity, Checks) {
  check("hardened", hardened(), "-", "-");
  Pod plain;
  plain.spec.containers.resize(1);
  plain.spec.containers[0].name = "c";
  check("plain", plain, "-", "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile");
  Pod pod = hardened();
  pod.spec.host_network = pod.spec.host_pid = true;
  check("host namespaces", pod, "host namespaces", "host namespaces");
  pod = hardened();
  pod.spec.containers[0].security_context->privileged = true;
  check("privileged", pod, "privileged", "privileged");
  pod = hardened();
  pod.spec.containers[0].security_context->capabilities->add = {"SYS_ADMIN", "NET_BIND_SERVICE"};
  check("capabilities", pod, "non-default capabilities", "unrestricted capabilities");
  pod.spec.containers[0].security_context->capabilities->add = {"CHOWN"};
  check("default capability", pod, "-", "unrestricted capabilities");
  pod = hardened();
  pod.spec.volumes.resize(1);
  pod.spec.volumes[0].name = "v";
  pod.spec.volumes[0].host_path.emplace();
  check("hostPath", pod, "hostPath volumes", "restricted volume types");
  pod.spec.volumes[0].host_path.reset();
  pod.spec.volumes[0].nfs.emplace();
  check("nfs", pod, "-", "restricted volume types");
  pod = hardened();
  pod.spec.containers[0].ports.resize(1);
  pod.spec.containers[0].ports[0].host_port = 80;
  check("hostPort", pod, "hostPort", "hostPort");
  pod = hardened();
  pod.spec.containers[0].liveness_probe.emplace().http_get.emplace().host = "10.0.0.1";
  check("probe host", pod, "probe or lifecycle host", "probe or lifecycle host");
  check("probe host before 1.34", pod, "-", "-", 33);
  pod = hardened();
  pod.spec.security_context->seccomp_profile->type = "Unconfined";
  check("seccomp", pod, "seccompProfile", "seccompProfile");
  pod = hardened();
  pod.spec.security_context->sysctls.resize(1);
  pod.spec.security_context->sysctls[0].name = "kernel.msgmax";
  check("sysctl", pod, "forbidden sysctls", "forbidden sysctls");
  pod.spec.security_context->sysctls[0].name = "net.ipv4.tcp_rmem";
  check("sysctl allowed", pod, "-", "-");
  check("sysctl not yet allowed", pod, "forbidden sysctls", "forbidden sysctls", 31);
  pod = hardened();
  pod.spec.security_context->run_as_user = 0;
  check("root", pod, "-", "runAsUser=0");
  pod.spec.host_users = false;
  check("root of a user namespace", pod, "-", "-");
  pod = hardened();
  pod.spec.containers[0].security_context->proc_mount = "Unmasked";
  check("procMount", pod, "procMount", "procMount");
  pod.spec.host_users = false;
  check("procMount in a user namespace", pod, "-", "procMount");
  pod = hardened();
  pod.spec.containers[0].security_context->se_linux_options.emplace().type = "container_engine_t";
  check("SELinux", pod, "-", "-");
  check("SELinux before 1.31", pod, "seLinuxOptions", "seLinuxOptions", 30);
  pod.spec.containers[0].security_context->se_linux_options->user = "u";
  check("SELinux user", pod, "seLinuxOptions", "seLinuxOptions");
  pod = hardened();
  pod.spec.containers[0].security_context->app_armor_profile.emplace().type = "Unconfined";
  pod.metadata.annotations["container.apparmor.security.beta.kubernetes.io/c"] = "unconfined";
  check("AppArmor", pod, "forbidden AppArmor profiles", "forbidden AppArmor profiles");
  pod = hardened();
  pod.spec.security_context->windows_options.emplace().host_process = true;
  check("hostProcess", pod, "hostProcess", "hostProcess");
  plain.spec.os.emplace().name = "windows";
  check("windows", plain, "-", "runAsNonRoot != true");
}

TEST(PodSecurity, DetailsNameTheContainer) {
  Pod pod = hardened();
  pod.spec.containers[0].ports.resize(2);
  pod.spec.containers[0].ports[0].host_port = 80;
  pod.spec.containers[0].ports[1].host_port = 81;
  EXPECT_EQ(evaluate({Level::Baseline, -1}, PodView(pod.metadata, pod.spec)).details(), "hostPort (container \"c\" uses hostPorts 80, 81)");
}

TEST(PodSecurity, Labels) {
  struct Case {
    FlatMap<std::string> labels;
    const char* enforce;
    const char* warn;
    std::size_t errors;
  };
  const std::string p = "pod-security.kubernetes.io/";
  const Case cases[] = {
      {{}, "privileged:latest", "privileged:latest", 0},
      {{{p + "enforce", "baseline"}}, "baseline:latest", "baseline:latest", 0},
      {{{p + "enforce", "baseline"}, {p + "enforce-version", "v1.25"}}, "baseline:v1.25", "baseline:v1.25", 0},
      {{{p + "enforce", "restricted"}, {p + "warn", "baseline"}}, "restricted:latest", "baseline:latest", 0},
      {{{p + "enforce", "strict"}}, "restricted:latest", "privileged:latest", 1},
      {{{p + "warn", "strict"}, {p + "audit-version", "1.2"}}, "privileged:latest", "privileged:latest", 2},
      {{{p + "enforce-version", "v1.099"}}, "privileged:latest", "privileged:latest", 1},
  };
  for (const auto& c : cases) {
    std::vector<StatusCause> errors;
    const NamespacePolicy policy = policy_of(c.labels, {}, &errors);
    EXPECT_EQ(to_string(policy.enforce), c.enforce);
    EXPECT_EQ(to_string(policy.warn), c.warn);
    EXPECT_EQ(errors.size(), c.errors);
    for (const auto& cause : errors) EXPECT_TRUE(cause.field.starts_with("metadata.labels[pod-security.kubernetes.io/")) << cause.field;
  }
}

TEST(PodSecurityPolicyTest, LevelsAndVersions) {
  EXPECT_EQ(parse_level("baseline"), Level::Baseline);
  for (const char* text : {"", "Baseline", "baseline ", "none"}) EXPECT_FALSE(parse_level(text)) << text;
  EXPECT_EQ(parse_version("latest"), -1);
  EXPECT_EQ(parse_version("v1.36"), 36);
  for (const char* text : {"", "1.36", "v1.", "v1.036", "v2.0", "v1.1234567", "v1.x"}) EXPECT_FALSE(parse_version(text)) << text;
}

}  // namespace
}  // namespace pintle::apiserver::admission::pod_security
