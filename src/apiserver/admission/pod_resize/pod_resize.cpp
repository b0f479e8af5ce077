#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "rules/declared_features.h"
#include "rules/pod_resources.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

// A resize of a pod that a node has: both validators are about these alone.
struct Resize {
  const Pod* pod = nullptr;
  const Pod* old = nullptr;
  explicit operator bool() const { return pod != nullptr && old != nullptr && !pod->spec.node_name.empty(); }
};

Resize resize_of(const AdmissionAttributes& a) {
  if (!is_pods(a) || a.subresource != "resize" || a.operation != Operation::Update) return {};
  return {a.object_as<Pod>(), a.old_as<Pod>()};
}

Result<Node> node_of(const ResourceReader& reader, const AdmissionAttributes& a, const Pod& pod) {
  auto node = reader.get_as<Node>({"", "nodes"}, "", pod.spec.node_name);
  if (!node) return refuse(a, fmt::format("node \"{}\" not found", pod.spec.node_name));
  return node;
}

// Clients tell such refusals by the type of their cause.
Result<Unit> refuse_for(const AdmissionAttributes& a, std::string_view why, std::string cause) {
  auto refused = refuse(a, why);
  refused.error().details.causes.push_back({std::move(cause), "", ""});
  return refused;
}

class PodResizeValidator : public AdmissionPlugin {
 public:
  explicit PodResizeValidator(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "PodResizeValidator"; }
  bool handles(Operation operation) const override { return operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Resize resize = resize_of(a);
    if (!resize || resize.pod->metadata.generation == resize.old->metadata.generation) return Unit{};
    const auto node = node_of(reader_, a, *resize.pod);
    if (!node) return Result<Unit>(Unexpected(node.error()));
    return judge(a, *resize.pod, *node);
  }

 private:
  static Result<Unit> judge(const AdmissionAttributes& a, const Pod& pod, const Node& node) {
    const auto requests = rules::pod_requests(pod.spec);
    std::vector<std::string> lacking;
    for (const std::string_view name : {"cpu", "memory"}) {
      const api::Quantity* wanted = requests.get(name);
      const api::Quantity* there = node.status.allocatable.get(name);
      if (wanted == nullptr || (there != nullptr && wanted->compare(*there) <= 0)) continue;
      lacking.push_back(fmt::format("{}, requested: {}, allocatable: {}", name, wanted->text(), there ? there->text() : "0"));
    }
    if (!lacking.empty())
      return refuse_for(a, fmt::format("Node didn't have enough allocatable resources: {}", fmt::join(lacking, "; ")), "NodeCapacity");
    const std::string* os = node.metadata.labels.get("kubernetes.io/os");
    if (os == nullptr || *os != "linux")
      return refuse_for(a, fmt::format("pod resize is only supported on linux nodes, node \"{}\" is \"{}\"", node.metadata.name, os ? *os : ""),
                        "UnsupportedPlatform");
    return Unit{};
  }

  const ResourceReader& reader_;
};

class NodeDeclaredFeatureValidator : public AdmissionPlugin {
 public:
  explicit NodeDeclaredFeatureValidator(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "NodeDeclaredFeatureValidator"; }
  bool handles(Operation operation) const override { return operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Resize resize = resize_of(a);
    if (!resize) return Unit{};
    const auto needed = rules::features_for_update(resize.pod->spec, resize.old->spec);
    if (needed.empty()) return Unit{};
    const auto node = node_of(reader_, a, *resize.pod);
    if (!node) return Result<Unit>(Unexpected(node.error()));
    const auto missing = rules::missing_features(needed, *node);
    if (missing.empty()) return Unit{};
    return Result<Unit>(refuse(
        a, fmt::format("pod update requires features {} which are not available on node \"{}\"", fmt::join(missing, ", "), node->metadata.name)));
  }

 private:
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_resize_validator(const AdmissionDeps& deps) { return std::make_unique<PodResizeValidator>(deps); }
std::unique_ptr<AdmissionPlugin> make_node_declared_feature_validator(const AdmissionDeps& deps) {
  return std::make_unique<NodeDeclaredFeatureValidator>(deps);
}

}  // namespace pintle::apiserver::admission
