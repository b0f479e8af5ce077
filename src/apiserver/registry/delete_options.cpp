#include "apiserver/registry/delete_options.h"

#include <string>
#include <vector>

#include "apiserver/types/errors.h"

namespace pintle::apiserver::registry {

Result<Unit> check_delete_options(const api::meta_v1::DeleteOptions& options) {
  std::vector<StatusCause> causes;
  for (const std::string& value : options.dry_run)
    if (value != "All")
      causes.push_back(errors::cause("FieldValueNotSupported", "dryRun", "Unsupported value: \"" + value + "\": supported values: \"All\""));
  if (options.orphan_dependents && options.propagation_policy)
    causes.push_back(
        errors::cause("FieldValueInvalid", "propagationPolicy", "Invalid value: orphanDependents and propagationPolicy cannot be both set"));
  if (options.propagation_policy && *options.propagation_policy != "Foreground" && *options.propagation_policy != "Background" &&
      *options.propagation_policy != "Orphan")
    causes.push_back(errors::cause(
        "FieldValueNotSupported", "propagationPolicy",
        "Unsupported value: \"" + *options.propagation_policy + "\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
  if (!causes.empty()) return Unexpected(errors::invalid("meta.k8s.io", "DeleteOptions", "", std::move(causes)));
  return Unit{};
}

}  // namespace pintle::apiserver::registry
