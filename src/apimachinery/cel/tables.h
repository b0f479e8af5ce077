// What an Environment has put together: read by the checker and by the planner.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/cel/environment.h"

namespace pintle::apimachinery::cel {

struct Variable {
  std::size_t place = 0;
  TypeRef type = nullptr;
};

struct Environment::Tables {
  EnvironmentOptions options;
  std::string container;
  std::shared_ptr<TypePool> pool = std::make_shared<TypePool>();
  std::map<std::string, Variable, std::less<>> variables;
  std::map<std::string, TypeRef, std::less<>> types;  // by name
  const TypeSource* type_source = nullptr;
  using Functions = std::map<std::string, std::vector<const Overload*>, std::less<>>;
  std::shared_ptr<const Functions> library_functions;  // of options.libraries: one table for all environments that have them
  Functions functions;                                 // added to those, and before them where both have a name

  void add_functions(std::span<const Function> added);
  TypeRef find_type(std::string_view name, TypePool& pool) const;
  // A name as seen from the container, the innermost first; one that begins with a dot is whole.
  std::vector<std::string> candidates(std::string_view name) const;
  // The functions of that name, and the name in full.
  const std::vector<const Overload*>* find_function(std::string_view name, std::string_view* full_name) const;
};

}  // namespace pintle::apimachinery::cel
