// GatedFields: fields of features that are switched off. A write loses them, unless the object that it changes uses the
// feature already: then it may go on, so that switching a gate off breaks no object that exists.
// Made once from the gates; afterwards constant and safe to share.
#pragma once

#include <set>
#include <string_view>

#include "api/object.h"
#include "component/feature_gates.h"

namespace pintle::apiserver::registry {

class GatedFields {
 public:
  explicit GatedFields(const component::FeatureGates& gates);
  // `old`: what the object replaces; nullptr for a new one.
  void drop(api::Object& object, const api::Object* old) const;

 private:
  using Names = std::set<std::string_view>;
  bool off(const api::Field& field) const { return !field.feature_gate.empty() && off_.contains(field.feature_gate); }
  // Whether a field that is off lies in a value of the type.
  bool reaches(const api::Type& type) const { return reaching_.contains(&type); }
  // Adds the gates whose fields are set in the value.
  void collect(const api::Type& type, const void* value, Names& used) const;
  void drop(const api::Type& type, void* value, const Names& kept) const;

  Names off_;
  std::set<const api::Type*> reaching_;
};

}  // namespace pintle::apiserver::registry
