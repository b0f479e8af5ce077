// Whether the x-kubernetes-validations of a schema may stand in a definition: their texts, their types, and what they may cost at the most.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/schema/rule_types.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery::schema {

// Of a rule the text alone: reported at `path` ("...x-kubernetes-validations[0]"). `node`: the schema that it is a rule of; nullptr: unknown.
void check_rule_text(const api::apiextensions_v1::ValidationRule& rule, const Node* node, const FieldPath& path, FieldErrors& errors);

// All rules of one version, node by node. Errors and their words are upstream's.
class RuleChecks {
 public:
  // `costs_count`: a rule whose estimate is past the limit is refused (not where the schema is as it was before).
  explicit RuleChecks(bool costs_count) : costs_count_(costs_count) {}

  // How often a value can occur in an object, by the bounds of what it is in; nullopt: nothing bounds it.
  using Occurrences = std::optional<uint64_t>;
  // Of what is inside a value of `node` that occurs so often.
  static Occurrences inside(const Node& node, Occurrences of_node);

  struct Place {
    const Node& node;
    bool root = false;
    Occurrences occurrences;
    const FieldPath* uncorrelated = nullptr;  // the list, no map, that it is inside of: there old values are not found again
  };
  // Of a node that has rules, at `path`.
  void check(const std::vector<api::apiextensions_v1::ValidationRule>& rules, const Place& place, const FieldPath& path, FieldErrors& errors);
  // What all of them come to, at the schema's `path`.
  void finish(const FieldPath& path, FieldErrors& errors);

 private:
  struct Costly {
    FieldPath path;
    uint64_t cost;
  };
  void count(const FieldPath& path, uint64_t cost);

  const bool costs_count_;
  RuleTypes types_;
  uint64_t total_ = 0;
  std::vector<Costly> costly_;  // the dearest few, dearest first
};

}  // namespace pintle::apimachinery::schema
