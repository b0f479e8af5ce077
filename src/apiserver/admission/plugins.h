// The admission plugins of a server: which are on, in which order.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

struct AdmissionConfig {
  std::vector<std::string> enable;   // --enable-admission-plugins
  std::vector<std::string> disable;  // --disable-admission-plugins
  int64_t default_not_ready_toleration_seconds = 300;
  int64_t default_unreachable_toleration_seconds = 300;
};

// BadRequest with one clear line for a name that upstream does not have either, one that is both enabled and disabled, and one
// that is asked for and is not there yet.
Result<Unit> check_admission_config(const AdmissionConfig& config);

// The plugins that are on, in upstream's order, as one plugin that runs them: a request waits for at most one task.
// `config` has passed check_admission_config().
std::vector<std::unique_ptr<AdmissionPlugin>> make_admission_plugins(const AdmissionConfig& config, const AdmissionDeps& deps);

// Runs its members in turn; the first refusal ends it.
class AdmissionSequence : public AdmissionPlugin {
 public:
  explicit AdmissionSequence(std::vector<std::unique_ptr<AdmissionPlugin>> members) : members_(std::move(members)) {}
  std::string_view name() const override { return "AdmissionSequence"; }
  bool handles(Operation) const override { return true; }
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& attributes) override;
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& attributes) override;
  std::vector<std::string_view> member_names() const;

 private:
  std::vector<std::unique_ptr<AdmissionPlugin>> members_;
};

}  // namespace pintle::apiserver
