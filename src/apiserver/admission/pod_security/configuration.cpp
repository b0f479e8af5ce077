#include "apiserver/admission/pod_security/configuration.h"

#include <fmt/format.h>

#include <algorithm>

#include "apimachinery/validation/formats.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

struct Mode {
  std::string_view name;
  const std::string& level;
  const std::string& version;
};

Result<Unit> check_list(std::string_view list, const std::vector<std::string>& names, apimachinery::Faults (*faults_of)(std::string_view)) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto wrong = [&](std::string_view why) {
      return error(Reason::Invalid, fmt::format("exemptions.{}[{}]: \"{}\": {}", list, i, names[i], why));
    };
    if (const auto faults = faults_of(names[i]); !faults.empty()) return wrong(faults.front());
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) != names.begin() + static_cast<std::ptrdiff_t>(i))
      return wrong("stands there twice");
  }
  return Unit{};
}

apimachinery::Faults check_user(std::string_view name) { return name.empty() ? apimachinery::Faults{"a user has a name"} : apimachinery::Faults(); }

LevelVersion level_version(const std::string& level, const std::string& version) {
  LevelVersion out;
  out.level = parse_level(level).value_or(Level::Privileged);
  out.minor = version.empty() ? -1 : parse_version(version).value_or(-1);
  return out;
}

}  // namespace

Result<Unit> check(const api::podsecurity_v1::PodSecurityConfiguration& configuration) {
  const auto& defaults = configuration.defaults;
  for (const Mode& mode : {Mode{"enforce", defaults.enforce, defaults.enforce_version}, Mode{"audit", defaults.audit, defaults.audit_version},
                           Mode{"warn", defaults.warn, defaults.warn_version}}) {
    if (!mode.level.empty() && !parse_level(mode.level))
      return error(Reason::Invalid, fmt::format("defaults.{}: \"{}\" is none of privileged, baseline, restricted", mode.name, mode.level));
    if (!mode.version.empty() && !parse_version(mode.version))
      return error(Reason::Invalid, fmt::format("defaults.{}-version: \"{}\" is neither \"latest\" nor \"v1.x\"", mode.name, mode.version));
  }
  TRY(check_list("namespaces", configuration.exemptions.namespaces, apimachinery::check_dns_label));
  TRY(check_list("runtimeClasses", configuration.exemptions.runtime_classes, apimachinery::check_dns_subdomain));
  return check_list("usernames", configuration.exemptions.usernames, check_user);
}

NamespacePolicy default_policy(const api::podsecurity_v1::PodSecurityConfiguration& configuration) {
  const auto& defaults = configuration.defaults;
  return {level_version(defaults.enforce, defaults.enforce_version), level_version(defaults.audit, defaults.audit_version),
          level_version(defaults.warn, defaults.warn_version)};
}

}  // namespace pintle::apiserver::admission::pod_security
