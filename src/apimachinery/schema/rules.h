// Rules: the x-kubernetes-validations of a schema, compiled: each with the type of the value that it is about as `self`, and of the value before as
// `oldSelf`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/schema/ratcheting.h"
#include "apimachinery/schema/rule_types.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery::schema {

struct CompiledRule {
  const Rule* rule = nullptr;
  std::optional<cel::Program> program, message;  // neither where it is broken, or blank
  std::string broken, message_broken;            // why, in upstream's words
  bool transition = false;                       // names oldSelf
};
// Those of `node` alone; `self`: the type of its values, nullptr: it has none.
std::vector<CompiledRule> compile_rules(const Node& node, cel::TypeRef self);

class Rules {
 public:
  // Of the root of a custom resource and what is below it, which outlive this. A rule that cannot be compiled is told of at each object that it
  // is about: it lets nothing through.
  explicit Rules(const Node& root);
  ~Rules();

  bool empty() const { return compiled_.empty(); }
  // Whether a schema has any, without compiling them.
  static bool any(const Node& root);
  // What all rules may cost together for an object (and what was there before) of so many bytes of JSON. As upstream's estimates of comparisons are a
  // little low, what it is found to cost may be a quarter more.
  uint64_t estimate(uint64_t object_bytes) const;
  struct Judged {
    const codec::Value* old = nullptr;      // what was there before; nullptr where nothing was: rules that name it are then left out
    const Node* node = nullptr;             // what the value is one of; nullptr: the root
    FieldPath path = {};                    // of the value
    bool ratcheting = false;                // what did not change is not judged again
    const cel::TimeZones* zones = nullptr;  // that rules may name; nullptr: UTC and offsets are known
    uint64_t* budget = nullptr;             // what all rules may cost together, less what they have cost; nullptr: as those of one object
  };
  // Errors have upstream's reasons and paths. Past the budget one error says so.
  void validate(const codec::Value& value, const Judged& judged, FieldErrors& errors) const;
  // Of an object, created or updated.
  void validate(const codec::Value& object, const codec::Value* old, FieldErrors& errors, const cel::TimeZones* zones = nullptr) const {
    validate(object, {.old = old, .ratcheting = old != nullptr, .zones = zones}, errors);
  }

 private:
  struct Own {
    cel::TypeRef type = nullptr;
    std::vector<CompiledRule> rules;
  };
  struct Walk;
  void compile(const Node& node, bool root);
  bool holds_rules(const Node& node) const;
  uint64_t estimate(const Own& own, uint64_t occurrences, uint64_t object_bytes) const;
  uint64_t estimate(const Node& node, uint64_t occurrences, uint64_t object_bytes) const;

  const Node& schema_;
  RuleTypes types_;
  std::map<const Node*, Own> compiled_;
  std::map<const Node*, bool> holds_rules_;
};

}  // namespace pintle::apimachinery::schema
