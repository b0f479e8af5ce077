#include "apiserver/admission/default_toleration_seconds/default_toleration_seconds.h"

#include <algorithm>

#include "api/gen/core_v1.h"

namespace pintle::apiserver {
namespace {

class DefaultTolerationSeconds : public AdmissionPlugin {
 public:
  DefaultTolerationSeconds(int64_t not_ready_seconds, int64_t unreachable_seconds)
      : not_ready_seconds_(not_ready_seconds), unreachable_seconds_(unreachable_seconds) {}
  std::string_view name() const override { return "DefaultTolerationSeconds"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    auto* pod = is_pods(a) && a.subresource.empty() ? a.object_as<api::core_v1::Pod>() : nullptr;
    if (!pod) return Unit{};
    tolerate(pod->spec, "node.kubernetes.io/not-ready", not_ready_seconds_);
    tolerate(pod->spec, "node.kubernetes.io/unreachable", unreachable_seconds_);
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

  const int64_t not_ready_seconds_;
  const int64_t unreachable_seconds_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_toleration_seconds(int64_t not_ready_seconds, int64_t unreachable_seconds) {
  return std::make_unique<DefaultTolerationSeconds>(not_ready_seconds, unreachable_seconds);
}

}  // namespace pintle::apiserver
