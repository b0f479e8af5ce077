// GatedFields: fields of features that are switched off. A write loses them, unless the object that it changes uses the
// feature already: then it may go on, so that switching a gate off breaks no object that exists.
// Made once from the gates; afterwards constant and safe to share.
#pragma once

#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

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
  // What a walk has to look at in values of a type, in which a field that is off can lie.
  struct Plan {
    struct Member {
      const api::Field* field;
      bool off;
      const Plan* plan;  // nullptr: no other field that is off lies in it
    };
    std::vector<Member> members;
    const Plan* elements = nullptr;  // of containers
  };

  // nullptr: no field that is off lies in a value of the type.
  const Plan* plan(const api::Type& type) const;
  // Adds the gates whose fields are set in the value.
  static void collect(const Plan& plan, const api::Type& type, const void* value, Names& used);
  static void drop(const Plan& plan, const api::Type& type, void* value, const Names& kept);

  std::unordered_map<const api::Type*, std::unique_ptr<Plan>> plans_;
};

}  // namespace pintle::apiserver::registry
