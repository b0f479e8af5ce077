#include "apiserver/admission/factories.h"
#include "apiserver/admission/pod_toleration_restriction/tolerations.h"
#include "apiserver/admission/settings.h"
#include "rules/pod_resources.h"

namespace pintle::apiserver::admission {
namespace {

using namespace pod_toleration_restriction;
using api::core_v1::Namespace;
using api::core_v1::Pod;

class PodTolerationRestriction : public AdmissionPlugin {
 public:
  explicit PodTolerationRestriction(const AdmissionDeps& deps) : reader_(deps.reader) {
    if (!deps.settings) return;
    defaults_ = deps.settings->tolerations.default_;
    allowed_ = deps.settings->tolerations.whitelist;
  }
  std::string_view name() const override { return "PodTolerationRestriction"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    Tolerations more;
    if (a.operation == Operation::Create) {
      auto of_namespace = listed(a.ns, defaults_annotation);
      if (!of_namespace) return Result<Unit>(Unexpected(of_namespace.error()));
      more = of_namespace->value_or(defaults_);
    }
    if (rules::qos_class(*pod) != "BestEffort") {
      Toleration& pressure = more.emplace_back();
      pressure.key = "node.kubernetes.io/memory-pressure";
      pressure.operator_ = "Exists";
      pressure.effect = "NoSchedule";
    }
    const std::size_t all = pod->spec.tolerations.size() + more.size();
    if (all * all > comparisons_max) return too_many(a);
    if (!more.empty()) pod->spec.tolerations = merge(pod->spec.tolerations, more);
    return validate_now(a);
  }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod || pod->spec.tolerations.empty()) return Unit{};
    auto of_namespace = listed(a.ns, allowed_annotation);
    if (!of_namespace) return Result<Unit>(Unexpected(of_namespace.error()));
    const Tolerations& allowed = *of_namespace ? **of_namespace : allowed_;
    if (allowed.size() * pod->spec.tolerations.size() > comparisons_max) return too_many(a);
    if (are_allowed(pod->spec.tolerations, allowed)) return Unit{};
    const std::string_view whose = *of_namespace ? "namespace" : "cluster";
    return Result<Unit>(error(Reason::Unknown, "pod tolerations (possibly merged with namespace default tolerations) conflict with its " +
                                                   std::string(whose) + " whitelist"));
  }

 private:
  static Result<Unit> too_many(const AdmissionAttributes& a) { return refuse(a, "there are too many tolerations to be compared"); }
  Result<std::optional<Tolerations>> listed(const std::string& ns, std::string_view annotation) const {
    TRY_ASSIGN(const auto found, reader_.get_as<Namespace>({"", "namespaces"}, "", ns));
    return of_annotation(found, annotation);
  }

  const ResourceReader& reader_;
  Tolerations defaults_, allowed_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_toleration_restriction(const AdmissionDeps& deps) {
  return std::make_unique<PodTolerationRestriction>(deps);
}

}  // namespace pintle::apiserver::admission
