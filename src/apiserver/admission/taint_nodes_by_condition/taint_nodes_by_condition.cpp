#include "apiserver/admission/factories.h"

#include <algorithm>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::admission {
namespace {

constexpr std::string_view not_ready = "node.kubernetes.io/not-ready";

class TaintNodesByCondition : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "TaintNodesByCondition"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    auto* node = a.is("", "nodes") && a.subresource.empty() ? a.object_as<api::core_v1::Node>() : nullptr;
    if (!node) return Unit{};
    auto& taints = node->spec.taints;
    const auto is_it = [](const auto& taint) { return taint.key == not_ready && taint.effect == "NoSchedule"; };
    if (std::any_of(taints.begin(), taints.end(), is_it)) return Unit{};
    taints.emplace_back();
    taints.back().key = not_ready;
    taints.back().effect = "NoSchedule";
    return Unit{};
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_taint_nodes_by_condition(const AdmissionDeps&) { return std::make_unique<TaintNodesByCondition>(); }

}  // namespace pintle::apiserver::admission
