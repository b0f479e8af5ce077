// The pod security policy of a namespace, as its labels state it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/flat_map.h"
#include "base/status.h"

namespace pintle::apiserver::admission::pod_security {

enum class Level : uint8_t { Privileged, Baseline, Restricted };

constexpr int version_latest = 36;  // the minor version whose checks "latest" means

struct LevelVersion {
  Level level = Level::Privileged;
  int minor = -1;  // of Kubernetes 1.x; -1: latest
  bool operator==(const LevelVersion&) const = default;
  // The version to check by: one from the future is taken as the latest.
  int effective_minor() const { return minor < 0 || minor > version_latest ? version_latest : minor; }
};
std::string to_string(const LevelVersion& policy);  // "baseline:latest"

struct NamespacePolicy {
  LevelVersion enforce, audit, warn;
};

std::optional<Level> parse_level(std::string_view text);  // "baseline"
std::optional<int> parse_version(std::string_view text);  // "v1.36"; -1: "latest"
// What `labels` state, the rest from `defaults`. `errors` gets one cause for each label that cannot be read. A bad level to enforce is taken as
// restricted, a bad one to audit or warn about as privileged. Without a label to warn, what is enforced is warned about too.
NamespacePolicy policy_of(const FlatMap<std::string>& labels, const NamespacePolicy& defaults, std::vector<StatusCause>* errors = nullptr);
// A warning that an exempt namespace's labels say something that will not be done; "": they do not.
std::string exemption_warning(std::string_view ns, const FlatMap<std::string>& labels, const NamespacePolicy& policy,
                              const NamespacePolicy& defaults);

}  // namespace pintle::apiserver::admission::pod_security
