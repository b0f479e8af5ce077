// What a Program is made of: nodes that refer to one another and to side tables by index.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apimachinery/cel/ast.h"
#include "apimachinery/cel/call_cost.h"
#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/pattern.h"
#include "apimachinery/cel/tables.h"

namespace pintle::apimachinery::cel {

enum class Op : uint8_t {
  Constant,     // a: of `constants`
  Variable,     // a: its place in the environment
  Unknown,      // a: of `constants`, the name that nobody declared (unchecked programs)
  Local,        // a: its place among the locals
  Accumulator,  // the same, made by node b when it is first read
  Select,       // links: of what; a: the field, of `constants`
  Has,          // the same
  Index,        // links: of what, index
  And,
  Or,
  Conditional,
  Equal,
  NotEqual,
  Not,
  NotStrictlyFalse,
  InSet,            // links: the element; a: of `sets`
  OptionalOr,       // links: an optional value, what stands in for its absence
  OptionalOrValue,  // the same
  Call,             // links: arguments, receiver first; a: of `calls`
  List,             // links: elements; a: of `marks`, or none
  Map,              // links: key, value, key ...; a likewise
  Struct,           // links: values; a likewise; b: of `structs`
  Loop,             // a: of `loops`
};
constexpr uint32_t none = UINT32_MAX;

struct Node {
  Op op = Op::Constant;
  bool optional = false;      // Index: x[?y], x.?y
  bool root_charged = false;  // Select, Index: upstream counts one more for the chain as a whole
  uint16_t count = 0;         // of links
  uint32_t first = 0;         // of `links`
  uint32_t a = none, b = none;
};
static_assert(sizeof(Node) == 20);

struct CallSite {
  std::string name;
  std::vector<const Overload*> overloads;
  CostRule cost;
  bool in_order = false;  // upstream stops at the first argument that is an error, and charges nothing then
  std::optional<Pattern> pattern;
};
struct LoopSite {
  uint32_t range, condition, step, result, initial;  // nodes
  uint32_t accumulator, first, second;               // locals; second may be none
  bool grows = false;                                // begins with an empty list or map
};
struct StructSite {
  TypeRef type;
  std::vector<Value> names;
};

struct ProgramTables {
  std::shared_ptr<const Environment::Tables> environment;  // keeps functions' and declared types
  std::shared_ptr<TypePool> pool;
  Tree tree;
  Arena constants_arena{SIZE_MAX};
  std::vector<Node> nodes;
  std::vector<uint32_t> links;
  std::vector<Value> constants;
  std::vector<CallSite> calls;
  std::vector<LoopSite> loops;
  std::vector<StructSite> structs;
  std::vector<std::vector<bool>> marks;
  std::vector<std::unique_ptr<MadeMap>> sets;
  std::vector<bool> used;  // variables
  uint32_t locals = 0;
  uint32_t root = 0;
  TypeRef result_type = nullptr;
};

}  // namespace pintle::apimachinery::cel
