// KindTypes: what the schemas of kinds say to expressions: the types of their fields, for built-in kinds by their descriptors, for custom ones
// by their definition's schema. A field that upstream's types leave out (quantities, JSON) is left out here.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/type.h"
#include "apimachinery/cel/type.h"
#include "apimachinery/schema/structural_schema.h"

namespace pintle::apiserver::policy_status {

// Owns the types that it makes: they live as long as it does. One thread.
class KindTypes {
 public:
  KindTypes();
  ~KindTypes();

  // `kind` names the type in messages: "Deployment.spec".
  apimachinery::cel::TypeRef of(const api::Type& type, std::string_view kind);
  apimachinery::cel::TypeRef of(const apimachinery::schema::Node& root, std::string_view kind);

 private:
  class TypedFields;
  class DeclaredFields;
  // The struct types around a value, outermost first: one within itself has no fields.
  using Around = std::vector<const api::Type*>;
  // nullptr: the field is left out.
  apimachinery::cel::TypeRef value_type(const api::Type& type, const std::string& name, const Around& around);
  apimachinery::cel::TypeRef struct_type(const api::Type& type, const std::string& name, const Around& around, bool root);
  apimachinery::cel::TypeRef value_type(const apimachinery::schema::Node& node, const std::string& name, bool root);

  apimachinery::cel::TypePool pool_;
  std::vector<std::unique_ptr<TypedFields>> typed_;
  std::vector<std::unique_ptr<DeclaredFields>> declared_;
};

}  // namespace pintle::apiserver::policy_status
