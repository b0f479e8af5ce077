// Rules: the x-kubernetes-validations of a version's schema, compiled: each with the type of the value that it is about as `self`, and of the value
// before as `oldSelf`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/schema/ratcheting.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::custom {

class Rules {
 public:
  // `schema` outlives this. A rule that cannot be compiled is told of at each object that it is about: it lets nothing through.
  explicit Rules(const apimachinery::schema::Node& schema);
  ~Rules();

  bool empty() const { return compiled_.empty(); }
  // `old`: the object before, nullptr where there was none: rules that name it are then left out. Errors have upstream's reasons and paths.
  // What all rules of an object may cost together is bounded; past it one error says so.
  void validate(const codec::Value& object, const codec::Value* old, apimachinery::FieldErrors& errors) const;

 private:
  struct Compiled;
  struct Walk;
  void compile(const apimachinery::schema::Node& node, bool root);

  const apimachinery::schema::Node& schema_;
  apimachinery::cel::TypePool types_;
  std::vector<std::unique_ptr<apimachinery::cel::FieldList>> fields_;
  std::map<const apimachinery::schema::Node*, std::vector<Compiled>> compiled_;
  std::map<const apimachinery::schema::Node*, apimachinery::cel::TypeRef> known_;
  std::map<const apimachinery::schema::Node*, bool> holds_rules_;

  apimachinery::cel::TypeRef type_of(const apimachinery::schema::Node& node, bool root);
  bool holds_rules(const apimachinery::schema::Node& node) const;
};

}  // namespace pintle::apiserver::custom
