// AdmissionSequence: the plugins of a server in their order. A request waits for those tasks alone that a plugin really needs.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission {

// Thread-safe once made.
class AdmissionSequence {
 public:
  AdmissionSequence() = default;
  explicit AdmissionSequence(std::vector<std::unique_ptr<AdmissionPlugin>> plugins) : plugins_(std::move(plugins)) {}

  // The first refusal ends it. `attributes` outlive the task. A plugin that wants so has all asked a second time.
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& attributes) const;
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& attributes) const;
  std::vector<std::string_view> names() const;

 private:
  rt::Task<Result<Unit>> admit_once(rt::Context ctx, AdmissionAttributes& attributes) const;

  std::vector<std::unique_ptr<AdmissionPlugin>> plugins_;
};

}  // namespace pintle::apiserver::admission
