#include "apiserver/admission/pod_security/configuration.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

using api::podsecurity_v1::PodSecurityConfiguration;

PodSecurityConfiguration of(const std::string& yaml) { return api::testing::from_yaml<PodSecurityConfiguration>(yaml); }

void check_refused(const std::string& yaml, const std::string& want) {
  const auto result = check(of(yaml));
  const std::string text = result ? "" : result.error().message;
  EXPECT_EQ(text.empty(), want.empty()) << yaml << text;
  EXPECT_NE(text.find(want), text.npos) << yaml << text;
}

TEST(PodSecurityConfigurationTest, WhatIsRefused) {
  check_refused("{}", "");
  check_refused("{defaults: {enforce: baseline, enforce-version: v1.30, warn: restricted, warn-version: latest}}", "");
  check_refused("{exemptions: {usernames: [system:admin], namespaces: [kube-system], runtimeClasses: [kata]}}", "");
  check_refused("{defaults: {audit: strict}}", "defaults.audit");
  check_refused("{defaults: {warn-version: '1.30'}}", "defaults.warn-version");
  check_refused("{exemptions: {namespaces: [a, A]}}", "exemptions.namespaces[1]");
  check_refused("{exemptions: {namespaces: [a, b, a]}}", "exemptions.namespaces[2]");
  check_refused("{exemptions: {usernames: ['']}}", "exemptions.usernames[0]");
  check_refused("{exemptions: {runtimeClasses: ['a/b']}}", "exemptions.runtimeClasses[0]");
}

TEST(PodSecurityConfigurationTest, LabelsGoBeforeDefaults) {
  const NamespacePolicy defaults = default_policy(of("{defaults: {enforce: baseline, enforce-version: v1.30, audit: restricted}}"));
  const auto text = [&](const FlatMap<std::string>& labels) {
    const NamespacePolicy policy = policy_of(labels, defaults);
    return to_string(policy.enforce) + " " + to_string(policy.audit) + " " + to_string(policy.warn);
  };
  EXPECT_EQ(text({}), "baseline:v1.30 restricted:latest privileged:latest");
  EXPECT_EQ(text({{"pod-security.kubernetes.io/enforce", "restricted"}}), "restricted:v1.30 restricted:latest restricted:v1.30");
  EXPECT_EQ(text({{"pod-security.kubernetes.io/enforce", "privileged"}, {"pod-security.kubernetes.io/audit", "baseline"}}),
            "privileged:v1.30 baseline:latest privileged:latest");
}

TEST(PodSecurityConfigurationTest, LabelsOfExemptNamespacesSayNothing) {
  const NamespacePolicy defaults;
  const auto warning = [&](const FlatMap<std::string>& labels) { return exemption_warning("x", labels, policy_of(labels, defaults), defaults); };
  EXPECT_EQ(warning({}), "");
  EXPECT_EQ(warning({{"pod-security.kubernetes.io/enforce", "privileged"}}), "");
  EXPECT_EQ(warning({{"pod-security.kubernetes.io/enforce", "baseline"}, {"pod-security.kubernetes.io/audit", "restricted"}}),
            "namespace \"x\" is exempt from Pod Security, and the policy (enforce=baseline:latest, audit=restricted:latest) will be ignored");
}

}  // namespace
}  // namespace pintle::apiserver::admission::pod_security
