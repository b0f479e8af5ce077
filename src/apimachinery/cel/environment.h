// Environment: what an expression may name, and the way from its text to a Program. Built once, by whoever knows the variables; then
// immutable and shared by any number of threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/cel/function.h"
#include "apimachinery/cel/type.h"
#include "base/status.h"

namespace pintle::apimachinery::cel {

class Program;

// Libraries beyond the language's own functions. Bits of a set.
enum class Library : uint32_t {
  Optionals = 1 << 0,
  Strings = 1 << 1,  // version 2
  Sets = 1 << 2,
  Lists = 1 << 3,            // version 3: slice, flatten, sort ...
  KubernetesLists = 1 << 4,  // isSorted, sum, min, max, indexOf, lastIndexOf
  Regex = 1 << 5,
  Urls = 1 << 6,
  Ip = 1 << 7,
  Cidr = 1 << 8,
  Quantity = 1 << 9,
  Semver = 1 << 10,
  Format = 1 << 11,
  Authorizer = 1 << 12,
  TwoVariables = 1 << 13,
  Bindings = 1 << 14,
  Math = 1 << 15,
  Encoders = 1 << 16,
  JsonPatch = 1 << 17,
  StringsLatest = 1 << 18,  // what later versions of Strings brought
};
constexpr uint32_t operator|(Library a, Library b) { return static_cast<uint32_t>(a) | static_cast<uint32_t>(b); }
constexpr uint32_t operator|(uint32_t a, Library b) { return a | static_cast<uint32_t>(b); }

// What every expression of Kubernetes 1.36 may use.
constexpr uint32_t kubernetes_libraries = Library::Optionals | Library::Strings | Library::Sets | Library::Lists | Library::KubernetesLists |
                                          Library::Regex | Library::Urls | Library::Ip | Library::Cidr | Library::Quantity | Library::Semver |
                                          Library::Format | Library::Authorizer | Library::TwoVariables;

// One fault of an expression. Line and column count from 1, columns in code points.
struct Issue {
  uint32_t line = 1, column = 1;
  std::string message;
};
constexpr std::size_t issues_max = 100;

// "ERROR: <input>:1:5: message\n | text\n | ....^", one after another, as upstream's clients see them.
std::string issues_text(const std::vector<Issue>& issues, std::string_view expression);

struct EnvironmentOptions {
  uint32_t libraries = kubernetes_libraries;
  std::string_view container = {};             // names are looked up in it first: "a.b"
  bool homogeneous_literals = true;            // [1, 'a'] is refused, as everywhere in Kubernetes
  bool validate_literals = true;               // texts given to duration(), timestamp() and matches() are read while compiling
  bool strict_presence = false;                // has(1.x) and 1.?x are errors; in Kubernetes nothing is there
  bool quoted_names = false;                   // a.`b-c`; Kubernetes has it not
  std::size_t expression_bytes_max = 100'000;  // upstream counts code points
};

class Environment {
 public:
  explicit Environment(EnvironmentOptions options = {});
  ~Environment();
  Environment(Environment&&) noexcept;
  Environment& operator=(Environment&&) noexcept;

  TypePool& types();
  // Its place among the variables of an evaluation. The type must outlive the environment (types() may own it).
  std::size_t add_variable(std::string_view name, TypeRef type);
  // A struct type that expressions may name: Object{...}. Fields of values need no more than their variable's type.
  void add_type(TypeRef type);
  // Struct types that are made up as they are named ("Object.spec.template"). Asked after add_type()'s; must outlive the environment.
  void set_type_source(const TypeSource* source);
  // The tables must outlive the environment.
  void add_functions(std::span<const Function> functions);

  // Parsed, checked, planned. `wanted`: Dyn takes any; otherwise a result that cannot be of it is a fault. On failure the Status
  // (BadRequest) holds issues_text(); `issues` gets them one by one.
  Result<Program> compile(std::string_view expression, TypeRef wanted = &types::dyn, std::vector<Issue>* issues = nullptr) const;
  // The same without a checker: names and overloads are found while it runs. For conformance tests.
  Result<Program> compile_unchecked(std::string_view expression, std::vector<Issue>* issues = nullptr) const;

  struct Tables;
  const Tables& tables() const { return *tables_; }

 private:
  Result<Program> compile(std::string_view expression, TypeRef wanted, std::vector<Issue>* issues, bool unchecked) const;
  std::shared_ptr<Tables> tables_;
};

}  // namespace pintle::apimachinery::cel
