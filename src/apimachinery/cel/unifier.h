// Unifier: which types fit which, with free type variables that are bound on the way. Source: the language definition, gradual type
// checking; dyn fits everything both ways.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apimachinery/cel/type.h"

namespace pintle::apimachinery::cel {

class Unifier {
 public:
  explicit Unifier(TypePool& pool) : pool_(pool) {}

  TypeRef fresh();
  // Variables bound on success, untouched on failure.
  bool assignable(TypeRef a, TypeRef b);
  bool all_assignable(const std::vector<TypeRef>& a, const std::vector<TypeRef>& b);
  // Bound variables replaced; free ones by dyn if so wanted.
  TypeRef substitute(TypeRef type, bool free_to_dyn);
  // An overload's signature with its own variables renamed to fresh ones.
  std::vector<TypeRef> instantiate(const std::vector<TypeRef>& signature);
  static TypeRef most_general(TypeRef a, TypeRef b);

 private:
  using Names = std::unordered_map<std::string_view, TypeRef>;
  bool unify(TypeRef a, TypeRef b);
  bool unify_all(const std::vector<TypeRef>& a, const std::vector<TypeRef>& b);
  enum class Fit : uint8_t { Yes, No, Bound };  // Bound: no, and the variable has another type already
  Fit bind(TypeRef type, TypeRef variable);
  bool occurs(TypeRef variable, TypeRef within) const;
  void set(std::string_view variable, TypeRef type);
  void undo_to(std::size_t mark);
  TypeRef rename(TypeRef type, Names& names);

  TypePool& pool_;
  Names bound_;
  std::vector<std::pair<std::string_view, TypeRef>> trail_;  // what a variable was bound to before
  std::size_t next_ = 0;
};

inline bool is_dyn(TypeRef type) { return type->kind == TypeKind::Dyn; }
inline bool is_dyn_or_error(TypeRef type) { return type->kind == TypeKind::Dyn || type->kind == TypeKind::Error; }

}  // namespace pintle::apimachinery::cel
