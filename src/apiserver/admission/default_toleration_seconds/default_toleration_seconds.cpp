#include "apiserver/admission/factories.h"

#include <algorithm>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::admission {
namespace {

class DefaultTolerationSeconds : public AdmissionPlugin {
 public:
  explicit DefaultTolerationSeconds(ToleratedSeconds tolerated) : tolerated_(tolerated) {}
  std::string_view name() const override { return "DefaultTolerationSeconds"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    auto* pod = is_pods(a) && a.subresource.empty() ? a.object_as<api::core_v1::Pod>() : nullptr;
    if (!pod) return Unit{};
    tolerate(pod->spec, "node.kubernetes.io/not-ready", tolerated_.not_ready);
    tolerate(pod->spec, "node.kubernetes.io/unreachable", tolerated_.unreachable);
    return Unit{};
  }

 private:
  static void tolerate(api::core_v1::PodSpec& spec, std::string_view taint, int64_t seconds) {
    const auto covers = [&](const api::core_v1::Toleration& t) {
      return (t.key == taint || t.key.empty()) && (t.effect == "NoExecute" || t.effect.empty());
    };
    if (std::any_of(spec.tolerations.begin(), spec.tolerations.end(), covers)) return;
    api::core_v1::Toleration toleration;
    toleration.key = taint;
    toleration.operator_ = "Exists";
    toleration.effect = "NoExecute";
    toleration.toleration_seconds = seconds;
    spec.tolerations.push_back(std::move(toleration));
  }

  const ToleratedSeconds tolerated_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(const AdmissionDeps& deps) {
  return std::make_unique<DefaultTolerationSeconds>(deps.tolerated);
}

}  // namespace pintle::apiserver::admission
