#include "apimachinery/cel/unifier.h"

namespace pintle::apimachinery::cel {
namespace {

bool is_param(TypeRef type) { return type->kind == TypeKind::Param; }

bool takes_null(TypeRef type) {
  switch (type->kind) {
    case TypeKind::Null:
    case TypeKind::Opaque:
    case TypeKind::Struct:
    case TypeKind::Timestamp:
    case TypeKind::Duration: return true;
    default: return type->nullable;
  }
}

// Whether a is b, or b with dyn somewhere in it.
bool less_specific(TypeRef a, TypeRef b) {
  if (is_dyn(a) || is_param(a)) return true;
  if (is_dyn(b) || is_param(b) || a->kind != b->kind) return false;
  if (a->kind == TypeKind::Type) return true;
  if (a->kind != TypeKind::Opaque && a->kind != TypeKind::List && a->kind != TypeKind::Map) return same_type(a, b);
  if (a->name != b->name || a->params.size() != b->params.size()) return false;
  for (std::size_t i = 0; i < a->params.size(); ++i)
    if (!less_specific(a->params[i], b->params[i])) return false;
  return true;
}

}  // namespace

TypeRef Unifier::fresh() { return pool_.param("_var" + std::to_string(next_++)); }

TypeRef Unifier::most_general(TypeRef a, TypeRef b) { return less_specific(a, b) ? a : b; }

void Unifier::set(std::string_view variable, TypeRef type) {
  TypeRef& at = bound_[variable];
  trail_.push_back({variable, at});
  at = type;
}
void Unifier::undo_to(std::size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) {
    if (trail_.back().second) {
      bound_[trail_.back().first] = trail_.back().second;
    } else {
      bound_.erase(trail_.back().first);
    }
  }
}

bool Unifier::assignable(TypeRef a, TypeRef b) {
  const bool fits = unify(a, b);
  if (!fits) undo_to(0);
  trail_.clear();
  return fits;
}
bool Unifier::all_assignable(const std::vector<TypeRef>& a, const std::vector<TypeRef>& b) {
  const bool fits = unify_all(a, b);
  if (!fits) undo_to(0);
  trail_.clear();
  return fits;
}

bool Unifier::unify_all(const std::vector<TypeRef>& a, const std::vector<TypeRef>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!unify(a[i], b[i])) return false;
  return true;
}

bool Unifier::unify(TypeRef a, TypeRef b) {
  if (is_param(b)) {
    const Fit fit = bind(a, b);
    if (fit != Fit::No) return fit == Fit::Yes;
  }
  if (is_param(a)) return bind(b, a) == Fit::Yes;
  if (is_dyn_or_error(a) || is_dyn_or_error(b)) return true;
  if (a->kind == TypeKind::Null) return takes_null(b);
  if (b->kind == TypeKind::Null) return takes_null(a);
  switch (a->kind) {
    case TypeKind::Type: return b->kind == TypeKind::Type;
    case TypeKind::Opaque:
    case TypeKind::List:
    case TypeKind::Map: return a->kind == b->kind && a->name == b->name && unify_all(a->params, b->params);
    default: return a->kind == b->kind && a->name == b->name;
  }
}

Unifier::Fit Unifier::bind(TypeRef type, TypeRef variable) {
  if (is_param(type) && type->name == variable->name) return Fit::Yes;
  const auto found = bound_.find(variable->name);
  if (found == bound_.end()) {
    if (occurs(variable, type)) return Fit::No;
    set(variable->name, type);
    return Fit::Yes;
  }
  const TypeRef now = found->second;
  if (same_type(type, now)) return Fit::Yes;
  const std::size_t mark = trail_.size();
  if (unify(type, now)) {
    const TypeRef general = most_general(type, now);
    if (!occurs(variable, general)) set(variable->name, general);
    return Fit::Yes;
  }
  undo_to(mark);
  return Fit::Bound;
}

bool Unifier::occurs(TypeRef variable, TypeRef within) const {
  if (is_param(within)) {
    if (within->name == variable->name) return true;
    const auto found = bound_.find(within->name);
    return found != bound_.end() && occurs(variable, found->second);
  }
  for (const TypeRef param : within->params)
    if (occurs(variable, param)) return true;
  return false;
}

TypeRef Unifier::substitute(TypeRef type, bool free_to_dyn) {
  if (is_param(type)) {
    const auto found = bound_.find(type->name);
    if (found != bound_.end()) return substitute(found->second, free_to_dyn);
    return free_to_dyn ? &types::dyn : type;
  }
  if (type->params.empty()) return type;
  std::vector<TypeRef> params;
  bool changed = false;
  for (const TypeRef param : type->params) {
    params.push_back(substitute(param, free_to_dyn));
    changed = changed || params.back() != param;
  }
  if (!changed) return type;
  Type copy = *type;
  copy.params = std::move(params);
  return &pool_.add(std::move(copy));
}

TypeRef Unifier::rename(TypeRef type, Names& names) {
  if (is_param(type)) {
    TypeRef& fresh_one = names[type->name];
    if (!fresh_one) fresh_one = fresh();
    return fresh_one;
  }
  if (type->params.empty()) return type;
  std::vector<TypeRef> params;
  bool changed = false;
  for (const TypeRef param : type->params) {
    params.push_back(rename(param, names));
    changed = changed || params.back() != param;
  }
  if (!changed) return type;
  Type copy = *type;
  copy.params = std::move(params);
  return &pool_.add(std::move(copy));
}

std::vector<TypeRef> Unifier::instantiate(const std::vector<TypeRef>& signature) {
  Names names;
  std::vector<TypeRef> made;
  made.reserve(signature.size());
  for (const TypeRef type : signature) made.push_back(rename(type, names));
  return made;
}

}  // namespace pintle::apimachinery::cel
