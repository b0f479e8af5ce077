// Program: an expression that was compiled: flat tables, constants made, regular expressions compiled. Immutable: any number of threads
// evaluate it at once, each with an arena of its own.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "apimachinery/cel/cost.h"
#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

class TimeZones;

struct EvaluationOptions {
  uint64_t cost_max = per_call_cost_max;
  // Asked every thousand or so steps; true ends the evaluation (Failure::Interrupted).
  bool (*interrupted)(void* context) = nullptr;
  void* interrupted_context = nullptr;
  // For getHours('Europe/Zurich') and the like; nullptr: only UTC and offsets are known.
  const TimeZones* zones = nullptr;
};

struct Outcome {
  Value value;        // an error among others; lives as long as the arena, the program and the variables
  uint64_t cost = 0;  // as upstream counts it, up to the error if there was one
};

struct ProgramTables;

class Program {
 public:
  explicit Program(std::shared_ptr<const ProgramTables> tables) : tables_(std::move(tables)) {}

  // `variables` by their places in the environment; an absent one is an error where it is read.
  Outcome evaluate(std::span<const Value> variables, Arena& arena, const EvaluationOptions& options = {}) const;

  TypeRef result_type() const;
  // Whether the expression names the variable at this place: what nobody reads need not be fetched.
  bool uses(std::size_t variable) const;
  // The worst case before any value is known, from the sizes that the variables' types declare. `sizes` may know more.
  CostEstimate estimate_cost(const SizeSource* sizes = nullptr) const;

 private:
  std::shared_ptr<const ProgramTables> tables_;
};

}  // namespace pintle::apimachinery::cel
