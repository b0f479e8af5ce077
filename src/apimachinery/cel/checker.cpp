#include "apimachinery/cel/checker.h"

#include <unordered_map>

#include "apimachinery/cel/parser.h"
#include "apimachinery/cel/unifier.h"

namespace pintle::apimachinery::cel {
namespace {

class Checker {
 public:
  Checker(Tree& tree, const Environment::Tables& tables, TypePool& pool, std::vector<Issue>& issues, bool unchecked)
      : tree_(tree), tables_(tables), pool_(pool), issues_(issues), unchecked_(unchecked), unifier_(pool) {}

  void run() {
    check(tree_.root);
    settle(tree_.root);
  }

 private:
  void fail(uint32_t position, std::string message) {
    if (!unchecked_ && issues_.size() < issues_max) issues_.push_back(issue_at(tree_.text, position, std::move(message)));
  }
  void undeclared(const Expr* e, std::string_view name) {
    fail(e->position, "undeclared reference to '" + std::string(name) + "' (in container '" + tables_.container + "')");
  }
  void mismatch(const Expr* e, TypeRef expected, TypeRef found) {
    fail(e->position, "expected type '" + type_text(expected) + "' but found '" + type_text(found) + "'");
  }
  TypeRef now(TypeRef type) { return unifier_.substitute(type, false); }

  // Free variables become dyn once everything is known.
  void settle(Expr* e) {
    if (!e) return;
    if (e->type) e->type = unifier_.substitute(e->type, true);
    settle(e->target);
    for (Expr* arg : e->args) settle(arg);
    if (e->loop)
      for (Expr* part : {e->loop->range, e->loop->initial, e->loop->condition, e->loop->step, e->loop->result}) settle(part);
  }

  void check(Expr* e) {
    if (e->type) return;  // a node that a macro used twice
    switch (e->kind) {
      case Expr::Kind::Literal: e->type = literal_type(e->constant); break;
      case Expr::Kind::Ident: ident(e); break;
      case Expr::Kind::Select: select(e); break;
      case Expr::Kind::Call: call(e); break;
      case Expr::Kind::List: list(e); break;
      case Expr::Kind::Map: map(e); break;
      case Expr::Kind::Struct: structure(e); break;
      case Expr::Kind::Loop: loop(e); break;
    }
  }

  static TypeRef literal_type(const Value& v) {
    switch (v.kind()) {
      case Value::Kind::Null: return &types::null;
      case Value::Kind::Bool: return &types::boolean;
      case Value::Kind::Int: return &types::integer;
      case Value::Kind::Uint: return &types::uinteger;
      case Value::Kind::Double: return &types::floating;
      case Value::Kind::String: return &types::string;
      case Value::Kind::Bytes: return &types::bytes;
      default: return &types::error;
    }
  }

  // Whether the name is declared; the node becomes the name it stands for.
  bool resolve(Expr* e, std::string_view name) {
    for (const std::string& candidate : tables_.candidates(name)) {
      const auto locals = locals_.find(candidate);
      if (locals != locals_.end() && !locals->second.empty() && !name.starts_with('.')) {
        become(e, Expr::Named::Local, locals->first, locals->second.back());
        return true;
      }
      if (const auto found = tables_.variables.find(candidate); found != tables_.variables.end()) {
        become(e, Expr::Named::Variable, found->first, found->second.type);
        e->variable = static_cast<uint32_t>(found->second.place);
        return true;
      }
      if (const TypeRef type = tables_.find_type(candidate, pool_)) {
        become(e, Expr::Named::Constant, type->name, pool_.type_of(type));
        e->constant = Value::of(*type);
        return true;
      }
    }
    return false;
  }
  static void become(Expr* e, Expr::Named named, std::string_view name, TypeRef type) {
    e->kind = Expr::Kind::Ident;
    e->named = named;
    e->name = name;
    e->target = nullptr;
    e->type = type;
  }

  void ident(Expr* e) {
    if (resolve(e, e->name)) return;
    undeclared(e, e->name);
    e->type = &types::error;
  }

  // "a.b.c" of names alone; "" for anything else.
  static std::string qualified(const Expr* e) {
    std::vector<std::string_view> parts;
    for (; e->kind == Expr::Kind::Select && !e->test_only; e = e->target) parts.push_back(e->name);
    if (e->kind != Expr::Kind::Ident) return {};
    std::string name(e->name);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      name += '.';
      name += *part;
    }
    return name;
  }

  void select(Expr* e) {
    if (const std::string name = qualified(e); !name.empty() && resolve(e, name)) return;
    const TypeRef field = select_field(e, e->target, e->name, false);
    e->type = e->test_only ? &types::boolean : now(field);
  }
  TypeRef select_field(const Expr* e, Expr* operand, std::string_view field, bool optional) {
    check(operand);
    const TypeRef operand_type = now(operand->type);
    const bool was_optional = is_optional(operand_type);
    const TypeRef target = was_optional ? operand_type->params[0] : operand_type;
    TypeRef result = &types::error;
    switch (target->kind) {
      case TypeKind::Map: result = target->params[1]; break;
      case TypeKind::Struct:
        if (const TypeRef found = field_type(e->position, target, field)) result = found;
        break;
      case TypeKind::Param:
        unifier_.assignable(&types::dyn, target);
        result = &types::dyn;
        break;
      default:
        if (!is_dyn_or_error(target)) fail(e->position, "type '" + type_text(target) + "' does not support field selection");
        result = &types::dyn;
    }
    return was_optional || optional ? pool_.optional(result) : result;
  }
  TypeRef field_type(uint32_t position, TypeRef type, std::string_view field) {
    if (!type->fields) {
      fail(position, "unexpected failed resolution of '" + std::string(type->name) + "'");
      return nullptr;
    }
    const TypeRef found = type->fields->find(field).type;
    if (!found) fail(position, "undefined field '" + std::string(field) + "'");
    return found;
  }

  void call(Expr* e) {
    if (e->name == "_?._") {
      e->type = now(select_field(e, e->args[0], e->args[1]->constant.text(), true));
      check(e->args[1]);
      return;
    }
    for (Expr* arg : e->args) check(arg);
    std::string_view full;
    if (e->target) {
      const std::string prefix = qualified(e->target);
      if (!prefix.empty()) {
        if (const auto* found = tables_.find_function(prefix + "." + std::string(e->name), &full)) {
          e->target = nullptr;
          e->name = full;
          resolve_overload(e, *found);
          return;
        }
      }
      check(e->target);
    }
    const auto* found = tables_.find_function(e->name, &full);
    if (!found) {
      undeclared(e, e->name);
      e->type = &types::error;
      return;
    }
    e->name = full;
    resolve_overload(e, *found);
  }

  void resolve_overload(Expr* e, const std::vector<const Overload*>& overloads) {
    e->type = &types::error;
    std::vector<TypeRef> arguments;
    if (e->target) arguments.push_back(e->target->type);
    for (const Expr* arg : e->args) arguments.push_back(arg->type);
    if (unchecked_) {
      std::vector<const Overload*> all;
      for (const Overload* overload : overloads)
        if (overload->member == (e->target != nullptr) && overload->params.size() == arguments.size()) all.push_back(overload);
      keep_overloads(e, all);
      e->type = &types::dyn;
      return;
    }
    if (e->name == "_&&_" || e->name == "_||_") {
      for (const Expr* arg : e->args)
        if (!unifier_.assignable(arg->type, &types::boolean)) return mismatch(arg, &types::boolean, now(arg->type));
      keep_overloads(e, {overloads[0]});
      e->type = &types::boolean;
      return;
    }
    std::vector<const Overload*> fitting;
    TypeRef result = nullptr;
    for (const Overload* overload : overloads) {
      if (overload->member != (e->target != nullptr) || overload->params.size() != arguments.size()) continue;
      std::vector<TypeRef> signature{overload->result};
      signature.insert(signature.end(), overload->params.begin(), overload->params.end());
      signature = unifier_.instantiate(signature);
      const TypeRef made = signature[0];
      signature.erase(signature.begin());
      if (!unifier_.all_assignable(arguments, signature)) continue;
      fitting.push_back(overload);
      const TypeRef type = now(made);
      if (!result) {
        result = type;
      } else if (!is_dyn(result) && !same_type(type, result)) {
        result = &types::dyn;
      }
    }
    if (!result) return no_overload(e, arguments);
    keep_overloads(e, fitting);
    e->type = result;
  }
  void no_overload(const Expr* e, const std::vector<TypeRef>& arguments) {
    std::string signature;
    std::size_t first = 0;
    if (e->target) signature = type_text(unifier_.substitute(arguments[first++], true)) + ".";
    signature += '(';
    for (std::size_t i = first; i < arguments.size(); ++i) {
      if (i > first) signature += ", ";
      signature += type_text(unifier_.substitute(arguments[i], true));
    }
    fail(e->position, "found no matching overload for '" + std::string(e->name) + "' applied to '" + signature + ")'");
  }
  void keep_overloads(Expr* e, const std::vector<const Overload*>& fitting) {
    const Overload** to = static_cast<const Overload**>(tree_.arena.allocate(fitting.size() * sizeof(void*), alignof(void*)));
    std::copy(fitting.begin(), fitting.end(), to);
    e->overloads = {to, fitting.size()};
  }

  TypeRef join(TypeRef before, TypeRef type) {
    if (!before) return type;
    if (unifier_.assignable(before, type)) return Unifier::most_general(before, type);
    return &types::dyn;  // whether that is wanted, see literal_rules.h
  }
  TypeRef unwrapped(const Expr* e, TypeRef type) {
    if (is_optional(type)) return type->params[0];
    if (!is_dyn(type)) mismatch(e, pool_.optional(type), type);
    return type;
  }

  void list(Expr* e) {
    TypeRef element = nullptr;
    for (std::size_t i = 0; i < e->args.size(); ++i) {
      check(e->args[i]);
      TypeRef type = e->args[i]->type;
      if (!e->optional.empty() && e->optional[i]) type = unwrapped(e->args[i], now(type));
      element = join(element, type);
    }
    e->type = pool_.list(element ? element : unifier_.fresh());
  }
  void map(Expr* e) {
    TypeRef key = nullptr, value = nullptr;
    for (std::size_t i = 0; i < e->args.size(); i += 2) {
      check(e->args[i]);
      key = join(key, e->args[i]->type);
      Expr* held = e->args[i + 1];
      check(held);
      TypeRef type = held->type;
      if (!e->optional.empty() && e->optional[i / 2]) type = unwrapped(held, now(type));
      value = join(value, type);
    }
    e->type = key ? pool_.map(key, value) : pool_.map(unifier_.fresh(), unifier_.fresh());
  }

  void structure(Expr* e) {
    TypeRef found = nullptr;
    for (const std::string& candidate : tables_.candidates(e->name))
      if (!found) found = tables_.find_type(candidate, pool_);
    if (!found) {
      undeclared(e, e->name);
      e->type = &types::error;
      return;
    }
    e->name = found->name;
    e->constant = Value::of(*found);
    e->type = found;
    if (!found->fields) {
      fail(e->position, "'" + std::string(found->name) + "' is not a message type");
      e->type = &types::error;
    }
    for (std::size_t i = 0; i < e->args.size(); ++i) {
      Expr* value = e->args[i];
      check(value);
      const TypeRef declared = found->fields ? field_type(e->positions[i], found, e->fields[i]) : nullptr;
      TypeRef type = value->type;
      if (!e->optional.empty() && e->optional[i]) type = unwrapped(value, now(type));
      if (declared && !unifier_.assignable(declared, type))
        fail(e->positions[i], "expected type of field '" + std::string(e->fields[i]) + "' is '" + type_text(declared) + "' but provided type is '" +
                                  type_text(type) + "'");
    }
    // Well-known types make plain values: google.protobuf.Int64Value{value: 1} is an int.
    if (found->nullable || (found->fields && found->kind != TypeKind::Struct)) e->type = found;
  }

  void loop(Expr* e) {
    const Loop& parts = *e->loop;
    check(parts.range);
    check(parts.initial);
    const TypeRef range = now(parts.range->type);
    const TypeRef accumulated = parts.initial->type;
    locals_[parts.accumulator].push_back(accumulated);
    TypeRef first = &types::error, second = &types::error;
    switch (range->kind) {
      case TypeKind::List:
        first = parts.variable2.empty() ? range->params[0] : &types::integer;
        second = range->params[0];
        break;
      case TypeKind::Map:
        first = range->params[0];
        second = range->params[1];
        break;
      case TypeKind::Dyn:
      case TypeKind::Error:
      case TypeKind::Param:
        unifier_.assignable(&types::dyn, range);
        first = second = &types::dyn;
        break;
      default:
        fail(parts.range->position,
             "expression of type '" + type_text(range) + "' cannot be range of a comprehension (must be list, map, or dynamic)");
    }
    locals_[parts.variable].push_back(first);
    if (!parts.variable2.empty()) locals_[parts.variable2].push_back(second);
    check(parts.condition);
    expect(parts.condition, &types::boolean);
    check(parts.step);
    expect(parts.step, accumulated);
    locals_[parts.variable].pop_back();
    if (!parts.variable2.empty()) locals_[parts.variable2].pop_back();
    check(parts.result);
    locals_[parts.accumulator].pop_back();
    e->type = now(parts.result->type);
  }
  void expect(const Expr* e, TypeRef wanted) {
    if (!unifier_.assignable(wanted, e->type)) mismatch(e, now(wanted), now(e->type));
  }

  Tree& tree_;
  const Environment::Tables& tables_;
  TypePool& pool_;
  std::vector<Issue>& issues_;
  bool unchecked_;
  Unifier unifier_;
  std::unordered_map<std::string_view, std::vector<TypeRef>> locals_;  // innermost last
};

}  // namespace

void check_types(Tree& tree, const Environment::Tables& tables, TypePool& pool, std::vector<Issue>& issues, bool unchecked) {
  Checker(tree, tables, pool, issues, unchecked).run();
}

}  // namespace pintle::apimachinery::cel
