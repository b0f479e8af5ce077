// ForbiddenFields: what a cluster's settings forbid in every object that can hold it: privileged containers where
// --allow-privileged is not given, tolerations that compare numbers (Lt, Gt) while their feature is off. Found by the schema, so that no
// kind with a pod template can be missed.
// Made once from the options; afterwards constant and safe to share.
#pragma once

#include <set>

#include "api/object.h"
#include "apimachinery/validation/field_errors.h"
#include "apiserver/types/options.h"

namespace pintle::apiserver::registry {

class ForbiddenFields {
 public:
  explicit ForbiddenFields(const ApiServerOptions& options);
  // Adds an error for each field that is forbidden. `old`: what the object replaces, nullptr for a new one; where it uses a feature that
  // is off, so may the new one.
  void check(const api::Object& object, const api::Object* old, apimachinery::FieldErrors& errors) const;

 private:
  struct Round;
  bool reaches(const api::Type& type) const { return reaching_.contains(&type); }
  void check_fields(const api::Type& type, const void* value, const apimachinery::FieldPath& path, Round& round) const;
  void check_value(const api::Type& type, const void* value, const apimachinery::FieldPath& path, Round& round) const;

  bool privileged_ = false;              // privileged containers are forbidden
  bool comparisons_ = false;             // tolerations with Lt and Gt are forbidden
  std::set<const api::Type*> reaching_;  // types in whose values a forbidden field may lie; empty: all is allowed
};

}  // namespace pintle::apiserver::registry
