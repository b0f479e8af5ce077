// PluginSettings: what the files behind --admission-control-config-file say, plugin by plugin, judged whole. Values; each plugin takes its own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/gen/apiserverconfig_v1.h"
#include "api/gen/eventratelimit_v1alpha1.h"
#include "api/gen/podsecurity_v1.h"
#include "api/gen/podtolerationrestriction_v1alpha1.h"
#include "rt/clock.h"

namespace pintle::client {
struct ConnectionConfig;
struct KubeconfigUsers;
}  // namespace pintle::client

namespace pintle::apiserver::admission {

struct ImagePolicySettings {
  std::string kubeconfig_file;
  std::shared_ptr<const client::ConnectionConfig> connection;  // what that file says
  rt::Duration allow_ttl = std::chrono::minutes(5);            // how long an answer is kept; 0: not at all
  rt::Duration deny_ttl = std::chrono::seconds(30);
  rt::Duration retry_backoff = std::chrono::milliseconds(500);  // before the second try; 0: none
  bool default_allow = false;                                   // where nobody answers
};

// Of MutatingAdmissionWebhook or ValidatingAdmissionWebhook.
struct WebhookSettings {
  std::string kubeconfig_file;                           // "": no webhook is shown credentials
  std::shared_ptr<const client::KubeconfigUsers> users;  // what that file says; nullptr where there is none
};

struct PluginSettings {
  // Selectors of nodes by the namespace whose pods may not ask for others; "clusterDefaultNodeSelector": of namespaces that state none.
  std::map<std::string, std::string, std::less<>> node_selectors;
  api::podtolerationrestriction_v1alpha1::Configuration tolerations;
  std::optional<api::eventratelimit_v1alpha1::Configuration> event_limits;
  api::apiserverconfig_v1::ResourceQuotaConfiguration quotas;
  api::podsecurity_v1::PodSecurityConfiguration pod_security;
  std::optional<ImagePolicySettings> image_policy;
  WebhookSettings mutating_webhooks, validating_webhooks;
};

}  // namespace pintle::apiserver::admission
