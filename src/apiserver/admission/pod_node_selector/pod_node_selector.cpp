#include "apiserver/admission/factories.h"
#include "apiserver/admission/pod_node_selector/node_labels.h"
#include "apiserver/admission/settings.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::admission {
namespace {

using namespace pod_node_selector;
using api::core_v1::Namespace;
using api::core_v1::Pod;

class PodNodeSelector : public AdmissionPlugin {
 public:
  explicit PodNodeSelector(const AdmissionDeps& deps) : reader_(deps.reader) {
    if (deps.settings) configured_ = deps.settings->node_selectors;
  }
  std::string_view name() const override { return "PodNodeSelector"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    const auto wanted = wanted_in(a.ns);
    if (!wanted) return Result<Unit>(Unexpected(wanted.error()));
    if (conflict(*wanted, pod->spec.node_selector)) return conflicts(*pod);
    for (const auto& [key, value] : *wanted) pod->spec.node_selector[key] = value;
    return validate_now(a);
  }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    const auto wanted = wanted_in(a.ns);
    if (!wanted) return Result<Unit>(Unexpected(wanted.error()));
    if (conflict(*wanted, pod->spec.node_selector)) return conflicts(*pod);
    const auto of_namespace = configured_.find(a.ns);
    if (of_namespace == configured_.end()) return Unit{};
    const auto allowed = parse_node_labels(of_namespace->second);
    if (!allowed) return Result<Unit>(Unexpected(allowed.error()));
    if (!is_allowed(pod->spec.node_selector, *allowed))
      return forbidden(*pod, "pod node label selector labels conflict with its namespace whitelist");
    return Unit{};
  }

 private:
  Result<NodeLabels> wanted_in(const std::string& ns) const {
    const auto found = reader_.get_as<Namespace>({"", "namespaces"}, "", ns);
    if (!found) return error(Reason::InternalError, "Internal error occurred: namespace " + ns + " does not exist");
    return labels_of_namespace(*found, configured_);
  }
  static Result<Unit> forbidden(const Pod& pod, std::string_view why) { return Unexpected(errors::forbidden({"", "pods"}, pod.metadata.name, why)); }
  static Result<Unit> conflicts(const Pod& pod) { return forbidden(pod, "pod node label selector conflicts with its namespace node label selector"); }

  const ResourceReader& reader_;
  NamespaceSelectors configured_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_node_selector(const AdmissionDeps& deps) { return std::make_unique<PodNodeSelector>(deps); }

}  // namespace pintle::apiserver::admission
