// The admission plugins of a server: which are on, in which order.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission {

struct AdmissionConfig {
  std::vector<std::string> enable;   // --enable-admission-plugins
  std::vector<std::string> disable;  // --disable-admission-plugins
};

bool is_admission_plugin(std::string_view name);  // upstream has it

// BadRequest with one clear line for a name that upstream does not have either, one that is both enabled and disabled, and one that lacks the
// settings that it needs.
Result<Unit> check_admission_config(const AdmissionConfig& config, const PluginSettings& settings);

// The plugins that are on, in upstream's order. `config` has passed check_admission_config().
std::vector<std::unique_ptr<AdmissionPlugin>> make_admission_plugins(const AdmissionConfig& config, const AdmissionDeps& deps);

}  // namespace pintle::apiserver::admission
