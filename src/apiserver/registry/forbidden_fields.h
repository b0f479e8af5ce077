// ForbiddenFields: what a cluster's policy forbids in every object that can hold it: privileged containers where
// --allow-privileged is not given. Found by the schema, so that no kind with a pod template can be missed.
// Made once from the options; afterwards constant and safe to share.
#pragma once

#include <set>

#include "api/object.h"
#include "apimachinery/validation/field_errors.h"
#include "apiserver/options.h"

namespace pintle::apiserver {

class ForbiddenFields {
 public:
  explicit ForbiddenFields(const ApiServerOptions& options);
  // Adds an error for each field that the policy forbids.
  void check(const api::Object& object, apimachinery::FieldErrors& errors) const;

 private:
  bool reaches(const api::Type& type) const { return reaching_.contains(&type); }
  void check_fields(const api::Type& type, const void* value, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors) const;
  void check_value(const api::Type& type, const void* value, const apimachinery::FieldPath& path, apimachinery::FieldErrors& errors) const;

  std::set<const api::Type*> reaching_;  // types in whose values a forbidden field may lie; empty: all is allowed
};

}  // namespace pintle::apiserver
