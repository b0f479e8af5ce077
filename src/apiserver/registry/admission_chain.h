// AdmissionChain: the plugins in their order.
#pragma once

#include <memory>
#include <vector>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

class AdmissionChain {
 public:
  AdmissionChain() = default;
  explicit AdmissionChain(std::vector<std::unique_ptr<AdmissionPlugin>> plugins) : plugins_(std::move(plugins)) {}
  void set(std::vector<std::unique_ptr<AdmissionPlugin>> plugins) { plugins_ = std::move(plugins); }  // before serving

  // The first refusal ends it.
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& attributes) const {
    for (const auto& plugin : plugins_) {
      if (!plugin->handles(attributes.operation)) continue;
      CO_TRY(co_await plugin->admit(ctx, attributes));
    }
    co_return Unit{};
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& attributes) const {
    for (const auto& plugin : plugins_) {
      if (!plugin->handles(attributes.operation)) continue;
      CO_TRY(co_await plugin->validate(ctx, attributes));
    }
    co_return Unit{};
  }

 private:
  std::vector<std::unique_ptr<AdmissionPlugin>> plugins_;
};

}  // namespace pintle::apiserver
