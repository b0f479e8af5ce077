#include <array>
#include <map>
#include <set>
#include <string_view>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/strings.h"
#include "rules/tolerations.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

constexpr std::size_t nameservers_max = 3;
constexpr std::size_t searches_max = 32;
constexpr std::size_t search_bytes_max = 2048;
constexpr std::size_t annotations_bytes_max = 256 << 10;

void validate_choice(std::string_view value, std::span<const std::string_view> choices, const FieldPath& path, FieldErrors& errors) {
  if (value.empty()) {
    errors.required(path);
  } else if (!contains(choices, value)) {
    errors.not_listed(path, value, choices);
  }
}

// Parts of small letters, digits, - and _ between dots or slashes; each begins and ends with a letter or a digit.
bool is_sysctl_name(std::string_view name) {
  if (name.size() > dns_subdomain_bytes_max) return false;
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  while (true) {
    const std::string_view part = name.substr(0, name.find_first_of("./"));
    if (part.empty() || !alphanumeric(part.front()) || !alphanumeric(part.back())) return false;
    for (const char c : part) {
      if (!alphanumeric(c) && c != '-' && c != '_') return false;
    }
    if (part.size() == name.size()) return true;
    name.remove_prefix(part.size() + 1);
  }
}

void validate_sysctls(const core::PodSecurityContext& context, bool host_network, bool host_ipc, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < context.sysctls.size(); ++i) {
    const std::string& name = context.sysctls[i].name;
    const FieldPath at = path.index(i).child("name");
    if (name.empty()) {
      errors.required(at);
    } else if (!is_sysctl_name(name)) {
      errors.invalid(at, name,
                     R"(must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$)");
    } else if (!names.insert(name).second) {
      errors.duplicate(at, name);
    }
    if (host_network && name.starts_with("net.")) errors.invalid(at, name, "may not be specified when 'hostNetwork' is set to true");
    if (host_ipc && (name.starts_with("kernel.shm") || name.starts_with("kernel.msg") || name == "kernel.sem" || name.starts_with("fs.mqueue.")))
      errors.invalid(at, name, "may not be specified when 'hostIPC' is set to true");
  }
}

void validate_pod_security_context(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const core::PodSecurityContext& context = *spec.security_context;
  if (context.fs_group) errors.invalid_all(path.child("fsGroup"), *context.fs_group, check_user_id(*context.fs_group));
  if (context.run_as_user) errors.invalid_all(path.child("runAsUser"), *context.run_as_user, check_user_id(*context.run_as_user));
  if (context.run_as_group) errors.invalid_all(path.child("runAsGroup"), *context.run_as_group, check_user_id(*context.run_as_group));
  for (std::size_t i = 0; i < context.supplemental_groups.size(); ++i)
    errors.invalid_all(path.child("supplementalGroups").index(i), context.supplemental_groups[i], check_user_id(context.supplemental_groups[i]));
  if (spec.share_process_namespace.value_or(false) && spec.host_pid)
    errors.invalid(path.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
  validate_sysctls(context, spec.host_network, spec.host_ipc, path.child("sysctls"), errors);
  if (context.fs_group_change_policy) {
    constexpr std::array<std::string_view, 2> policies{"Always", "OnRootMismatch"};
    if (!contains(policies, *context.fs_group_change_policy))
      errors.not_supported(path.child("fsGroupChangePolicy"), *context.fs_group_change_policy, policies);
  }
  if (context.seccomp_profile) {
    constexpr std::array<std::string_view, 3> types{"Localhost", "RuntimeDefault", "Unconfined"};
    const core::SeccompProfile& profile = *context.seccomp_profile;
    const FieldPath at = path.child("seccompProfile");
    if (profile.type == "Localhost" && profile.localhost_profile.value_or("").empty())
      errors.required(at.child("localhostProfile"), "must be set when seccomp type is Localhost");
    if (profile.type != "Localhost" && profile.localhost_profile)
      errors.invalid(at.child("localhostProfile"), *profile.localhost_profile, "can only be set when seccomp type is Localhost");
    if (profile.type != "Localhost") validate_choice(profile.type, types, at.child("type"), errors);
  }
  if (context.supplemental_groups_policy) {
    constexpr std::array<std::string_view, 2> policies{"Merge", "Strict"};
    if (!contains(policies, *context.supplemental_groups_policy))
      errors.not_supported(path.child("supplementalGroupsPolicy"), *context.supplemental_groups_policy, policies);
  }
}

void validate_dns_config(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.dns_policy == "None" && (!spec.dns_config || spec.dns_config->nameservers.empty()))
    errors.required(path.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
  if (!spec.dns_config) return;
  const core::PodDNSConfig& config = *spec.dns_config;
  if (config.nameservers.size() > nameservers_max) errors.too_many(path.child("nameservers"), config.nameservers.size(), nameservers_max);
  for (std::size_t i = 0; i < config.nameservers.size(); ++i)
    errors.invalid_all(path.child("nameservers").index(i), config.nameservers[i], check_legacy_ip(config.nameservers[i]));
  if (config.searches.size() > searches_max) errors.too_many(path.child("searches"), config.searches.size(), searches_max);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < config.searches.size(); ++i) {
    std::string_view search = config.searches[i];
    bytes += search.size() + 1;
    if (search == ".") continue;
    if (search.ends_with('.')) search.remove_suffix(1);
    errors.invalid_all(path.child("searches").index(i), search, check_dns_subdomain_with_underscore(search));
  }
  if (bytes > search_bytes_max + 1)
    errors.invalid(path.child("searches"), BadValue::raw("[...]"), "must not have more than 2048 characters (including spaces) in the search list");
  for (std::size_t i = 0; i < config.options.size(); ++i)
    if (config.options[i].name.empty()) errors.required(path.child("options").index(i), "must not be empty");
}

void validate_spread_constraints(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> actions{"DoNotSchedule", "ScheduleAnyway"};
  constexpr std::array<std::string_view, 2> policies{"Honor", "Ignore"};
  const auto& all = spec.topology_spread_constraints;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> last;  // by what may not come twice
  for (std::size_t i = 0; i < all.size(); ++i) last[{all[i].topology_key, all[i].when_unsatisfiable}] = i;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const core::TopologySpreadConstraint& constraint = all[i];
    const FieldPath at = path.index(i);
    if (constraint.max_skew <= 0) errors.invalid(at.child("maxSkew"), constraint.max_skew, "must be greater than zero");
    if (constraint.topology_key.empty()) {
      errors.required(at.child("topologyKey"), "can not be empty");
    } else {
      errors.invalid_all(at.child("topologyKey"), constraint.topology_key, check_qualified_name(constraint.topology_key));
    }
    if (!contains(actions, constraint.when_unsatisfiable))
      errors.not_supported(at.child("whenUnsatisfiable"), constraint.when_unsatisfiable, actions);
    if (last[{constraint.topology_key, constraint.when_unsatisfiable}] > i)
      errors.duplicate(at.child("{topologyKey, whenUnsatisfiable}"), "{" + constraint.topology_key + ", " + constraint.when_unsatisfiable + "}");
    if (constraint.min_domains) {
      if (*constraint.min_domains <= 0) errors.invalid(at.child("minDomains"), *constraint.min_domains, "must be greater than zero");
      if (constraint.when_unsatisfiable != "DoNotSchedule")
        errors.invalid(at.child("minDomains"), *constraint.min_domains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule");
    }
    if (constraint.node_affinity_policy && !contains(policies, *constraint.node_affinity_policy))
      errors.not_supported(at.child("nodeAffinityPolicy"), *constraint.node_affinity_policy, policies);
    if (constraint.node_taints_policy && !contains(policies, *constraint.node_taints_policy))
      errors.not_supported(at.child("nodeTaintsPolicy"), *constraint.node_taints_policy, policies);
    for (std::size_t k = 0; k < constraint.match_label_keys.size(); ++k)
      errors.invalid_all(at.child("matchLabelKeys").index(k), constraint.match_label_keys[k], check_qualified_name(constraint.match_label_keys[k]));
    if (constraint.label_selector) validate_label_selector(*constraint.label_selector, at.child("labelSelector"), errors);
  }
}

void validate_host_aliases(const std::vector<core::HostAlias>& aliases, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    errors.invalid_all(path.index(i).child("ip"), aliases[i].ip, check_legacy_ip(aliases[i].ip));
    for (std::size_t h = 0; h < aliases[i].hostnames.size(); ++h)
      errors.invalid_all(path.index(i).child("hostnames").index(h), aliases[i].hostnames[h], check_dns_subdomain(aliases[i].hostnames[h]));
  }
}

void validate_gates(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < spec.readiness_gates.size(); ++i)
    errors.invalid_all(path.child("readinessGates").index(i).child("conditionType"), spec.readiness_gates[i].condition_type,
                       check_qualified_name(spec.readiness_gates[i].condition_type));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.scheduling_gates.size(); ++i) {
    const FieldPath at = path.child("schedulingGates").index(i);
    errors.invalid_all(at, spec.scheduling_gates[i].name, check_qualified_name(spec.scheduling_gates[i].name));
    if (!names.insert(spec.scheduling_gates[i].name).second) errors.duplicate(at, spec.scheduling_gates[i].name);
  }
}

// The single fields at the end of the spec.
void validate_scalars(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const auto name = [&](std::string_view field, std::string_view value, Faults (*check)(std::string_view)) {
    if (!value.empty()) errors.invalid_all(path.child(field), value, check(value));
  };
  name("serviceAccountName", spec.service_account_name, check_dns_subdomain);
  name("nodeName", spec.node_name, check_dns_subdomain);
  if (spec.active_deadline_seconds && (*spec.active_deadline_seconds < 1 || *spec.active_deadline_seconds > INT32_MAX))
    errors.invalid(path.child("activeDeadlineSeconds"), *spec.active_deadline_seconds, "must be between 1 and 2147483647, inclusive");
  name("hostname", spec.hostname, check_dns_label);
  name("subdomain", spec.subdomain, check_dns_label);
  validate_tolerations(spec.tolerations, true, path.child("tolerations"), errors);
  validate_host_aliases(spec.host_aliases, path.child("hostAliases"), errors);
  name("priorityClassName", spec.priority_class_name, check_dns_subdomain);
  if (spec.runtime_class_name)
    errors.invalid_all(path.child("runtimeClassName"), *spec.runtime_class_name, check_dns_subdomain(*spec.runtime_class_name));
  if (spec.preemption_policy) {
    constexpr std::array<std::string_view, 2> policies{"PreemptLowerPriority", "Never"};
    validate_choice(*spec.preemption_policy, policies, path.child("preemptionPolicy"), errors);
  }
  for (const auto& [resource, quantity] : spec.overhead) validate_resource_quantity(resource, quantity, path.child("overhead").key(resource), errors);
  if (spec.os) {
    constexpr std::array<std::string_view, 2> systems{"linux", "windows"};
    if (spec.os->name.empty()) {
      errors.required(path.child("os", "name"), "cannot be empty");
    } else if (!contains(systems, spec.os->name)) {
      errors.not_supported(path.child("os"), spec.os->name, systems);
    }
  }
}

}  // namespace

void validate_tolerations(const std::vector<core::Toleration>& tolerations, bool comparisons, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 4> operators{"Equal", "Exists", "Lt", "Gt"};
  constexpr std::array<std::string_view, 3> effects{"NoSchedule", "PreferNoSchedule", "NoExecute"};
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    const core::Toleration& toleration = tolerations[i];
    const FieldPath at = path.index(i);
    if (!toleration.key.empty()) errors.invalid_all(at.child("key"), toleration.key, check_qualified_name(toleration.key));
    if (toleration.key.empty() && toleration.operator_ != "Exists")
      errors.invalid(at.child("operator"), toleration.operator_,
                     "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    if (toleration.toleration_seconds && toleration.effect != "NoExecute")
      errors.invalid(at.child("effect"), toleration.effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (toleration.operator_.empty() || toleration.operator_ == "Equal") {
      if (!check_label_value(toleration.value).empty()) errors.invalid(at.child("operator"), toleration.value, "must be a valid label value");
    } else if (toleration.operator_ == "Exists") {
      if (!toleration.value.empty()) errors.invalid(at.child("operator"), toleration.value, "value must be empty when `operator` is 'Exists'");
    } else if (toleration.operator_ != "Lt" && toleration.operator_ != "Gt") {
      errors.not_supported(at.child("operator"), toleration.operator_, std::span(operators).first(2));
    } else if (!comparisons) {
      errors.not_listed(at.child("operator"), toleration.operator_, operators);
    } else if (!rules::canonical_integer(toleration.value)) {
      errors.invalid(at.child("value"), toleration.value, "must be a decimal integer of 64 bits: no plus sign, no leading zeros");
    }
    if (!toleration.effect.empty() && !contains(effects, toleration.effect)) errors.not_listed(at.child("effect"), toleration.effect, effects);
  }
}

void validate_pod_spec(const core::PodSpec& spec, const FieldPath& path, const PodSpecRules&, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> restart_policies{"Always", "OnFailure", "Never"};
  constexpr std::array<std::string_view, 4> dns_policies{"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"};
  const VolumeTable volumes = validate_volumes(spec, path.child("volumes"), errors);
  validate_all_containers(spec, path, volumes, errors);
  validate_choice(spec.restart_policy, restart_policies, path.child("restartPolicy"), errors);
  validate_choice(spec.dns_policy, dns_policies, path.child("dnsPolicy"), errors);
  validate_labels(spec.node_selector, path.child("nodeSelector"), errors);
  if (spec.security_context) validate_pod_security_context(spec, path.child("securityContext"), errors);
  if (spec.host_network)
    for (std::size_t i = 0; i < spec.containers.size(); ++i)
      for (std::size_t p = 0; p < spec.containers[i].ports.size(); ++p)
        if (spec.containers[i].ports[p].host_port != spec.containers[i].ports[p].container_port)
          errors.invalid(path.child("containers").index(i).child("ports").index(p).child("hostPort"), spec.containers[i].ports[p].host_port,
                         "must match `containerPort` when `hostNetwork` is true");
  for (std::size_t i = 0; i < spec.image_pull_secrets.size(); ++i)
    if (spec.image_pull_secrets[i].name.empty()) errors.required(path.child("imagePullSecrets").index(i).child("name"));
  validate_affinity(spec, path.child("affinity"), errors);
  validate_dns_config(spec, path.child("dnsConfig"), errors);
  validate_gates(spec, path, errors);
  validate_spread_constraints(spec, path.child("topologySpreadConstraints"), errors);
  validate_scalars(spec, path, errors);
}

void validate_pod_template(const core::PodTemplateSpec& pod_template, const FieldPath& path, FieldErrors& errors) {
  validate_labels(pod_template.metadata.labels, path.child("labels"), errors);
  std::size_t bytes = 0;
  for (const auto& [key, value] : pod_template.metadata.annotations) {
    errors.invalid_all(path.child("annotations"), key, check_qualified_name(to_lower(key)));
    bytes += key.size() + value.size();
  }
  if (bytes > annotations_bytes_max) errors.too_long(path.child("annotations"), annotations_bytes_max);
  validate_pod_spec(pod_template.spec, path.child("spec"), {.is_template = true, .metadata = &pod_template.metadata}, errors);
  if (!pod_template.spec.ephemeral_containers.empty())
    errors.forbidden(path.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template");
}

}  // namespace pintle::apiserver::resources
