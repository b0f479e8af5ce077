#include "apimachinery/cel/planner.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "apimachinery/cel/program.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr std::array<std::string_view, 10> conversions{"bool", "bytes", "double", "dyn", "duration", "int", "string", "timestamp", "type", "uint"};

class Planner {
 public:
  Planner(ProgramTables& program, std::string& error) : program_(program), error_(error) {}

  bool run() {
    program_.used.resize(program_.environment->variables.size());
    program_.root = plan(program_.tree.root);
    program_.result_type = program_.tree.root->type;
    return error_.empty();
  }

 private:
  Node& at(uint32_t i) { return program_.nodes[i]; }
  uint32_t add(Node node, const std::vector<uint32_t>& links = {}) {
    node.first = static_cast<uint32_t>(program_.links.size());
    node.count = static_cast<uint16_t>(std::min<std::size_t>(links.size(), UINT16_MAX));
    if (links.size() > UINT16_MAX) error_ = "a literal has more than " + std::to_string(UINT16_MAX) + " elements";
    program_.links.insert(program_.links.end(), links.begin(), links.end());
    program_.nodes.push_back(node);
    return static_cast<uint32_t>(program_.nodes.size() - 1);
  }
  uint32_t constant_index(Value v) {
    program_.constants.push_back(v);
    return static_cast<uint32_t>(program_.constants.size() - 1);
  }
  uint32_t constant(Value v) { return add({.op = Op::Constant, .a = constant_index(v)}); }
  bool is_constant(uint32_t i) { return at(i).op == Op::Constant; }
  Value constant_of(uint32_t i) { return program_.constants[at(i).a]; }

  uint32_t plan(const Expr* e) {
    switch (e->kind) {
      case Expr::Kind::Literal: return constant(e->constant);
      case Expr::Kind::Ident: return ident(e);
      case Expr::Kind::Select: return select(e);
      case Expr::Kind::Call: return call(e);
      case Expr::Kind::List: return list(e);
      case Expr::Kind::Map: return map(e);
      case Expr::Kind::Struct: return structure(e);
      case Expr::Kind::Loop: return loop(e);
    }
    return constant(Value::null());
  }

  struct Local {
    uint32_t place;
    uint32_t initial;  // an accumulator's node
  };
  uint32_t ident(const Expr* e) {
    if (e->named == Expr::Named::Constant) return constant(e->constant);
    if (e->named == Expr::Named::Variable) {
      program_.used[e->variable] = true;
      return add({.op = Op::Variable, .a = e->variable});
    }
    const auto found = locals_.find(e->name);
    if (found != locals_.end() && !found->second.empty()) {
      const Local& local = found->second.back();
      return add({.op = local.initial == none ? Op::Local : Op::Accumulator, .a = local.place, .b = local.initial});
    }
    return add({.op = Op::Unknown, .a = constant_index(Value::of(e->name))});
  }

  bool charged(uint32_t base) {
    const Node& node = at(base);
    if (node.op == Op::Conditional) return false;
    return node.op == Op::Select || node.op == Op::Index ? node.root_charged : true;
  }
  uint32_t select(const Expr* e) {
    const uint32_t base = plan(e->target);
    return add({.op = e->test_only ? Op::Has : Op::Select, .root_charged = charged(base), .a = constant_index(Value::of(e->name))}, {base});
  }

  uint32_t call(const Expr* e) {
    std::vector<uint32_t> args;
    if (e->target) args.push_back(plan(e->target));
    for (const Expr* arg : e->args) args.push_back(plan(arg));
    if (const auto special = special_call(e, args)) return *special;
    return ordinary_call(e, args);
  }

  std::optional<uint32_t> special_call(const Expr* e, const std::vector<uint32_t>& args) {
    const std::string_view f = e->name;
    if (e->target) {
      const std::string_view overload = overload_of(e);
      if (args.size() == 2 && f == "or" && (overload.empty() || overload == "optional_or_optional")) return add({.op = Op::OptionalOr}, args);
      if (args.size() == 2 && f == "orValue" && (overload.empty() || overload == "optional_orValue_value"))
        return add({.op = Op::OptionalOrValue}, args);
      return std::nullopt;
    }
    if (f == "_&&_") return add({.op = Op::And}, args);
    if (f == "_||_") return add({.op = Op::Or}, args);
    if (f == "_?_:_") return add({.op = Op::Conditional}, args);
    if (f == "_==_") return add({.op = Op::Equal}, args);
    if (f == "_!=_") return add({.op = Op::NotEqual}, args);
    if (f == "!_") return add({.op = Op::Not}, args);
    if (f == "@not_strictly_false") return add({.op = Op::NotStrictlyFalse}, args);
    if (f == "_[_]") return add({.op = Op::Index, .root_charged = charged(args[0])}, args);
    if (f == "_[?_]" || f == "_?._") return add({.op = Op::Index, .optional = true, .root_charged = charged(args[0])}, args);
    if (f == "@in" && overload_of(e) == "in_list" && is_constant(args[1])) return set_membership(args);
    if (args.size() == 1 && is_constant(args[0]) && std::find(conversions.begin(), conversions.end(), f) != conversions.end())
      return folded_conversion(e, args);
    return std::nullopt;
  }
  static std::string_view overload_of(const Expr* e) { return e->overloads.size() == 1 ? e->overloads[0]->id : std::string_view(); }

  // x in [constants] is looked up, at no cost.
  std::optional<uint32_t> set_membership(const std::vector<uint32_t>& args) {
    const List& list = constant_of(args[1]).as_list();
    if (list.size() == 0) return constant(Value::of(false));
    auto set = std::make_unique<MadeMap>();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Value v = list.at(i, program_.constants_arena);
      if (!is_key(v) && !v.is(Value::Kind::Double)) return std::nullopt;
      set->insert(v, Value::of(true));
    }
    program_.sets.push_back(std::move(set));
    return add({.op = Op::InSet, .a = static_cast<uint32_t>(program_.sets.size() - 1)}, {args[0]});
  }

  std::optional<uint32_t> folded_conversion(const Expr* e, const std::vector<uint32_t>& args) {
    static const EvaluationOptions options;
    const Value value = constant_of(args[0]);
    for (const Overload* overload : e->overloads) {
      if (!overload->call || overload->params.size() != 1 || !value_fits(value, overload->params[0], program_.constants_arena)) continue;
      const Value made = overload->call({{&value, 1}, program_.constants_arena, options});
      if (made.is_error()) {
        if (error_.empty()) error_ = made.as_error().message;
        return constant(value);
      }
      return constant(made);
    }
    return std::nullopt;
  }

  uint32_t ordinary_call(const Expr* e, const std::vector<uint32_t>& args) {
    CallSite site{.name = std::string(e->name), .cost = cost_rule(e->name, overload_of(e))};
    site.overloads.assign(e->overloads.begin(), e->overloads.end());
    site.in_order = args.size() > 2;
    for (const Overload* overload : site.overloads) {
      const auto pattern = static_cast<std::size_t>(overload->pattern_arg);
      if (overload->pattern_arg < 0 || pattern >= args.size() || !is_constant(args[pattern])) continue;
      const Value text = constant_of(args[pattern]);
      if (!text.is(Value::Kind::String)) continue;
      if (auto compiled = Pattern::compile(text.text())) {
        site.pattern = std::move(*compiled);
      } else if (error_.empty()) {
        error_ = compiled.error().message;
      }
    }
    program_.calls.push_back(std::move(site));
    return add({.op = Op::Call, .a = static_cast<uint32_t>(program_.calls.size() - 1)}, args);
  }

  uint32_t marks(std::span<const bool> optional) {
    if (optional.empty()) return none;
    program_.marks.emplace_back(optional.begin(), optional.end());
    return static_cast<uint32_t>(program_.marks.size() - 1);
  }

  uint32_t list(const Expr* e) {
    std::vector<uint32_t> links;
    bool all_constant = e->optional.empty();
    for (const Expr* element : e->args) {
      links.push_back(plan(element));
      all_constant = all_constant && is_constant(links.back());
    }
    if (!all_constant) return add({.op = Op::List, .a = marks(e->optional)}, links);
    std::vector<Value> values;
    for (const uint32_t link : links) values.push_back(constant_of(link));
    return constant(make_list(values, program_.constants_arena));
  }
  uint32_t map(const Expr* e) {
    std::vector<uint32_t> links;
    bool all_constant = e->optional.empty();
    for (const Expr* part : e->args) {
      links.push_back(plan(part));
      all_constant = all_constant && is_constant(links.back());
    }
    if (all_constant) {
      auto* made = program_.constants_arena.make<MadeMap>();
      bool good = true;
      for (std::size_t i = 0; i + 1 < links.size(); i += 2)
        good = good && is_key(constant_of(links[i])) && made->insert(constant_of(links[i]), constant_of(links[i + 1]));
      if (good) return constant(Value::of(*made));
    }
    return add({.op = Op::Map, .a = marks(e->optional)}, links);
  }
  uint32_t structure(const Expr* e) {
    std::vector<uint32_t> links;
    StructSite site{.type = &e->constant.as_type(), .names = {}};
    for (const Expr* value : e->args) links.push_back(plan(value));
    for (const std::string_view name : e->fields) site.names.push_back(Value::of(name));
    program_.structs.push_back(std::move(site));
    return add({.op = Op::Struct, .a = marks(e->optional), .b = static_cast<uint32_t>(program_.structs.size() - 1)}, links);
  }

  uint32_t loop(const Expr* e) {
    const Loop& parts = *e->loop;
    LoopSite site{};
    site.range = plan(parts.range);
    site.initial = plan(parts.initial);
    if (parts.accumulator == accumulator_name && is_constant(site.initial)) {  // a name that the expression may use, as bind() makes, must not change
      const Value v = constant_of(site.initial);
      site.grows = (v.is(Value::Kind::List) && v.as_list().size() == 0) || (v.is(Value::Kind::Map) && v.as_map().size() == 0);
    }
    site.accumulator = program_.locals++;
    locals_[parts.accumulator].push_back({site.accumulator, site.initial});
    site.first = program_.locals++;
    locals_[parts.variable].push_back({site.first, none});
    site.second = none;
    if (!parts.variable2.empty()) {
      site.second = program_.locals++;
      locals_[parts.variable2].push_back({site.second, none});
    }
    site.condition = plan(parts.condition);
    site.step = plan(parts.step);
    locals_[parts.variable].pop_back();
    if (!parts.variable2.empty()) locals_[parts.variable2].pop_back();
    site.result = plan(parts.result);
    locals_[parts.accumulator].pop_back();
    program_.loops.push_back(site);
    return add({.op = Op::Loop, .a = static_cast<uint32_t>(program_.loops.size() - 1)});
  }

  ProgramTables& program_;
  std::string& error_;
  std::unordered_map<std::string_view, std::vector<Local>> locals_;  // innermost last
};

}  // namespace

bool plan(ProgramTables& program, std::string& error) { return Planner(program, error).run(); }

}  // namespace pintle::apimachinery::cel
