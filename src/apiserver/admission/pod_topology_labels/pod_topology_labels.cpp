#include "apiserver/admission/factories.h"

#include "api/gen/core_v1.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

class PodTopologyLabels : public AdmissionPlugin {
 public:
  explicit PodTopologyLabels(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "PodTopologyLabels"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!is_pods(a)) return Unit{};
    if (a.subresource.empty()) {
      Pod* pod = a.object_as<Pod>();
      if (pod && !pod->spec.node_name.empty()) copy_labels(pod->spec.node_name, pod->metadata.labels);
    } else if (a.subresource == "binding") {
      Binding* binding = a.object_as<Binding>();
      if (binding && binding->target.kind == "Node") copy_labels(binding->target.name, binding->metadata.labels);
    }
    return Unit{};
  }

 private:
  void copy_labels(const std::string& node_name, FlatMap<std::string>& labels) const {
    const auto node = reader_.get_as<Node>({"", "nodes"}, "", node_name);
    if (!node) return;
    for (const char* key : {"topology.kubernetes.io/zone", "topology.kubernetes.io/region"})
      if (const std::string* value = node->metadata.labels.get(key)) labels[key] = *value;
  }
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_topology_labels(const AdmissionDeps& deps) { return std::make_unique<PodTopologyLabels>(deps); }

}  // namespace pintle::apiserver::admission
