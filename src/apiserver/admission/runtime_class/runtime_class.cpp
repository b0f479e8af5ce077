#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "api/gen/node_v1.h"

namespace pintle::apiserver::admission {
namespace {

using api::core_v1::Pod;
using api::core_v1::Toleration;
using api::node_v1::RuntimeClass;

constexpr const char* mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

// `a` tolerates whatever `b` tolerates, seconds aside.
bool covers(const Toleration& a, const Toleration& b) {
  const auto seconds_cover = !a.toleration_seconds || a.toleration_seconds == b.toleration_seconds;
  if (!a.key.empty() && a.key != b.key) return false;
  if (!a.effect.empty() && a.effect != b.effect) return false;
  if (a.operator_ == "Exists") return seconds_cover;
  return (b.operator_.empty() || b.operator_ == "Equal") && a.key == b.key && a.value == b.value && seconds_cover;
}

void merge_tolerations(std::vector<Toleration>& into, const std::vector<Toleration>& more) {
  std::vector<Toleration> all = std::move(into);
  all.insert(all.end(), more.begin(), more.end());
  std::vector<Toleration> kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    bool redundant = false;
    for (std::size_t j = 0; j < all.size() && !redundant; ++j)
      redundant = j != i && covers(all[j], all[i]) && (j < i || !covers(all[i], all[j]));  // of two equals the first stays
    if (!redundant) kept.push_back(all[i]);
  }
  into = std::move(kept);
}

class RuntimeClassPlugin : public AdmissionPlugin {
 public:
  explicit RuntimeClassPlugin(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "RuntimeClass"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod || !pod->spec.runtime_class_name) return Unit{};
    const auto its_class = find(*pod);
    if (!its_class) return Result<Unit>(missing(a, *pod));
    if (its_class->overhead) {
      if (!pod->spec.overhead.empty() && pod->spec.overhead != its_class->overhead->pod_fixed) return Result<Unit>(refuse(a, mismatch));
      pod->spec.overhead = its_class->overhead->pod_fixed;
    }
    if (!its_class->scheduling) return Unit{};
    for (const auto& [key, value] : its_class->scheduling->node_selector) {
      const std::string* own = pod->spec.node_selector.get(key);
      if (own && *own != value)
        return Result<Unit>(
            refuse(a, fmt::format("conflict: runtimeClass.scheduling.nodeSelector[{}] = {}; pod.spec.nodeSelector[{}] = {}", key, value, key, *own)));
      pod->spec.node_selector[key] = value;
    }
    merge_tolerations(pod->spec.tolerations, its_class->scheduling->tolerations);
    return Unit{};
  }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    const Pod* pod = is_pods(a) && a.subresource.empty() ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    std::optional<RuntimeClass> its_class;
    if (pod->spec.runtime_class_name) {
      auto found = find(*pod);
      if (!found) return Result<Unit>(missing(a, *pod));
      its_class = std::move(*found);
    }
    if (its_class && its_class->overhead) {
      if (pod->spec.overhead != its_class->overhead->pod_fixed) return Result<Unit>(refuse(a, mismatch));
    } else if (!pod->spec.overhead.empty()) {
      return Result<Unit>(refuse(a, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"));
    }
    return Unit{};
  }

 private:
  Result<RuntimeClass> find(const Pod& pod) const {
    return reader_.get_as<RuntimeClass>({"node.k8s.io", "runtimeclasses"}, "", *pod.spec.runtime_class_name);
  }
  static Unexpected<Status> missing(const AdmissionAttributes& a, const Pod& pod) {
    return refuse(a, fmt::format("pod rejected: RuntimeClass \"{}\" not found", *pod.spec.runtime_class_name));
  }
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_runtime_class(const AdmissionDeps& deps) { return std::make_unique<RuntimeClassPlugin>(deps); }

}  // namespace pintle::apiserver::admission
