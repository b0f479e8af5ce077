#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <set>

#include "api/gen/core_v1.h"
#include "apiserver/types/errors.h"
#include "rules/resource_names.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

class AlwaysDeny : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "AlwaysDeny"; }
  bool handles(Operation) const override { return true; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    return Result<Unit>(refuse(a, "admission control is denying all modifications"));
  }
};

class AlwaysPullImages : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "AlwaysPullImages"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    // A pod from before the plugin was on keeps its policies, which cannot change; else nothing of it could.
    if (const Pod* old = a.old_as<Pod>(); old && !brings_image(pod->spec, old->spec)) return Unit{};
    visit_containers(pod->spec, [](auto& container) { container.image_pull_policy = "Always"; });
    for (Volume& volume : pod->spec.volumes)
      if (volume.image) volume.image->pull_policy = "Always";
    return Unit{};
  }

 private:
  template <class Spec, class F>
  static void visit_containers(Spec& spec, const F& visit) {
    for (auto& container : spec.init_containers) visit(container);
    for (auto& container : spec.containers) visit(container);
    for (auto& container : spec.ephemeral_containers) visit(container);
  }
  static bool brings_image(const PodSpec& spec, const PodSpec& old) {
    std::set<std::string_view> known;
    visit_containers(old, [&](const auto& container) { known.insert(container.image); });
    bool brings = false;
    visit_containers(spec, [&](const auto& container) { brings = brings || !known.contains(container.image); });
    return brings;
  }
};

class DenyServiceExternalIps : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "DenyServiceExternalIPs"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const auto* service = a.is("", "services") && a.subresource.empty() ? a.object_as<Service>() : nullptr;
    if (!service) return Unit{};
    std::set<std::string_view> known;
    if (const auto* old = a.old_as<Service>()) known.insert(old->spec.external_ips.begin(), old->spec.external_ips.end());
    for (const auto& ip : service->spec.external_ips)
      if (!known.contains(ip)) return Result<Unit>(refuse(a, "Use of external IPs is denied by admission control."));
    return Unit{};
  }
};

class ExtendedResourceToleration : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "ExtendedResourceToleration"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    std::set<std::string> resources;
    const auto collect = [&](const auto& containers) {
      for (const auto& container : containers)
        for (const auto& [resource, quantity] : container.resources.requests)
          if (rules::is_extended_resource(resource)) resources.insert(resource);
    };
    collect(pod->spec.init_containers);
    collect(pod->spec.containers);
    for (const auto& toleration : pod->spec.tolerations)
      if (toleration.operator_ == "Exists" && toleration.effect.empty()) resources.erase(toleration.key);
    for (const auto& resource : resources) {
      auto& toleration = pod->spec.tolerations.emplace_back();
      toleration.key = resource;
      toleration.operator_ = "Exists";
    }
    return Unit{};
  }
};

class LimitPodHardAntiAffinityTopology : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "LimitPodHardAntiAffinityTopology"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod || !pod->spec.affinity || !pod->spec.affinity->pod_anti_affinity) return Unit{};
    for (const auto& term : pod->spec.affinity->pod_anti_affinity->required_during_scheduling_ignored_during_execution)
      if (term.topology_key != hostname)
        return Result<Unit>(Unexpected(
            errors::forbidden(a.resource, pod->metadata.name,
                              fmt::format("affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {} but only key {} is allowed",
                                          term.topology_key, hostname))));
    return Unit{};
  }

 private:
  static constexpr std::string_view hostname = "kubernetes.io/hostname";
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_always_deny(const AdmissionDeps&) { return std::make_unique<AlwaysDeny>(); }
std::unique_ptr<AdmissionPlugin> make_always_pull_images(const AdmissionDeps&) { return std::make_unique<AlwaysPullImages>(); }
std::unique_ptr<AdmissionPlugin> make_deny_service_external_ips(const AdmissionDeps&) { return std::make_unique<DenyServiceExternalIps>(); }
std::unique_ptr<AdmissionPlugin> make_limit_pod_hard_anti_affinity_topology(const AdmissionDeps&) {
  return std::make_unique<LimitPodHardAntiAffinityTopology>();
}
std::unique_ptr<AdmissionPlugin> make_extended_resource_toleration(const AdmissionDeps&) { return std::make_unique<ExtendedResourceToleration>(); }

}  // namespace pintle::apiserver::admission
