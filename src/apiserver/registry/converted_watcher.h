// ConvertedWatcher: a watch whose events show objects in one version of a resource whose versions differ. Fields are selected by there: an object
// that starts or ceases to match is Added or Deleted.
#pragma once

#include <memory>
#include <vector>

#include "apimachinery/selectors/field_selector.h"
#include "apiserver/registry/cached_versions.h"
#include "storage/watch_cache.h"

namespace pintle::apiserver::registry {

// Whether what the header says of a selector's fields is what the selector asks for.
bool matches_fields(const apimachinery::FieldSelector& fields, const storage::ObjectHeader& header);

class ConvertedWatcher final : public storage::CacheWatcher {
 public:
  // `inner` tells of previous states where `fields` is not empty. `version` is of the resource of `versions`.
  ConvertedWatcher(std::unique_ptr<storage::CacheWatcher> inner, std::shared_ptr<CachedVersions> versions, const VersionBinding& version,
                   apimachinery::FieldSelector fields)
      : inner_(std::move(inner)), versions_(std::move(versions)), version_(version), fields_(std::move(fields)) {}

  // InternalError where an object cannot be converted: the watch is over.
  rt::Task<Result<std::vector<storage::CacheEvent>>> next(rt::Context ctx) override;
  int64_t revision() const override { return inner_->revision(); }

 private:
  const std::unique_ptr<storage::CacheWatcher> inner_;
  const std::shared_ptr<CachedVersions> versions_;
  const VersionBinding& version_;
  const apimachinery::FieldSelector fields_;
};

}  // namespace pintle::apiserver::registry
