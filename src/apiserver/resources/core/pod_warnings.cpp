// What is allowed in a pod and still is hardly meant: shown to the client, never refused.
#include <map>
#include <set>

#include <fmt/core.h>

#include "apiserver/resources/core/pod_spec.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using api::meta_v1::ObjectMeta;

constexpr std::size_t warnings_max = 100;             // of an object; a client is shown some 4 KiB of them
constexpr std::size_t port_comparisons_max = 100000;  // ports with ports of the same number; what comes later is not compared
constexpr std::size_t reference_bytes_max = 1 << 10;  // a variable's name, when its value is searched for a reference to it

class PodWarnings {
 public:
  PodWarnings(const core::PodSpec& spec, const ObjectMeta& metadata, const FieldPath* root, std::vector<std::string>& out)
      : spec_(spec), metadata_(metadata), root_(root), out_(out) {}

  void run() {
    node_labels();
    spread();
    annotations();
    volumes();
    doubles();
    fractions(spec_.overhead, at("spec").child("overhead"));
    each_container([&](const auto& container, const FieldPath& path) { one_container(container, path); });
    each_container([&](const auto& container, const FieldPath& path) { ports(container, path); });
    if (spec_.termination_grace_period_seconds && *spec_.termination_grace_period_seconds < 0)
      warn(at("spec").child("terminationGracePeriodSeconds"), "must be >= 0; a negative value is taken as 1");
    if (spec_.affinity && spec_.affinity->pod_affinity) affinity(*spec_.affinity->pod_affinity, at("spec").child("affinity", "podAffinity"));
    if (spec_.affinity && spec_.affinity->pod_anti_affinity)
      affinity(*spec_.affinity->pod_anti_affinity, at("spec").child("affinity", "podAntiAffinity"));
  }

 private:
  FieldPath at(std::string_view name) const { return root_ == nullptr ? FieldPath(name) : root_->child(name); }
  void warn(const FieldPath& path, std::string_view text) {
    if (out_.size() < warnings_max) out_.push_back(path.to_string() + ": " + std::string(text));
  }

  template <class Visit>
  void each_container(Visit visit) {
    const FieldPath spec = at("spec");
    for (std::size_t i = 0; i < spec_.init_containers.size(); ++i) visit(spec_.init_containers[i], spec.child("initContainers").index(i));
    for (std::size_t i = 0; i < spec_.containers.size(); ++i) visit(spec_.containers[i], spec.child("containers").index(i));
    for (std::size_t i = 0; i < spec_.ephemeral_containers.size(); ++i)
      visit(spec_.ephemeral_containers[i], spec.child("ephemeralContainers").index(i));
  }

  // "": the label is in use.
  static std::string_view successor(std::string_view label) {
    if (label == "failure-domain.beta.kubernetes.io/zone") return "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead";
    if (label == "failure-domain.beta.kubernetes.io/region") return "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead";
    if (label == "beta.kubernetes.io/instance-type") return "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead";
    if (label == "beta.kubernetes.io/os") return "deprecated since v1.14; use \"kubernetes.io/os\" instead";
    if (label == "beta.kubernetes.io/arch") return "deprecated since v1.14; use \"kubernetes.io/arch\" instead";
    return {};
  }
  void node_term(const core::NodeSelectorTerm& term, const FieldPath& path) {
    for (std::size_t i = 0; i < term.match_expressions.size(); ++i)
      if (const auto text = successor(term.match_expressions[i].key); !text.empty())
        warn(path.child("matchExpressions").index(i).child("key"), fmt::format("{} is {}", term.match_expressions[i].key, text));
  }
  void node_labels() {
    for (const auto& [key, value] : spec_.node_selector)
      if (const auto text = successor(key); !text.empty()) warn(at("spec").child("nodeSelector").key(key), text);
    if (!spec_.affinity || !spec_.affinity->node_affinity) return;
    const auto& node = *spec_.affinity->node_affinity;
    const FieldPath path = at("spec").child("affinity", "nodeAffinity");
    if (node.required_during_scheduling_ignored_during_execution) {
      const auto& terms = node.required_during_scheduling_ignored_during_execution->node_selector_terms;
      for (std::size_t i = 0; i < terms.size(); ++i)
        node_term(terms[i], path.child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").index(i));
    }
    const auto& preferred = node.preferred_during_scheduling_ignored_during_execution;
    for (std::size_t i = 0; i < preferred.size(); ++i)
      node_term(preferred[i].preference, path.child("preferredDuringSchedulingIgnoredDuringExecution").index(i).child("preference"));
  }

  void spread() {
    for (std::size_t i = 0; i < spec_.topology_spread_constraints.size(); ++i) {
      const auto& constraint = spec_.topology_spread_constraints[i];
      const FieldPath path = at("spec").child("topologySpreadConstraints").index(i);
      if (const auto text = successor(constraint.topology_key); !text.empty())
        warn(path.child("topologyKey"), fmt::format("{} is {}", constraint.topology_key, text));
      if (!constraint.label_selector) warn(path.child("labelSelector"), no_pod);
    }
  }

  void annotations() {
    const auto given = [&](std::string_view key, std::string_view text) {
      if (metadata_.annotations.contains(key)) warn(at("metadata").child("annotations").key(key), text);
    };
    given("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead");
    given("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead");
    given("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead");
    if (!spec_.security_context || !spec_.security_context->seccomp_profile)
      given("seccomp.security.alpha.kubernetes.io/pod", "non-functional in v1.27+; use the \"seccompProfile\" field instead");
  }

  void volumes() {
    for (std::size_t i = 0; i < spec_.volumes.size(); ++i) {
      const core::Volume& volume = spec_.volumes[i];
      const FieldPath path = at("spec").child("volumes").index(i);
      const auto given = [&](bool is_given, std::string_view field, std::string_view text) {
        if (is_given) warn(path.child(field), text);
      };
      given(volume.photon_persistent_disk.has_value(), "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+");
      given(volume.git_repo.has_value(), "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+");
      given(volume.scale_io.has_value(), "scaleIO", "deprecated in v1.16, non-functional in v1.22+");
      given(volume.flocker.has_value(), "flocker", "deprecated in v1.22, non-functional in v1.25+");
      given(volume.storageos.has_value(), "storageOS", "deprecated in v1.22, non-functional in v1.25+");
      given(volume.quobyte.has_value(), "quobyte", "deprecated in v1.22, non-functional in v1.25+");
      given(volume.glusterfs.has_value(), "glusterfs", "deprecated in v1.25, non-functional in v1.26+");
      given(volume.cephfs.has_value(), "cephfs", "deprecated in v1.28, non-functional in v1.31+");
      given(volume.rbd.has_value(), "rbd", "deprecated in v1.28, non-functional in v1.31+");
    }
  }

  void doubles() {
    std::set<std::string_view> addresses, secrets;
    for (std::size_t i = 0; i < spec_.host_aliases.size(); ++i)
      if (!addresses.insert(spec_.host_aliases[i].ip).second)
        warn(at("spec").child("hostAliases").index(i).child("ip"), fmt::format("duplicate ip \"{}\"", spec_.host_aliases[i].ip));
    for (std::size_t i = 0; i < spec_.image_pull_secrets.size(); ++i)
      if (!secrets.insert(spec_.image_pull_secrets[i].name).second)
        warn(at("spec").child("imagePullSecrets").index(i).child("name"), fmt::format("duplicate name \"{}\"", spec_.image_pull_secrets[i].name));
    for (std::size_t i = 0; i < spec_.image_pull_secrets.size(); ++i)
      if (spec_.image_pull_secrets[i].name.empty()) warn(at("spec").child("imagePullSecrets").index(i).child("name"), "invalid empty name \"\"");
  }

  void fractions(const FlatMap<api::Quantity>& amounts, const FieldPath& path) {
    for (const std::string_view name : {"memory", "ephemeral-storage"}) {
      const api::Quantity* amount = amounts.get(name);
      if (amount != nullptr && amount->milli_value() % 1000 != 0)
        warn(path.key(name), fmt::format("fractional byte value \"{}\" is invalid, must be an integer", amount->text()));
    }
  }

  template <class Container>
  void one_container(const Container& container, const FieldPath& path) {
    const std::string seccomp = "container.seccomp.security.alpha.kubernetes.io/" + container.name;
    const std::string apparmor = "container.apparmor.security.beta.kubernetes.io/" + container.name;
    const auto* security = container.security_context.get();
    if ((security == nullptr || !security->seccomp_profile) && metadata_.annotations.contains(seccomp))
      warn(at("metadata").child("annotations").key(seccomp), "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    if (root_ != nullptr && (security == nullptr || !security->app_armor_profile) && metadata_.annotations.contains(apparmor))
      warn(at("metadata").child("annotations").key(apparmor), "deprecated since v1.30; use the \"appArmorProfile\" field instead");
    fractions(container.resources.limits, path.child("resources", "limits"));
    fractions(container.resources.requests, path.child("resources", "requests"));
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < container.env.size(); ++i) {
      const auto& variable = container.env[i];
      if (names.insert(variable.name).second) continue;
      if (variable.name.size() > reference_bytes_max) continue;
      const std::string reference = "$(" + variable.name + ")";
      const bool extends = !variable.value_from && variable.value != reference && variable.value.find(reference) != std::string::npos;
      if (!extends)
        warn(path.child("env").index(i), fmt::format("hides previous definition of \"{}\", which may be dropped when using apply", variable.name));
    }
  }

  template <class Container>
  void ports(const Container& container, const FieldPath& path) {
    for (std::size_t i = 0; i < container.ports.size(); ++i) {
      const core::ContainerPort& port = container.ports[i];
      const FieldPath here = path.child("ports").index(i);
      if (!port.host_ip.empty() && port.host_port == 0) warn(here, "hostIP set without hostPort");
      auto& same_number = ports_[{port.container_port, port.protocol}];
      for (const auto& [other_path, other] : same_number) {
        if (out_.size() >= warnings_max || ++port_comparisons_ > port_comparisons_max) break;
        if (other->host_ip == port.host_ip && other->host_port == port.host_port) {
          warn(here, "duplicate port definition with " + other_path);
        } else if (other->host_port == 0 || port.host_port == 0) {
          warn(here, "overlapping port definition with " + other_path);
        } else if (other->host_port == port.host_port && other->host_ip.empty() != port.host_ip.empty()) {
          warn(here, "dangerously ambiguous port definition with " + other_path);
        }
      }
      if (!port.name.empty()) {
        const auto [first, fresh] = port_names_.try_emplace(port.name, here.to_string());
        if (!fresh)
          warn(here, fmt::format("duplicate port name \"{}\" with {}; services and probes that select ports by name will use the latter", port.name,
                                 first->second));
      }
      same_number.emplace_back(here.to_string(), &port);
    }
  }

  template <class Affinity>
  void affinity(const Affinity& terms, const FieldPath& path) {
    const auto& required = terms.required_during_scheduling_ignored_during_execution;
    for (std::size_t i = 0; i < required.size(); ++i)
      if (!required[i].label_selector) warn(path.child("requiredDuringSchedulingIgnoredDuringExecution").index(i).child("labelSelector"), no_pod);
    const auto& preferred = terms.preferred_during_scheduling_ignored_during_execution;
    for (std::size_t i = 0; i < preferred.size(); ++i)
      if (!preferred[i].pod_affinity_term.label_selector)
        warn(path.child("preferredDuringSchedulingIgnoredDuringExecution").index(i).child("podAffinityTerm", "labelSelector"), no_pod);
  }

  static constexpr std::string_view no_pod = "a null labelSelector results in matching no pod";
  const core::PodSpec& spec_;
  const ObjectMeta& metadata_;
  const FieldPath* root_;
  std::vector<std::string>& out_;
  // By number and protocol, where they stand.
  std::map<std::pair<int32_t, std::string_view>, std::vector<std::pair<std::string, const core::ContainerPort*>>> ports_;
  std::size_t port_comparisons_ = 0;
  std::map<std::string_view, std::string> port_names_;
};

}  // namespace

void pod_warnings(const core::PodSpec& spec, const ObjectMeta& metadata, std::vector<std::string>& out) {
  PodWarnings(spec, metadata, nullptr, out).run();
}

void pod_template_warnings(const core::PodTemplateSpec& pod_template, const FieldPath& path, std::vector<std::string>& out) {
  PodWarnings(pod_template.spec, pod_template.metadata, &path, out).run();
}

}  // namespace pintle::apiserver::resources
