#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/gen/apps_v1.h"
#include "api/gen/batch_v1.h"
#include "api/gen/core_v1.h"
#include "apiserver/admission/pod_security/checks.h"
#include "apiserver/admission/pod_security/configuration.h"
#include "apiserver/admission/settings.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;
using pod_security::default_policy;
using pod_security::evaluate;
using pod_security::exemption_warning;
using pod_security::Findings;
using pod_security::Level;
using pod_security::LevelVersion;
using pod_security::NamespacePolicy;
using pod_security::plural;
using pod_security::PodView;
using pod_security::policy_of;

// Existing pods that are looked at when a namespace becomes stricter; the rest is only counted.
constexpr std::size_t existing_pods_max = 3000;

const PodTemplateSpec* template_of(const AdmissionAttributes& a) {
  if (a.resource.group == "apps") {
    if (const auto* o = a.object_as<api::apps_v1::Deployment>()) return &o->spec.template_;
    if (const auto* o = a.object_as<api::apps_v1::ReplicaSet>()) return &o->spec.template_;
    if (const auto* o = a.object_as<api::apps_v1::StatefulSet>()) return &o->spec.template_;
    if (const auto* o = a.object_as<api::apps_v1::DaemonSet>()) return &o->spec.template_;
  } else if (a.resource.group == "batch") {
    if (const auto* o = a.object_as<api::batch_v1::Job>()) return &o->spec.template_;
    if (const auto* o = a.object_as<api::batch_v1::CronJob>()) return &o->spec.job_template.spec.template_;
  } else if (a.resource.group.empty()) {
    if (const auto* o = a.object_as<ReplicationController>()) return o->spec.template_ ? o->spec.template_.get() : nullptr;
    if (const auto* o = a.object_as<PodTemplate>()) return &o->template_;
  }
  return nullptr;
}

bool ignored_subresource(std::string_view name) {
  constexpr std::string_view ignored[] = {"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"};
  return std::find(std::begin(ignored), std::end(ignored), name) != std::end(ignored);
}

template <class Containers>
bool images_changed(const Containers& now, const Containers& before) {
  return !std::equal(now.begin(), now.end(), before.begin(), before.end(), [](const auto& a, const auto& b) { return a.image == b.image; });
}

// An update can only bring new images and ephemeral containers.
bool matters(const Pod& pod, const Pod& old) {
  if (images_changed(pod.spec.containers, old.spec.containers) || images_changed(pod.spec.init_containers, old.spec.init_containers)) return true;
  return std::any_of(pod.spec.ephemeral_containers.begin(), pod.spec.ephemeral_containers.end(), [&](const EphemeralContainer& container) {
    const auto same = [&](const EphemeralContainer& other) { return other.name == container.name && other.image == container.image; };
    return std::none_of(old.spec.ephemeral_containers.begin(), old.spec.ephemeral_containers.end(), same);
  });
}

class PodSecurity : public AdmissionPlugin {
 public:
  explicit PodSecurity(const AdmissionDeps& deps) : reader_(deps.reader) {
    if (!deps.settings) return;
    defaults_ = default_policy(deps.settings->pod_security);
    exempt_ = deps.settings->pod_security.exemptions;
  }
  std::string_view name() const override { return "PodSecurity"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (a.is("", "namespaces")) return a.subresource.empty() ? check_namespace(a) : Result<Unit>(Unit{});
    if (is_pods(a)) return is_exempt(a) ? Result<Unit>(Unit{}) : check_pod(a);
    if (a.subresource.empty() && !is_exempt(a))
      if (const auto* pod_template = template_of(a)) warn_about(a, *pod_template);
    return Unit{};
  }

 private:
  Result<NamespacePolicy> policy_for(const std::string& ns) const {
    TRY_ASSIGN(const auto found, reader_.view_as<Namespace>({"", "namespaces"}, "", ns));
    return policy_of(found->metadata.labels, defaults_);
  }
  static bool lists(const std::vector<std::string>& list, std::string_view name) {
    return !name.empty() && std::find(list.begin(), list.end(), name) != list.end();
  }
  bool is_exempt(const AdmissionAttributes& a) const { return lists(exempt_.namespaces, a.ns) || (a.user && lists(exempt_.usernames, a.user->name)); }
  bool has_exempt_class(const PodSpec& spec) const { return spec.runtime_class_name && lists(exempt_.runtime_classes, *spec.runtime_class_name); }

  Result<Unit> check_pod(const AdmissionAttributes& a) const {
    const Pod* pod = a.object_as<Pod>();
    if (!pod || ignored_subresource(a.subresource)) return Unit{};
    const auto policy = policy_for(a.ns);
    if (!policy) return internal(fmt::format("failed to lookup namespace \"{}\"", a.ns));
    if (policy->enforce.level == Level::Privileged && policy->warn.level == Level::Privileged) return Unit{};
    const Pod* old = a.old_as<Pod>();
    if (a.operation == Operation::Update && old && !matters(*pod, *old)) return Unit{};
    if (has_exempt_class(pod->spec)) return Unit{};
    const PodView view(pod->metadata, pod->spec);
    const Findings enforced = evaluate(policy->enforce, view);
    if (!enforced.allowed()) return refuse(a, fmt::format("violates PodSecurity \"{}\": {}", to_string(policy->enforce), enforced.details()));
    warn(a, policy->warn, view);
    return Unit{};
  }

  void warn_about(const AdmissionAttributes& a, const PodTemplateSpec& pod_template) const {
    const auto policy = policy_for(a.ns);
    if (policy && policy->warn.level != Level::Privileged && !has_exempt_class(pod_template.spec))
      warn(a, policy->warn, PodView(pod_template.metadata, pod_template.spec));
  }

  static void warn(const AdmissionAttributes& a, const LevelVersion& policy, const PodView& view) {
    const Findings findings = evaluate(policy, view);
    if (!findings.allowed() && a.warnings)
      a.warnings->push_back(fmt::format("would violate PodSecurity \"{}\": {}", to_string(policy), findings.details()));
  }

  Result<Unit> check_namespace(const AdmissionAttributes& a) const {
    const auto* now = a.object_as<Namespace>();
    if (!now) return Unit{};
    const auto* before = a.old_as<Namespace>();
    std::vector<StatusCause> errors, old_errors;
    const NamespacePolicy policy = policy_of(now->metadata.labels, defaults_, &errors);
    const NamespacePolicy old_policy = before ? policy_of(before->metadata.labels, defaults_, &old_errors) : NamespacePolicy();
    if (!errors.empty() && errors != old_errors) return Unexpected(errors::invalid("", "Namespace", now->metadata.name, std::move(errors)));
    const bool exempt = lists(exempt_.namespaces, now->metadata.name);
    if (!before && exempt) warn_of_exemption(a, *now, policy);
    if (!before || policy.enforce == old_policy.enforce || policy.enforce.level == Level::Privileged) return Unit{};
    if (policy.enforce.minor == old_policy.enforce.minor && policy.enforce.level <= old_policy.enforce.level) return Unit{};
    if (exempt) {
      warn_of_exemption(a, *now, policy);
    } else {
      warn_about_existing(a, policy.enforce);
    }
    return Unit{};
  }
  void warn_of_exemption(const AdmissionAttributes& a, const Namespace& ns, const NamespacePolicy& policy) const {
    std::string warning = exemption_warning(ns.metadata.name, ns.metadata.labels, policy, defaults_);
    if (!warning.empty() && a.warnings) a.warnings->push_back(std::move(warning));
  }

  void warn_about_existing(const AdmissionAttributes& a, const LevelVersion& policy) const {
    if (!a.warnings) return;
    const GroupResource pods{"", "pods"};
    const auto cached = reader_.list(pods, a.name);
    std::map<std::string, std::vector<std::string>> by_reason;
    for (std::size_t i = 0; i < std::min(cached.size(), existing_pods_max); ++i) {
      const auto object = reader_.decode(pods, *cached[i]);
      if (!object) continue;
      const auto& pod = object->as<Pod>();
      if (has_exempt_class(pod.spec)) continue;
      const Findings findings = evaluate(policy, PodView(pod.metadata, pod.spec));
      if (!findings.allowed()) by_reason[findings.reasons()].push_back(pod.metadata.name);
    }
    if (cached.size() > existing_pods_max)
      a.warnings->push_back(
          fmt::format("new PodSecurity enforce level only checked against the first {} of {} existing pods", existing_pods_max, cached.size()));
    if (by_reason.empty()) return;
    a.warnings->push_back(
        fmt::format("existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"", a.name, to_string(policy)));
    std::vector<std::string> lines;
    for (auto& [reason, names] : by_reason) {
      const std::string& first = *std::min_element(names.begin(), names.end());
      const std::size_t others = names.size() - 1;
      const std::string more = others == 0 ? std::string() : fmt::format(" (and {} other {})", others, plural(others, "pod", "pods"));
      lines.push_back(fmt::format("{}{}: {}", first, more, reason));
    }
    std::sort(lines.begin(), lines.end());
    std::move(lines.begin(), lines.end(), std::back_inserter(*a.warnings));
  }

  const ResourceReader& reader_;
  NamespacePolicy defaults_;
  api::podsecurity_v1::PodSecurityExemptions exempt_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_security(const AdmissionDeps& deps) { return std::make_unique<PodSecurity>(deps); }

}  // namespace pintle::apiserver::admission
