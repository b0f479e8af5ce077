#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "api/gen/scheduling_v1.h"

namespace pintle::apiserver::admission {
namespace {

using api::core_v1::Pod;
using api::scheduling_v1::PriorityClass;

const GroupResource& classes() {
  static const GroupResource resource{"scheduling.k8s.io", "priorityclasses"};
  return resource;
}

class Priority : public AdmissionPlugin {
 public:
  explicit Priority(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "Priority"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!is_pods(a) || !a.subresource.empty()) return Unit{};
    Pod* pod = a.object_as<Pod>();
    if (!pod) return Unit{};
    if (a.operation == Operation::Create) return admit_new(a, *pod);
    if (const Pod* old = a.old_as<Pod>()) {
      if (!pod->spec.priority) pod->spec.priority = old->spec.priority;
      if (!pod->spec.preemption_policy) pod->spec.preemption_policy = old->spec.preemption_policy;
    }
    return Unit{};
  }

  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!a.is("scheduling.k8s.io", "priorityclasses") || !a.subresource.empty()) return Unit{};
    const PriorityClass* made = a.object_as<PriorityClass>();
    if (!made || !made->global_default) return Unit{};
    const auto other = default_class();
    if (!other || (a.operation == Operation::Update && other->metadata.name == made->metadata.name)) return Unit{};
    return Result<Unit>(refuse(a, fmt::format("PriorityClass {} is already marked as default. Only one default can exist", other->metadata.name)));
  }

 private:
  Result<Unit> admit_new(const AdmissionAttributes& a, Pod& pod) const {
    int32_t value = 0;
    std::optional<std::string> policy = "PreemptLowerPriority";
    if (pod.spec.priority_class_name.empty()) {
      if (const auto fallback = default_class()) {
        pod.spec.priority_class_name = fallback->metadata.name;
        value = fallback->value;
        policy = fallback->preemption_policy;
      }
    } else {
      const auto found = reader_.view_as<PriorityClass>(classes(), "", pod.spec.priority_class_name);
      if (!found) return refuse(a, fmt::format("no PriorityClass with name {} was found", pod.spec.priority_class_name));
      value = (*found)->value;
      policy = (*found)->preemption_policy;
    }
    if (pod.spec.priority && *pod.spec.priority != value)
      return refuse(a, fmt::format("the integer value of priority ({}) must not be provided in pod spec; its PriorityClass makes it {}",
                                   *pod.spec.priority, value));
    pod.spec.priority = value;
    if (!policy) return Unit{};
    if (pod.spec.preemption_policy && *pod.spec.preemption_policy != *policy)
      return refuse(a, fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; its PriorityClass makes it {}",
                                   *pod.spec.preemption_policy, *policy));
    pod.spec.preemption_policy = policy;
    return Unit{};
  }

  // Of several, which only a race can make, the lowest.
  std::shared_ptr<const PriorityClass> default_class() const {
    std::shared_ptr<const PriorityClass> out;
    for (const auto& cached : reader_.list(classes(), "")) {
      const auto object = reader_.view(classes(), cached);
      if (!object) continue;
      const auto& item = (*object)->as<PriorityClass>();
      if (item.global_default && (!out || item.value < out->value)) out = std::shared_ptr<const PriorityClass>(*object, &item);
    }
    return out;
  }

  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_priority(const AdmissionDeps& deps) { return std::make_unique<Priority>(deps); }

}  // namespace pintle::apiserver::admission
