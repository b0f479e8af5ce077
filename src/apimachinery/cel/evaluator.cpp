// Runs a program. Costs are charged where upstream's interpreter observes a step: a chain of selections and indexes is one step for each
// link and one for the whole; names that a ?: yields are free; constants are free.
#include <array>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/cel/program_tables.h"

namespace pintle::apimachinery::cel {

namespace {
bool is_any(TypeRef type) { return type->kind == TypeKind::Dyn || type->kind == TypeKind::Param; }
}  // namespace

bool value_fits(const Value& v, TypeRef param, Arena& arena) {
  using Kind = Value::Kind;
  switch (param->kind) {
    case TypeKind::Dyn:
    case TypeKind::Param:
    case TypeKind::Error: return true;
    case TypeKind::Null: return v.is(Kind::Null);
    case TypeKind::Bool: return v.is(Kind::Bool);
    case TypeKind::Int: return v.is(Kind::Int);
    case TypeKind::Uint: return v.is(Kind::Uint);
    case TypeKind::Double: return v.is(Kind::Double);
    case TypeKind::String: return v.is(Kind::String);
    case TypeKind::Bytes: return v.is(Kind::Bytes);
    case TypeKind::Timestamp: return v.is(Kind::Timestamp);
    case TypeKind::Duration: return v.is(Kind::Duration);
    case TypeKind::List:
      if (!v.is(Kind::List)) return false;
      return is_any(param->params[0]) || param->params[0]->kind == TypeKind::List || v.as_list().size() == 0 ||
             value_fits(v.as_list().at(0, arena), param->params[0], arena);
    case TypeKind::Map:
      if (!v.is(Kind::Map)) return false;
      return is_any(param->params[0]) || v.as_map().size() == 0 || value_fits(v.as_map().key_at(0, arena), param->params[0], arena);
    case TypeKind::Type: return v.is(Kind::Type);
    case TypeKind::Struct:
    case TypeKind::Opaque:
      if (v.is(Kind::Opaque)) return v.as_opaque().type().name == param->name;
      if (v.is(Kind::Optional)) return is_optional(param);
      return v.is(Kind::Map) && v.as_map().object_type() && v.as_map().object_type()->name == param->name;
  }
  return false;
}

namespace {

constexpr ErrorInfo cost_exceeded{Failure::CostLimit, "operation cancelled: actual cost limit exceeded"};
constexpr ErrorInfo memory_exceeded{Failure::Memory, "operation cancelled: memory limit exceeded"};
constexpr ErrorInfo interrupted{Failure::Interrupted, "operation interrupted"};
constexpr ErrorInfo no_overload{Failure::Evaluation, "no such overload"};
constexpr uint32_t steps_between_checks = 1024;

class Evaluator {
 public:
  Evaluator(const ProgramTables& program, std::span<const Value> variables, Arena& arena, const EvaluationOptions& options)
      : program_(program), variables_(variables), arena_(arena), options_(options) {
    if (program.locals > inline_locals) {
      locals_ = static_cast<Value*>(arena.allocate(program.locals * sizeof(Value), alignof(Value)));
      std::uninitialized_fill_n(locals_, program.locals, Value());
    }
  }

  Outcome run() {
    Value v = eval(program_.root);
    if (aborted_) v = Value::error(*aborted_);
    return {v, cost_};
  }

 private:
  const Node& node(uint32_t i) const { return program_.nodes[i]; }
  uint32_t link(const Node& n, uint32_t i) const { return program_.links[n.first + i]; }

  void charge(uint64_t cost) {
    cost_ = cost > UINT64_MAX - cost_ ? UINT64_MAX : cost_ + cost;
    if (cost_ > options_.cost_max && !aborted_) aborted_ = &cost_exceeded;
  }
  // Whether to go on; what is too dear to ask at every step is asked once in a while.
  bool goes_on() {
    if (aborted_) return false;
    if (arena_.exhausted()) {
      aborted_ = &memory_exceeded;
    } else if (++steps_ % steps_between_checks == 0 && options_.interrupted && options_.interrupted(options_.interrupted_context)) {
      aborted_ = &interrupted;
    }
    return !aborted_;
  }
  Value stopped() const { return Value::error(*aborted_); }
  Value fail(std::string_view message) { return Value::error(arena_, message); }

  // The value of a step, with the cost of it as a whole.
  Value eval(uint32_t i) {
    const Node& n = node(i);
    switch (n.op) {
      case Op::Constant: return program_.constants[n.a];
      case Op::Variable:
      case Op::Unknown:
      case Op::Local:
      case Op::Accumulator: {
        const Value v = resolve(i);
        charge(access_cost);
        return v;
      }
      case Op::Select:
      case Op::Index: {
        const Value v = resolve(i);
        if (n.root_charged) charge(access_cost);
        return v;
      }
      case Op::Has: return has(n);
      case Op::And: return logical(n, false);
      case Op::Or: return logical(n, true);
      case Op::Conditional: return conditional(n);
      case Op::Equal:
      case Op::NotEqual: return equality(n);
      case Op::Not: return negation(n);
      case Op::NotStrictlyFalse: {
        const Value v = eval(link(n, 0));
        charge(1);
        return Value::of(!v.is_false());
      }
      case Op::InSet: {
        const Value v = eval(link(n, 0));
        if (v.is_error()) return v;
        if (!is_key(v) && !v.is(Value::Kind::Double)) return Value::of(false);
        return Value::of(program_.sets[n.a]->get(v) != nullptr);
      }
      case Op::OptionalOr:
      case Op::OptionalOrValue: {
        const Value v = eval(link(n, 0));
        if (v.is_error()) return v;
        if (!v.is(Value::Kind::Optional)) return Value::error(no_overload);
        if (!v.held()) return eval(link(n, 1));
        return n.op == Op::OptionalOr ? v : *v.held();
      }
      case Op::Call: return call(n);
      case Op::List: return list(n);
      case Op::Map: return map(n);
      case Op::Struct: return structure(n);
      case Op::Loop: return loop(program_.loops[n.a]);
    }
    return Value::error(no_overload);
  }

  // The value of a name or a chain as part of a longer chain: without the cost of the whole.
  Value resolve(uint32_t i) {
    const Node& n = node(i);
    switch (n.op) {
      case Op::Variable: return variable(n.a);
      case Op::Unknown: return unknown_name(n);
      case Op::Local: return locals_[n.a];
      case Op::Accumulator: return accumulator(n);
      case Op::Select: {
        const Value base = resolve(link(n, 0));
        if (base.is_error()) return base;
        return qualify(base, program_.constants[n.a], false);
      }
      case Op::Index: {
        const Value base = resolve(link(n, 0));
        if (base.is_error()) return base;
        if (base.is(Value::Kind::Optional) && !base.held()) return base;
        const Value index = resolve(link(n, 1));
        if (index.is_error()) {
          charge(access_cost);
          return index;
        }
        return qualify(base, index, n.optional);
      }
      default: return eval(i);
    }
  }

  Value variable(uint32_t place) {
    const Value v = place < variables_.size() ? variables_[place] : Value();
    if (!v.is(Value::Kind::Absent)) return v;
    for (const auto& [name, declared] : program_.environment->variables)
      if (declared.place == place) return fail("no such attribute(s): " + name);
    return fail("no such attribute(s)");
  }
  Value unknown_name(const Node& n) {
    return fail("undeclared reference to '" + std::string(program_.constants[n.a].text()) + "' (in container '" + program_.environment->container +
                "')");
  }
  Value accumulator(const Node& n) {
    Value& at = locals_[n.a];
    if (at.is(Value::Kind::Absent)) {
      const Value initial = eval(n.b);
      at = initial;
    }
    return at;
  }

  // One link of a chain. Optional values pass through: their links make optional values again.
  Value qualify(const Value& base, const Value& key, bool optional) {
    const bool was_optional = base.is(Value::Kind::Optional);
    if (was_optional && !base.held()) return base;
    const Value& target = was_optional ? *base.held() : base;
    const bool lenient = optional || was_optional;
    if (!goes_on()) return stopped();
    std::optional<Value> found;
    const Value problem = look_up(target, key, found, lenient);
    if (problem.is_error() && !(lenient && !found && missing_)) {
      charge(access_cost);
      return problem;
    }
    if (!found) return Value::none();
    charge(access_cost);
    if (found->is_error()) return *found;
    return lenient ? Value::optional(*found, arena_) : *found;
  }

  // An error: nothing found; `missing_` says that the key is just not there.
  Value look_up(const Value& target, const Value& key, std::optional<Value>& found, bool quiet) {
    missing_ = false;
    if (target.is(Value::Kind::Map)) {
      found = target.as_map().find(key, arena_);
      if (found) return Value();
      missing_ = true;
      return quiet ? Value::error(no_overload) : fail("no such key: " + display(key, arena_));
    }
    if (target.is(Value::Kind::List)) {
      const auto index = index_of(key);
      if (!index) return fail("unsupported index type '" + std::string(type_of(key).name) + "' in list");
      if (*index >= 0 && static_cast<uint64_t>(*index) < target.as_list().size()) {
        found = target.as_list().at(static_cast<std::size_t>(*index), arena_);
        return Value();
      }
      missing_ = true;
      return fail("index out of bounds: " + display(key, arena_));
    }
    missing_ = !program_.environment->options.strict_presence;
    return fail("no such key: " + display(key, arena_));
  }
  static std::optional<int64_t> index_of(const Value& key) {
    switch (key.kind()) {
      case Value::Kind::Int: return key.as_int();
      case Value::Kind::Uint: return key.as_uint() <= INT64_MAX ? static_cast<int64_t>(key.as_uint()) : INT64_MAX;
      case Value::Kind::Double: {
        const double d = key.as_double();
        if (!(d >= -9e18 && d <= 9e18) || d != static_cast<double>(static_cast<int64_t>(d))) return std::nullopt;
        return static_cast<int64_t>(d);
      }
      default: return std::nullopt;
    }
  }

  Value has(const Node& n) {
    const Value base = resolve(link(n, 0));
    if (base.is_error()) return base;
    if (base.is(Value::Kind::Optional) && !base.held()) return Value::of(false);
    const Value& target = base.is(Value::Kind::Optional) ? *base.held() : base;
    charge(access_cost);
    if (!goes_on()) return stopped();
    std::optional<Value> found;
    const Value problem = look_up(target, program_.constants[n.a], found, true);
    if (problem.is_error() && !missing_) return problem;
    return Value::of(found.has_value());
  }

  // && with `decides` false, || with true: the first term that decides is the answer, even if others fail.
  Value logical(const Node& n, bool decides) {
    Value error;
    for (uint32_t i = 0; i < n.count; ++i) {
      const Value v = eval(link(n, i));
      if (aborted_) return stopped();
      if (v.is(Value::Kind::Bool)) {
        if (v.as_bool() == decides) return v;
      } else if (!error.is_error()) {
        error = v.is_error() ? v : Value::error(no_overload);
      }
    }
    return error.is_error() ? error : Value::of(!decides);
  }
  Value conditional(const Node& n) {
    const Value condition = eval(link(n, 0));
    if (condition.is_error()) return condition;
    if (!condition.is(Value::Kind::Bool)) return Value::error(no_overload);
    return resolve(link(n, condition.as_bool() ? 1 : 2));
  }
  Value equality(const Node& n) {
    const std::array<Value, 2> args{eval(link(n, 0)), eval(link(n, 1))};
    if (!goes_on()) return stopped();
    Value result = args[0].is_error() ? args[0] : args[1].is_error() ? args[1] : equals(args[0], args[1], arena_);
    charge(call_cost(n.op == Op::Equal ? CostRule::Equality : CostRule::SmallerSize, args, result, arena_));
    if (n.op == Op::NotEqual && result.is(Value::Kind::Bool)) result = Value::of(!result.as_bool());
    return result;
  }
  Value negation(const Node& n) {
    const Value v = eval(link(n, 0));
    charge(1);
    if (v.is_error()) return v;
    return v.is(Value::Kind::Bool) ? Value::of(!v.as_bool()) : Value::error(no_overload);
  }

  Value call(const Node& n) {
    const CallSite& site = program_.calls[n.a];
    std::array<Value, 4> few;
    std::span<Value> args(few.data(), n.count);
    if (n.count > few.size()) args = {static_cast<Value*>(arena_.allocate(n.count * sizeof(Value), alignof(Value))), n.count};
    Value error;
    for (uint32_t i = 0; i < n.count; ++i) {
      new (&args[i]) Value(eval(link(n, i)));
      if (!args[i].is_error() || error.is_error()) continue;
      error = args[i];
      if (site.in_order) return error;
    }
    if (!goes_on()) return stopped();
    // What a call costs is known before it is made, mostly: one that is too dear never begins.
    const bool by_result = depends_on_result(site.cost);
    if (!by_result) {
      charge(call_cost(site.cost, args, error, arena_));
      if (aborted_) return stopped();
    }
    Value result = error.is_error() ? error : dispatch(site, args);
    if (by_result) charge(call_cost(site.cost, args, result, arena_));
    if (result.is_error() && result.as_error().failure != Failure::Evaluation && !aborted_) aborted_ = &result.as_error();
    return result;
  }
  Value dispatch(const CallSite& site, std::span<const Value> args) {
    for (const Overload* overload : site.overloads) {
      bool fits = overload->params.size() == args.size() && overload->call;
      for (std::size_t i = 0; fits && i < args.size(); ++i) fits = value_fits(args[i], overload->params[i], arena_);
      if (fits) return overload->call({args, arena_, options_, site.pattern ? &*site.pattern : nullptr});
    }
    return Value::error(no_overload);
  }

  // An entry that is marked [?x] holds an optional value: its content, or nothing. false: `v` is an error.
  bool unwrap(const Node& n, std::size_t i, Value& v, bool& present) {
    present = true;
    if (n.a == none || !program_.marks[n.a][i]) return true;
    if (!v.is(Value::Kind::Optional)) {
      v = fail("cannot initialize optional " + std::string(n.op == Op::List ? "list element" : "entry") + " from non-optional value " +
               display(v, arena_));
      return false;
    }
    present = v.held() != nullptr;
    if (present) v = *v.held();
    return true;
  }

  Value list(const Node& n) {
    auto* values = static_cast<Value*>(arena_.allocate(n.count * sizeof(Value), alignof(Value)));
    std::size_t size = 0;
    Value error;
    for (uint32_t i = 0; i < n.count && !error.is_error(); ++i) {
      Value v = eval(link(n, i));
      bool present = true;
      if (v.is_error() || !unwrap(n, i, v, present)) {
        error = v;
      } else if (present) {
        new (&values[size++]) Value(v);
      }
    }
    charge(list_cost);
    if (!goes_on()) return stopped();
    return error.is_error() ? error : Value::of(*arena_.make<SpanList>(std::span<const Value>(values, size)));
  }

  Value map(const Node& n) {
    auto* made = arena_.make<MadeMap>();
    Value error;
    for (uint32_t i = 0; i < n.count && !error.is_error(); i += 2) {
      const Value key = eval(link(n, i));
      if (key.is_error()) {
        error = key;
        break;
      }
      Value v = eval(link(n, i + 1));
      bool present = true;
      if (v.is_error() || !unwrap(n, i / 2, v, present)) {
        error = v;
      } else if (!is_key(key)) {
        error = fail("unsupported key type: " + std::string(type_of(key).name));
      } else if (present && !made->insert(key, v)) {
        error = fail("Failed with repeated key: " + display(key, arena_));
      }
    }
    charge(map_cost);
    if (!goes_on()) return stopped();
    return error.is_error() ? error : Value::of(*made);
  }

  Value structure(const Node& n) {
    const StructSite& site = program_.structs[n.b];
    std::vector<Entry> fields;
    Value error;
    for (uint32_t i = 0; i < n.count && !error.is_error(); ++i) {
      Value v = eval(link(n, i));
      bool present = true;
      if (v.is_error() || !unwrap(n, i, v, present)) {
        error = v;
      } else if (present) {
        fields.push_back({site.names[i], v});
      }
    }
    charge(struct_cost);
    if (!goes_on()) return stopped();
    return error.is_error() ? error : make_object(site.type, fields, arena_);
  }

  Value loop(const LoopSite& site) {
    const Value range = eval(site.range);
    if (range.is_error()) return range;
    const bool is_map = range.is(Value::Kind::Map);
    if (!is_map && !range.is(Value::Kind::List)) {
      return fail("got '" + std::string(type_of(range).name) + "', expected iterable type");
    }
    begin(site);
    const std::size_t size = is_map ? range.as_map().size() : range.as_list().size();
    for (std::size_t i = 0; i < size; ++i) {
      if (!goes_on()) return stopped();
      bind(site, range, is_map, i);
      const Value condition = eval(site.condition);
      if (condition.is(Value::Kind::Bool) && !condition.as_bool()) break;
      const Value accumulated = eval(site.step);
      locals_[site.accumulator] = accumulated;
    }
    if (!goes_on()) return stopped();
    Value result = eval(site.result);
    if (site.grows) result = grown(result);
    return result;
  }
  void begin(const LoopSite& site) {
    locals_[site.accumulator] = Value();
    if (!site.grows) return;
    if (program_.constants[node(site.initial).a].is(Value::Kind::List)) {
      auto* list = arena_.make<MadeList>();
      list->growing = true;
      locals_[site.accumulator] = Value::of(*list);
    } else {
      auto* map = arena_.make<MadeMap>();
      map->growing = true;
      locals_[site.accumulator] = Value::of(*map);
    }
  }
  void bind(const LoopSite& site, const Value& range, bool is_map, std::size_t i) {
    Value& first = locals_[site.first];
    if (is_map) {
      first = range.as_map().key_at(i, arena_);
      if (site.second != none) locals_[site.second] = range.as_map().value_at(i, arena_);
    } else if (site.second != none) {
      first = Value::of(static_cast<int64_t>(i));
      locals_[site.second] = range.as_list().at(i, arena_);
    } else {
      first = range.as_list().at(i, arena_);
    }
  }
  // What a loop has made is final.
  static Value grown(const Value& v) {
    if (v.is(Value::Kind::List)) {
      if (auto* list = dynamic_cast<const MadeList*>(&v.as_list())) const_cast<MadeList*>(list)->growing = false;
    } else if (v.is(Value::Kind::Map)) {
      if (auto* map = dynamic_cast<const MadeMap*>(&v.as_map())) const_cast<MadeMap*>(map)->growing = false;
    }
    return v;
  }

  static constexpr std::size_t inline_locals = 16;
  const ProgramTables& program_;
  std::span<const Value> variables_;
  Arena& arena_;
  const EvaluationOptions& options_;
  std::array<Value, inline_locals> few_locals_;
  Value* locals_ = few_locals_.data();
  uint64_t cost_ = 0;
  uint32_t steps_ = 0;
  bool missing_ = false;
  const ErrorInfo* aborted_ = nullptr;
};

}  // namespace

Outcome Program::evaluate(std::span<const Value> variables, Arena& arena, const EvaluationOptions& options) const {
  return Evaluator(*tables_, variables, arena, options).run();
}

TypeRef Program::result_type() const { return tables_->result_type; }

bool Program::uses(std::size_t variable) const { return variable < tables_->used.size() && tables_->used[variable]; }

}  // namespace pintle::apimachinery::cel
