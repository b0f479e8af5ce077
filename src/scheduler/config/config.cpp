#include "scheduler/config/config.h"

#include <algorithm>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/gen/kubeschedulerconfig_v1.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "component/settings.h"
#include "rules/resource_names.h"

namespace pintle::scheduler::config {

namespace v1 = api::kubeschedulerconfig_v1;

namespace {

// Upstream's default set, in its order.
constexpr struct {
  std::string_view name;
  int32_t weight;
} default_plugins[] = {
    {"SchedulingGates", 0},
    {"PrioritySort", 0},
    {"NodeUnschedulable", 0},
    {"NodeName", 0},
    {"TaintToleration", 3},
    {"NodeAffinity", 2},
    {"NodePorts", 0},
    {"NodeResourcesFit", 1},
    {"VolumeRestrictions", 0},
    {"NodeVolumeLimits", 0},
    {"VolumeBinding", 0},
    {"VolumeZone", 0},
    {"PodTopologySpread", 2},
    {"InterPodAffinity", 2},
    {"DynamicResources", 2},
    {"DefaultPreemption", 0},
    {"NodeResourcesBalancedAllocation", 1},
    {"ImageLocality", 1},
    {"DefaultBinder", 0},
    {"NodeDeclaredFeatures", 0},
};

std::vector<PhaseEntry> entries_of(const std::vector<v1::Plugin>& plugins) {
  std::vector<PhaseEntry> out;
  for (const auto& plugin : plugins) out.push_back({plugin.name, plugin.weight.value_or(0)});
  return out;
}

bool names(const std::vector<PhaseEntry>& entries, std::string_view name) {
  return std::ranges::any_of(entries, [&](const PhaseEntry& entry) { return entry.name == name; });
}

// The default set without what is disabled; what is enabled replaces its default, or comes after.
std::vector<PhaseEntry> merged(const std::vector<PhaseEntry>& defaults, const v1::PluginSet& custom) {
  const std::vector<PhaseEntry> enabled = entries_of(custom.enabled), disabled = entries_of(custom.disabled);
  std::vector<PhaseEntry> out;
  for (const PhaseEntry& entry : defaults) {
    if (names(disabled, "*") || names(disabled, entry.name)) continue;
    auto replaced = std::ranges::find(enabled, entry.name, &PhaseEntry::name);
    out.push_back(replaced == enabled.end() ? entry : *replaced);
  }
  for (const PhaseEntry& entry : enabled)
    if (!names(out, entry.name)) out.push_back(entry);
  return out;
}

ProfileSpec default_spec() {
  ProfileSpec spec;
  for (const auto& plugin : default_plugins) spec.multi_point.push_back({std::string(plugin.name), plugin.weight});
  return spec;
}

void take_plugins(const v1::Plugins& plugins, ProfileSpec& spec) {
  spec.multi_point = merged(spec.multi_point, plugins.multi_point);
  const v1::PluginSet* sets[phase_count] = {&plugins.pre_enqueue, &plugins.queue_sort, &plugins.pre_filter, &plugins.filter,
                                            &plugins.post_filter, &plugins.pre_score,  &plugins.score,      &plugins.reserve,
                                            &plugins.permit,      &plugins.pre_bind,   &plugins.bind,       &plugins.post_bind};
  for (std::size_t i = 0; i < phase_count; ++i) {
    spec.phases[i].enabled = entries_of(sets[i]->enabled);
    spec.phases[i].disabled = entries_of(sets[i]->disabled);
  }
}

Result<Unit> check_percentage(std::optional<int32_t> value, const std::string& field) {
  if (value && (*value < 0 || *value > 100))
    return bad_request(field + ": Invalid value: " + std::to_string(*value) + ": not in valid range [0-100]");
  return Unit{};
}

Result<ProfileSpec> take_profile(const v1::KubeSchedulerProfile& profile, const std::string& field) {
  ProfileSpec spec = default_spec();
  spec.scheduler_name = profile.scheduler_name.value_or("default-scheduler");
  if (spec.scheduler_name.empty()) return bad_request(field + ".schedulerName: Required value");
  TRY(check_percentage(profile.percentage_of_nodes_to_score, field + ".percentageOfNodesToScore"));
  spec.percentage_of_nodes_to_score = profile.percentage_of_nodes_to_score.value_or(0);
  if (profile.plugins) take_plugins(*profile.plugins, spec);
  for (const auto& config : profile.plugin_config) {
    if (spec.args.contains(config.name)) return bad_request(field + ".pluginConfig: Duplicate value: \"" + config.name + "\"");
    spec.args[config.name] = config.args.raw;
  }
  return spec;
}

constexpr std::string_view without_effect[] = {
    "clientConnection.acceptContentTypes",
    "clientConnection.contentType",
    "delayCacheUntilActive",
    "enableContentionProfiling",
    "enableProfiling",
    "parallelism",  // one executor; a filter costs microseconds
};

std::vector<std::string> settings_without_effect(const v1::KubeSchedulerConfiguration& file) {
  v1::KubeSchedulerConfiguration ours = file, defaults;
  const api::Type& type = api::type_of<v1::KubeSchedulerConfiguration>();
  api::apply_defaults(type, &ours);
  api::apply_defaults(type, &defaults);
  return component::differing_settings(api::to_value(type, &ours), api::to_value(type, &defaults), without_effect);
}

std::string effective_json(v1::KubeSchedulerConfiguration file) {
  const api::Type& type = api::type_of<v1::KubeSchedulerConfiguration>();
  if (file.profiles.empty()) file.profiles.emplace_back();
  api::apply_defaults(type, &file);
  for (auto& extender : file.extenders)
    if (extender.tls_config && !extender.tls_config->key_data.empty()) extender.tls_config->key_data = "--- REDACTED ---";
  const api::GroupVersionKind kind{"kubescheduler.config.k8s.io", "v1", "KubeSchedulerConfiguration"};
  return codec::to_json(api::to_value(type, &file, &kind));
}

Result<Unit> check_parallelism(const v1::KubeSchedulerConfiguration& file) {
  if (file.parallelism.value_or(1) <= 0)
    return bad_request("parallelism: Invalid value: " + std::to_string(*file.parallelism) + ": should be an integer value greater than zero");
  return Unit{};
}

Result<Unit> check_times(const SchedulerConfig& config) {
  if (config.lease_duration <= config.renew_deadline)
    return bad_request("leaderElection.leaseDuration: Invalid value: " + api::format_duration({config.lease_duration.count()}) +
                       ": must be greater than RenewDeadline");
  // Renewals are tried up to 20 % late.
  if (config.renew_deadline * 5 <= config.retry_period * 6)
    return bad_request("leaderElection.renewDeadline: Invalid value: " + api::format_duration({config.renew_deadline.count()}) +
                       ": must be greater than 1.2 times RetryPeriod");
  return Unit{};
}

constexpr std::size_t extenders_max = 64;

// `names`: of the resources of those before.
Result<Unit> check_extender(const v1::Extender& extender, const std::string& field, std::vector<std::string_view>& names) {
  if (!extender.url_prefix.starts_with("http://") && !extender.url_prefix.starts_with("https://"))
    return bad_request(field + ".urlPrefix: Invalid value: \"" + extender.url_prefix + "\": must be a URL of http or https");
  if (!extender.prioritize_verb.empty() && extender.weight <= 0)
    return bad_request(field + ".weight: Invalid value: " + std::to_string(extender.weight) + ": must have a positive weight applied to it");
  for (std::size_t i = 0; i < extender.managed_resources.size(); ++i) {
    const std::string& name = extender.managed_resources[i].name;
    const std::string at = field + ".managedResources[" + std::to_string(i) + "].name";
    if (!rules::is_extended_resource(name)) return bad_request(at + ": Invalid value: \"" + name + "\": must be an extended resource's name");
    if (contains(names, name)) return bad_request(at + ": Invalid value: \"" + name + "\": duplicate extender managed resource name");
    names.push_back(name);
  }
  return Unit{};
}

Result<Unit> check_extenders(const std::vector<v1::Extender>& extenders) {
  if (extenders.size() > extenders_max) return bad_request("extenders: Too many: must have at most " + std::to_string(extenders_max) + " items");
  std::size_t binders = 0;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < extenders.size(); ++i) {
    TRY(check_extender(extenders[i], "extenders[" + std::to_string(i) + "]", names));
    binders += !extenders[i].bind_verb.empty();
  }
  if (binders > 1) return bad_request("extenders: Invalid value: " + std::to_string(binders) + ": only one extender may implement bind");
  return Unit{};
}

// Resources that extenders look after alone are none of NodeResourcesFit's business, in any profile.
Result<Unit> ignore_managed(const std::vector<v1::Extender>& extenders, ProfileSpec& spec) {
  codec::Value::Array ignored;
  for (const auto& extender : extenders)
    for (const auto& managed : extender.managed_resources)
      if (managed.ignored_by_scheduler) ignored.emplace_back(managed.name);
  if (ignored.empty()) return Unit{};
  codec::Value args{codec::Value::Object{}};
  std::string& text = spec.args["NodeResourcesFit"];
  if (!text.empty()) {
    TRY_ASSIGN(args, codec::parse_json(text));
  }
  if (const codec::Value* before = args.find("ignoredResources"); before != nullptr && before->is_array())
    ignored.insert(ignored.begin(), before->as_array().begin(), before->as_array().end());
  args["ignoredResources"] = std::move(ignored);
  text = codec::to_json(args);
  return Unit{};
}

Result<Unit> take_all(const v1::KubeSchedulerConfiguration& file, SchedulerConfig& out) {
  TRY(check_percentage(file.percentage_of_nodes_to_score, "percentageOfNodesToScore"));
  TRY(check_parallelism(file));
  out.without_effect = settings_without_effect(file);
  TRY(check_extenders(file.extenders));
  out.extenders = file.extenders;
  out.percentage_of_nodes_to_score = file.percentage_of_nodes_to_score.value_or(0);
  const int64_t initial = file.pod_initial_backoff_seconds.value_or(1), most = file.pod_max_backoff_seconds.value_or(10);
  if (initial <= 0) return bad_request("podInitialBackoffSeconds: Invalid value: " + std::to_string(initial) + ": must be greater than 0");
  if (most < initial)
    return bad_request("podMaxBackoffSeconds: Invalid value: " + std::to_string(most) +
                       ": must be greater than or equal to PodInitialBackoffSeconds");
  out.pod_initial_backoff = std::chrono::seconds(initial);
  out.pod_max_backoff = std::chrono::seconds(most);
  const auto& election = file.leader_election;
  out.leader_elect = election.leader_elect.value_or(true);
  const auto take_duration = [](api::Duration from, rt::Duration& to) {
    if (from.nanos > 0) to = rt::Duration(from.nanos);
  };
  take_duration(election.lease_duration, out.lease_duration);
  take_duration(election.renew_deadline, out.renew_deadline);
  take_duration(election.retry_period, out.retry_period);
  if (!election.resource_name.empty()) out.lease_name = election.resource_name;
  if (!election.resource_namespace.empty()) out.lease_namespace = election.resource_namespace;
  if (!election.resource_lock.empty() && election.resource_lock != "leases")
    return bad_request("leaderElection.resourceLock: Invalid value: \"" + election.resource_lock + "\": resourceLock value must be \"leases\"");
  if (out.leader_elect) TRY(check_times(out));
  out.kubeconfig = file.client_connection.kubeconfig;
  if (file.client_connection.qps != 0) out.client_qps = static_cast<double>(file.client_connection.qps);
  if (file.client_connection.burst != 0) out.client_burst = file.client_connection.burst;
  return Unit{};
}

}  // namespace

std::span<const std::string_view> fields_without_effect() { return without_effect; }

SchedulerConfig default_config() {
  SchedulerConfig out;
  out.profiles.push_back(default_spec());
  out.effective_json = effective_json({});
  return out;
}

Result<SchedulerConfig> parse_config(std::string_view text) {
  std::vector<std::string> duplicates;
  TRY_ASSIGN(const codec::Value value, codec::parse_yaml(text, &duplicates));
  if (!duplicates.empty()) return bad_request("strict decoding error: " + codec::yaml_errors(duplicates));
  const codec::Value* version = value.find("apiVersion");
  const codec::Value* kind = value.find("kind");
  const auto text_of = [](const codec::Value* v) { return v != nullptr && v->is_string() ? std::string(v->as_string()) : std::string(); };
  if (text_of(kind) != "KubeSchedulerConfiguration")
    return bad_request("couldn't decode as KubeSchedulerConfiguration, got " + text_of(version) + ", Kind=" + text_of(kind));
  if (text_of(version) != "kubescheduler.config.k8s.io/v1")
    return bad_request("no kind \"KubeSchedulerConfiguration\" is registered for version \"" + text_of(version) + "\"");
  v1::KubeSchedulerConfiguration file;
  api::DecodeReport report;
  TRY(api::decode_value(value, api::type_of<v1::KubeSchedulerConfiguration>(), &file, api::Strictness::Collect, &report));
  if (!report.problems.empty()) return bad_request("strict decoding error: " + report.problems.front());
  SchedulerConfig out;
  TRY(take_all(file, out));
  for (std::size_t i = 0; i < file.profiles.size(); ++i) {
    const std::string field = "profiles[" + std::to_string(i) + "]";
    TRY_ASSIGN(ProfileSpec spec, take_profile(file.profiles[i], field));
    for (const ProfileSpec& other : out.profiles)
      if (other.scheduler_name == spec.scheduler_name) return bad_request(field + ".schedulerName: Duplicate value: \"" + spec.scheduler_name + "\"");
    out.profiles.push_back(std::move(spec));
  }
  if (out.profiles.empty()) out.profiles.push_back(default_spec());
  for (ProfileSpec& spec : out.profiles) TRY(ignore_managed(out.extenders, spec));
  out.effective_json = effective_json(std::move(file));
  return out;
}

}  // namespace pintle::scheduler::config
