#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apiserver/admission/configured/matching.h"
#include "base/mutex.h"

namespace pintle::apiserver::admission {
namespace {

using namespace configured;

constexpr std::string_view group = "admissionregistration.k8s.io";

// A policy with one of its bindings, that wants to be asked and lets nothing pass unasked.
struct Guard {
  std::string who;                    // for the refusal
  std::vector<Selection> selections;  // all must select the request
};
using Guards = std::vector<Guard>;
using Objects = std::vector<storage::CachedObjectPtr>;

// The guards of the objects that are there now, made anew only when those are others. Thread-safe.
class GuardTable {
 public:
  using Make = Guards (*)(const ResourceReader&, const std::vector<Objects>&);
  GuardTable(const ResourceReader& reader, std::vector<GroupResource> resources, Make make)
      : reader_(reader), resources_(std::move(resources)), make_(make) {}

  std::shared_ptr<const Guards> now() {
    std::vector<Objects> objects;
    for (const GroupResource& resource : resources_) {
      objects.push_back(reader_.list(resource, ""));
      if (objects.back().empty()) return nullptr;  // nor is there a guard without any one of them
    }
    ThreadLock lock(mutex_);
    if (!guards_ || objects != objects_) {
      guards_ = std::make_shared<const Guards>(make_(reader_, objects));
      objects_ = std::move(objects);
    }
    return guards_;
  }

 private:
  const ResourceReader& reader_;
  const std::vector<GroupResource> resources_;
  const Make make_;
  ThreadMutex mutex_;
  std::vector<Objects> objects_ GUARDED_BY(mutex_);
  std::shared_ptr<const Guards> guards_ GUARDED_BY(mutex_);
};

template <class T>
std::vector<T> read_all(const ResourceReader& reader, std::string_view resource, const Objects& objects) {
  std::vector<T> out;
  for (const auto& cached : objects)
    if (auto object = reader.decode({std::string(group), std::string(resource)}, *cached)) out.push_back(std::move(object->template as<T>()));
  return out;
}

bool acts(const v1::ValidatingAdmissionPolicyBinding& binding) {
  const auto& actions = binding.spec.validation_actions;
  return std::find(actions.begin(), actions.end(), "Deny") != actions.end();
}
bool acts(const v1::MutatingAdmissionPolicyBinding&) { return true; }

// `objects`: the policies, then the bindings.
template <class Policy, class Binding>
Guards policy_guards(const ResourceReader& reader, std::string_view policies_name, std::string_view bindings_name,
                     const std::vector<Objects>& objects) {
  Guards out;
  const auto policies = read_all<Policy>(reader, policies_name, objects[0]);
  for (const auto& binding : read_all<Binding>(reader, bindings_name, objects[1])) {
    const auto policy = std::find_if(policies.begin(), policies.end(), [&](const Policy& p) { return p.metadata.name == binding.spec.policy_name; });
    if (policy == policies.end() || policy->spec.failure_policy == "Ignore" || !policy->spec.match_constraints || !acts(binding)) continue;
    Guard& guard = out.emplace_back();
    guard.who = fmt::format("'{}' with binding '{}'", policy->metadata.name, binding.metadata.name);
    guard.selections.push_back(selection_of(*policy->spec.match_constraints, true));
    if (binding.spec.match_resources) guard.selections.push_back(selection_of(*binding.spec.match_resources, false));
  }
  return out;
}

// Whoever wrote a wrong configuration must be able to take it back.
bool is_exempt(const AdmissionAttributes& a) {
  return a.resource.group == group && (a.resource.resource.starts_with("validating") || a.resource.resource.starts_with("mutating"));
}

// Policies are about what is stored.
bool is_review(const AdmissionAttributes& a) { return a.resource.group == "authentication.k8s.io" || a.resource.group == "authorization.k8s.io"; }

class Configured : public AdmissionPlugin {
 public:
  struct Shape {
    std::string_view name;
    std::vector<std::string> resources;
    GuardTable::Make make;
    bool mutates = false;
  };
  Configured(const AdmissionDeps& deps, Shape shape)
      : reader_(deps.reader), shape_(std::move(shape)), guards_(deps.reader, resources_of(shape_), shape_.make) {}

  std::string_view name() const override { return shape_.name; }
  bool handles(Operation operation) const override { return !shape_.mutates || operation != Operation::Delete; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!shape_.mutates) return Unit{};
    return judge(a);
  }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (shape_.mutates) return Unit{};
    return judge(a);
  }

 private:
  static std::vector<GroupResource> resources_of(const Shape& shape) {
    std::vector<GroupResource> out;
    for (const std::string& resource : shape.resources) out.push_back({std::string(group), resource});
    return out;
  }

  Result<Unit> judge(const AdmissionAttributes& a) {
    const auto guards = guards_.now();
    if (!guards || guards->empty() || is_exempt(a) || is_review(a)) return Unit{};
    Labels labels;
    const Labels* of_namespace = namespace_labels(a, labels);
    for (const Guard& guard : *guards) {
      const bool asked =
          std::all_of(guard.selections.begin(), guard.selections.end(), [&](const Selection& s) { return selects(s, a, of_namespace); });
      if (asked) return refusal(a, guard);
    }
    return Unit{};
  }

  // Of the namespace that the request is in or about; nullptr where there is none, and where it cannot be read: then every
  // selector selects it.
  const Labels* namespace_labels(const AdmissionAttributes& a, Labels& kept) const {
    if (a.is("", "namespaces")) return labels_of(a.object != nullptr ? a.object : a.old_object);
    if (a.ns.empty()) return nullptr;
    auto found = reader_.get_as<api::core_v1::Namespace>({"", "namespaces"}, "", a.ns);
    if (!found) return nullptr;
    kept = std::move(found->metadata.labels);
    return &kept;
  }

  Result<Unit> refusal(const AdmissionAttributes& a, const Guard& guard) const {
    return refuse(
        a, fmt::format("{} {} cannot be evaluated: this server evaluates no policies yet, and its failurePolicy is Fail", shape_.name, guard.who));
  }

  const ResourceReader& reader_;
  const Shape shape_;
  GuardTable guards_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_mutating_admission_policy(const AdmissionDeps& deps) {
  Configured::Shape shape{"MutatingAdmissionPolicy", {"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}, nullptr, true};
  shape.make = [](const ResourceReader& reader, const std::vector<Objects>& objects) {
    return policy_guards<v1::MutatingAdmissionPolicy, v1::MutatingAdmissionPolicyBinding>(reader, "mutatingadmissionpolicies",
                                                                                          "mutatingadmissionpolicybindings", objects);
  };
  return std::make_unique<Configured>(deps, std::move(shape));
}

std::unique_ptr<AdmissionPlugin> make_validating_admission_policy(const AdmissionDeps& deps) {
  Configured::Shape shape{"ValidatingAdmissionPolicy", {"validatingadmissionpolicies", "validatingadmissionpolicybindings"}, nullptr, false};
  shape.make = [](const ResourceReader& reader, const std::vector<Objects>& objects) {
    return policy_guards<v1::ValidatingAdmissionPolicy, v1::ValidatingAdmissionPolicyBinding>(reader, "validatingadmissionpolicies",
                                                                                              "validatingadmissionpolicybindings", objects);
  };
  return std::make_unique<Configured>(deps, std::move(shape));
}

}  // namespace pintle::apiserver::admission
