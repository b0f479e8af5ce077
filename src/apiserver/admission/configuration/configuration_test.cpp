#include "apiserver/admission/configuration/configuration.h"

#include <gtest/gtest.h>

#include "client/kubeconfig.h"
#include "rt/testing.h"

namespace pintle::apiserver::admission {
namespace {

const std::string head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";

// The settings in /etc/admission.yaml, beside /etc/plugin.yaml.
Result<PluginSettings> read(const std::string& text, const std::string& plugin = "") {
  Result<PluginSettings> out = PluginSettings();
  rt::testing::run_sim([&]() -> rt::Task<void> {
    rt::Disk& disk = rt::Executor::current().runtime().disk();
    EXPECT_TRUE(disk.make_directories("/etc", 0755));
    EXPECT_TRUE(disk.write("/etc/admission.yaml", text, 0644));
    if (!plugin.empty()) EXPECT_TRUE(disk.write("/etc/plugin.yaml", plugin, 0644));
    out = read_plugin_settings(disk, "/etc/admission.yaml");
    co_return;
  });
  return out;
}

void check_refused(const std::string& text, const std::string& want, const std::string& plugin = "") {
  const auto settings = read(text, plugin);
  ASSERT_FALSE(settings) << text;
  EXPECT_EQ(settings.error().reason, Reason::Invalid);
  EXPECT_NE(settings.error().message.find(want), std::string::npos) << text << "\n" << settings.error().message;
  EXPECT_EQ(settings.error().message.find('\n'), std::string::npos) << settings.error().message;
}

TEST(AdmissionConfigurationFile, EachPluginTakesItsOwn) {
  const auto settings =
      read(head + R"(plugins:
- name: PodSecurity
  configuration: {apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {enforce: baseline}, exemptions: {namespaces: [kube-system]}}
- name: ResourceQuota
  configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: ResourceQuotaConfiguration, limitedResources: [{resource: pods, matchContains: [cpu]}]}
- name: EventRateLimit
  path: plugin.yaml
- name: PodNodeSelector
  configuration: {podNodeSelectorPluginConfig: {clusterDefaultNodeSelector: a=b, x: 'c=d,e=f'}}
- name: PodTolerationRestriction
  configuration: {apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1, kind: Configuration, default: [{key: a, operator: Exists}], whitelist: [{operator: Exists}]}
- name: ValidatingAdmissionWebhook
  configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: ''}
- name: NamespaceLifecycle
)",
           "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits:\n- {type: Server, qps: 5, burst: 7}\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->pod_security.defaults.enforce, "baseline");
  EXPECT_EQ(settings->pod_security.exemptions.namespaces, std::vector<std::string>{"kube-system"});
  EXPECT_EQ(settings->quotas.limited_resources.at(0).match_contains, std::vector<std::string>{"cpu"});
  ASSERT_TRUE(settings->event_limits);
  EXPECT_EQ(settings->event_limits->limits.at(0).burst, 7);
  EXPECT_EQ(settings->node_selectors.at("x"), "c=d,e=f");
  EXPECT_EQ(settings->tolerations.default_.at(0).key, "a");
  EXPECT_EQ(settings->tolerations.whitelist.size(), 1u);
}

TEST(AdmissionConfigurationFile, TheFormOfOldIsPodNodeSelectorsOwn) {
  const auto settings = read("podNodeSelectorPluginConfig: {x: a=b}\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->node_selectors.at("x"), "a=b");
}

TEST(AdmissionConfigurationFile, TheWebhookForImagesIsNamedByAKubeconfig) {
  const std::string kubeconfig =
      "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://images.example.com/review'}}]\n"
      "contexts: [{name: c, context: {cluster: c, user: c}}]\nusers: [{name: c, user: {}}]\ncurrent-context: c\n";
  const auto settings = read("imagePolicy: {kubeConfigFile: /etc/plugin.yaml, defaultAllow: true}\n", kubeconfig);
  ASSERT_TRUE(settings) << settings.error().message;
  ASSERT_TRUE(settings->image_policy && settings->image_policy->connection);
  EXPECT_EQ(settings->image_policy->connection->client.server, "https://images.example.com/review");
  check_refused("imagePolicy: {kubeConfigFile: /etc/absent.yaml}\n", "/etc/absent.yaml");
}

TEST(AdmissionConfigurationFile, OneLineSaysWhatIsWrong) {
  check_refused("plugins: []\n", "/etc/admission.yaml: apiVersion \"\"");
  check_refused("[]", "/etc/admission.yaml: not an object");
  check_refused(head + "plugin: []\n", "unknown field \"plugin\"");
  check_refused(head + "plugins: [{name: Magic}]\n", "there is no admission plugin \"Magic\"");
  check_refused(head + "plugins: [{name: PodSecurity, file: x}]\n", "unknown field");
  check_refused(head + "plugins: [{name: PodSecurity, path: absent.yaml}]\n", "/etc/absent.yaml");
  check_refused(head + "plugins: [{name: PodSecurity, path: plugin.yaml}]\n", "/etc/plugin.yaml", "a: [");
  check_refused(head + "plugins: [{name: NamespaceLifecycle, configuration: {a: b}}]\n", "NamespaceLifecycle");
  check_refused(head + "plugins: [{name: PodSecurity, configuration: {apiVersion: v1, kind: PodSecurityConfiguration}}]\n",
                "PodSecurity: apiVersion");
  check_refused(head +
                    "plugins: [{name: EventRateLimit, configuration: {apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration, "
                    "limits: [{type: Server, qps: 1, burst: 1, per: day}]}}]\n",
                "limits[0].per");
  check_refused(
      head + "plugins: [{name: EventRateLimit, configuration: {apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration}}]\n",
      "limits: must not be empty");
  check_refused(head + "plugins: [{name: PodNodeSelector, configuration: {podNodeSelectorPluginConfig: {x: 'a'}}}]\n", "invalid selector: [a]");
  check_refused(head + "plugins: [{name: PodNodeSelector, configuration: {selectors: {}}}]\n", "unknown field \"selectors\"");
  check_refused(head +
                    "plugins: [{name: ResourceQuota, configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: ResourceQuotaConfiguration, "
                    "limitedResources: [{matchContains: [a]}]}}]\n",
                "limitedResources[0].resource");
  check_refused(head +
                    "plugins: [{name: ValidatingAdmissionWebhook, configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: "
                    "WebhookAdmissionConfiguration, kubeConfigFile: a}}]\n",
                "absolute path");
}

TEST(AdmissionConfigurationFile, WhatWebhooksAreShown) {
  const std::string plugins = head +
                              "plugins:\n- {name: MutatingAdmissionWebhook, configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: "
                              "WebhookAdmissionConfiguration, kubeConfigFile: /etc/plugin.yaml}}\n";
  const auto settings = read(plugins, "users: [{name: hooks.ns.svc, user: {token: secret}}]\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->validating_webhooks.users, nullptr);
  ASSERT_TRUE(settings->mutating_webhooks.users);
  EXPECT_EQ(settings->mutating_webhooks.users->by_name.begin()->first, "hooks.ns.svc");
  check_refused(plugins, "MutatingAdmissionWebhook: ");
  check_refused(plugins, "MutatingAdmissionWebhook: /etc/plugin.yaml: user \"a\" has an exec plugin",
                "users: [{name: a, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1}}}]\n");
}

TEST(AdmissionConfigurationFile, WithoutOneNothingIsSet) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    const auto settings = read_plugin_settings(rt::Executor::current().runtime().disk(), "");
    EXPECT_TRUE(settings && !settings->event_limits && settings->node_selectors.empty());
    co_return;
  });
}

}  // namespace
}  // namespace pintle::apiserver::admission
