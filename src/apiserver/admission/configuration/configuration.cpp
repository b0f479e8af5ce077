#include "apiserver/admission/configuration/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "api/codec.h"
#include "apiserver/admission/event_rate_limit/limits.h"
#include "apiserver/admission/image_policy/review.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/pod_node_selector/node_labels.h"
#include "apiserver/admission/pod_security/configuration.h"
#include "apiserver/admission/pod_toleration_restriction/tolerations.h"
#include "client/kubeconfig.h"
#include "codec/yaml.h"

namespace pintle::apiserver::admission {
namespace {

using codec::Value;

Unexpected<Status> bad(std::string why) { return error(Reason::Invalid, std::move(why)); }

struct Form {
  std::string_view api_version;
  std::string_view kind;
};

// A document of one of the forms, which differ in nothing else; a field that T has not is an error.
template <class T>
Result<T> decode(const Value& document, std::span<const Form> forms) {
  const std::string_view version = document.string_at("apiVersion"), kind = document.string_at("kind");
  if (std::ranges::none_of(forms, [&](const Form& form) { return form.api_version == version && form.kind == kind; }))
    return bad(fmt::format("apiVersion \"{}\", kind \"{}\": must be {}, {}", version, kind, forms[0].api_version, forms[0].kind));
  T out;
  api::DecodeReport report;
  if (auto decoded = api::decode_value(document, api::type_of<T>(), &out, api::Strictness::Collect, &report); !decoded)
    return bad(std::move(decoded.error().message));
  if (!report.problems.empty()) return bad(report.problems.front());
  return out;
}

Result<Unit> take_pod_security(const Value& document, PluginSettings& into) {
  constexpr Form forms[] = {{"pod-security.admission.config.k8s.io/v1", "PodSecurityConfiguration"},
                            {"pod-security.admission.config.k8s.io/v1beta1", "PodSecurityConfiguration"},
                            {"pod-security.admission.config.k8s.io/v1alpha1", "PodSecurityConfiguration"}};
  TRY_ASSIGN(into.pod_security, decode<api::podsecurity_v1::PodSecurityConfiguration>(document, forms));
  return pod_security::check(into.pod_security);
}

Result<Unit> take_quotas(const Value& document, PluginSettings& into) {
  constexpr Form forms[] = {{"apiserver.config.k8s.io/v1", "ResourceQuotaConfiguration"},
                            {"resourcequota.admission.k8s.io/v1beta1", "Configuration"},
                            {"resourcequota.admission.k8s.io/v1alpha1", "Configuration"}};
  TRY_ASSIGN(into.quotas, decode<api::apiserverconfig_v1::ResourceQuotaConfiguration>(document, forms));
  for (std::size_t i = 0; i < into.quotas.limited_resources.size(); ++i)
    if (into.quotas.limited_resources[i].resource.empty()) return bad(fmt::format("limitedResources[{}].resource: must be set", i));
  return Unit{};
}

Result<Unit> take_event_limits(const Value& document, PluginSettings& into) {
  constexpr Form forms[] = {{"eventratelimit.admission.k8s.io/v1alpha1", "Configuration"}};
  TRY_ASSIGN(into.event_limits, decode<api::eventratelimit_v1alpha1::Configuration>(document, forms));
  return event_rate_limit::check(*into.event_limits);
}

Result<Unit> take_tolerations(const Value& document, PluginSettings& into) {
  constexpr Form forms[] = {{"podtolerationrestriction.admission.k8s.io/v1alpha1", "Configuration"}};
  TRY_ASSIGN(into.tolerations, decode<api::podtolerationrestriction_v1alpha1::Configuration>(document, forms));
  TRY(pod_toleration_restriction::check(into.tolerations.default_, "default"));
  return pod_toleration_restriction::check(into.tolerations.whitelist, "whitelist");
}

// Of no version; before there were any, both stood in one file.
constexpr std::string_view node_selectors_field = "podNodeSelectorPluginConfig";
constexpr std::string_view image_policy_field = "imagePolicy";

Result<Unit> check_fields_of_old(const Value& document) {
  for (const auto& [field, value] : document.as_object())
    if (field != node_selectors_field && field != image_policy_field) return bad(fmt::format("unknown field \"{}\"", field));
  return Unit{};
}

Result<Unit> take_image_policy(const Value& document, PluginSettings& into) {
  TRY(check_fields_of_old(document));
  TRY_ASSIGN(into.image_policy, image_policy::parse_settings(document));
  return Unit{};
}

Result<Unit> take_node_selectors(const Value& document, PluginSettings& into) {
  TRY(check_fields_of_old(document));
  const Value* selectors = document.find(node_selectors_field);
  if (selectors == nullptr) return Unit{};
  if (!selectors->is_object()) return bad(fmt::format("{}: not a map", node_selectors_field));
  for (const auto& [ns, selector] : selectors->as_object()) {
    if (!selector.is_string()) return bad(fmt::format("{}.{}: not a string", node_selectors_field, ns));
    if (const auto labels = pod_node_selector::parse_node_labels(selector.as_string()); !labels)
      return bad(fmt::format("{}.{}: {}", node_selectors_field, ns, labels.error().message));
    into.node_selectors[ns] = selector.as_string();
  }
  return Unit{};
}

template <WebhookSettings PluginSettings::*plugin>
Result<Unit> take_webhooks(const Value& document, PluginSettings& into) {
  constexpr Form forms[] = {{"apiserver.config.k8s.io/v1", "WebhookAdmissionConfiguration"},
                            {"apiserver.config.k8s.io/v1alpha1", "WebhookAdmission"}};
  TRY_ASSIGN(auto wanted, decode<api::apiserverconfig_v1::WebhookAdmissionConfiguration>(document, forms));
  if (!wanted.kube_config_file.empty() && !wanted.kube_config_file.starts_with('/')) return bad("kubeConfigFile: must be an absolute path");
  if (!wanted.static_manifests_dir.empty()) return bad("staticManifestsDir: needs the feature ManifestBasedAdmissionControlConfig");
  (into.*plugin).kubeconfig_file = std::move(wanted.kube_config_file);
  return Unit{};
}

struct Reader {
  std::string_view plugin;
  Result<Unit> (*take)(const Value& document, PluginSettings& into);
};
constexpr Reader readers[] = {
    {"ImagePolicyWebhook", take_image_policy},
    {"EventRateLimit", take_event_limits},
    {"MutatingAdmissionWebhook", take_webhooks<&PluginSettings::mutating_webhooks>},
    {"PodNodeSelector", take_node_selectors},
    {"PodSecurity", take_pod_security},
    {"PodTolerationRestriction", take_tolerations},
    {"ResourceQuota", take_quotas},
    {"ValidatingAdmissionWebhook", take_webhooks<&PluginSettings::validating_webhooks>},
};

Result<Value> read_document(rt::Disk& disk, const std::string& path) {
  const auto text = disk.read(path, configuration_bytes_max);
  if (!text) return bad(path + ": " + text.error().message);
  auto document = codec::parse_yaml(*text);
  if (!document) return bad(path + ": " + document.error().message);
  if (!document->is_object()) return bad(path + ": not an object");
  return std::move(*document);
}

// The settings of a plugin from where `path` is for messages.
Result<Unit> take(std::string_view plugin, const Value& document, const std::string& path, PluginSettings& into) {
  const auto reader = std::ranges::find(readers, plugin, &Reader::plugin);
  if (reader == std::end(readers)) return bad(fmt::format("{}: the admission plugin \"{}\" has no settings", path, plugin));
  if (!document.is_object()) return bad(fmt::format("{}: the settings of {} are not an object", path, plugin));
  if (auto taken = reader->take(document, into); !taken) return bad(fmt::format("{}: {}: {}", path, plugin, taken.error().message));
  return Unit{};
}

Result<Unit> take_entry(rt::Disk& disk, const Value& entry, const std::string& path, PluginSettings& into) {
  const std::string_view plugin = entry.string_at("name");
  if (!is_admission_plugin(plugin)) return bad(fmt::format("{}: there is no admission plugin \"{}\"", path, plugin));
  if (const Value* own = entry.find("configuration"); own != nullptr && !own->is_null()) return take(plugin, *own, path, into);
  const std::string_view named = entry.string_at("path");
  if (named.empty()) return Unit{};
  const std::size_t slash = path.rfind('/');
  const std::string file = named.starts_with('/') || slash == path.npos ? std::string(named) : path.substr(0, slash + 1) + std::string(named);
  TRY_ASSIGN(const Value document, read_document(disk, file));
  return take(plugin, document, file, into);
}

Result<Unit> read_users(rt::Disk& disk, std::string_view plugin, WebhookSettings& settings) {
  if (settings.kubeconfig_file.empty()) return Unit{};
  auto users = client::load_kubeconfig_users(disk, settings.kubeconfig_file);
  if (!users) return bad(fmt::format("{}: {}", plugin, users.error().message));
  settings.users = std::make_shared<const client::KubeconfigUsers>(std::move(*users));
  return Unit{};
}

// Where webhooks are, and what they are shown.
Result<Unit> read_kubeconfigs(rt::Disk& disk, PluginSettings& settings) {
  TRY(read_users(disk, "MutatingAdmissionWebhook", settings.mutating_webhooks));
  TRY(read_users(disk, "ValidatingAdmissionWebhook", settings.validating_webhooks));
  if (!settings.image_policy) return Unit{};
  auto connection = client::load_kubeconfig(disk, settings.image_policy->kubeconfig_file);
  if (!connection) return bad("ImagePolicyWebhook: " + connection.error().message);
  settings.image_policy->connection = std::make_shared<const client::ConnectionConfig>(std::move(*connection));
  return Unit{};
}

}  // namespace

Result<PluginSettings> read_plugin_settings(rt::Disk& disk, const std::string& path) {
  PluginSettings out;
  if (path.empty()) return out;
  TRY_ASSIGN(const Value document, read_document(disk, path));
  if (const bool selectors = document.find(node_selectors_field) != nullptr, images = document.find(image_policy_field) != nullptr;
      document.string_at("apiVersion").empty() && (selectors || images)) {
    if (selectors) TRY(take("PodNodeSelector", document, path, out));
    if (images) TRY(take("ImagePolicyWebhook", document, path, out));
    TRY(read_kubeconfigs(disk, out));
    return out;
  }
  constexpr Form forms[] = {{"apiserver.config.k8s.io/v1", "AdmissionConfiguration"}, {"apiserver.k8s.io/v1alpha1", "AdmissionConfiguration"}};
  if (auto whole = decode<api::apiserverconfig_v1::AdmissionConfiguration>(document, forms); !whole) return bad(path + ": " + whole.error().message);
  const Value* plugins = document.find("plugins");
  if (plugins == nullptr || plugins->is_null()) return out;
  std::vector<std::string_view> seen;
  for (const Value& entry : plugins->as_array()) {
    const std::string_view plugin = entry.string_at("name");
    if (std::ranges::find(seen, plugin) != seen.end()) continue;  // the first entry of a plugin counts
    seen.push_back(plugin);
    TRY(take_entry(disk, entry, path, out));
  }
  TRY(read_kubeconfigs(disk, out));
  return out;
}

}  // namespace pintle::apiserver::admission
