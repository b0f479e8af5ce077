#include "apimachinery/cel/macros.h"

#include <array>
#include <string>

namespace pintle::apimachinery::cel {
namespace {

bool has(uint32_t libraries, Library library) { return (libraries & static_cast<uint32_t>(library)) != 0; }

// Makes nodes at the place of the macro.
class Expander {
 public:
  explicit Expander(const MacroCall& call) : call_(call) {}

  MacroResult run() {
    const std::string_view f = call_.function;
    const std::size_t n = call_.args.size();
    if (!call_.target) {
      if (f == "has" && n == 1) return presence();
      return {};
    }
    const bool two = has(call_.libraries, Library::TwoVariables);
    if ((f == "all" || f == "exists" || f == "exists_one" || f == "existsOne") && n == 2) return quantifier(f);
    if (f == "map" && (n == 2 || n == 3)) return map_or_filter(n == 3 ? arg(1) : nullptr, arg(n - 1));
    if (f == "filter" && n == 2) return map_or_filter(arg(1), nullptr);
    if (has(call_.libraries, Library::Optionals) && (f == "optMap" || f == "optFlatMap") && n == 2) return opt_map(f == "optMap");
    if (two && (f == "all" || f == "exists" || f == "exists_one" || f == "existsOne") && n == 3) return quantifier(f);
    if (two && f.starts_with("transform") && (n == 3 || n == 4)) {
      if (f == "transformList") return transform("list");
      if (f == "transformMap") return transform("map");
      if (f == "transformMapEntry") return transform("entry");
    }
    const bool namespaced = call_.target->kind == Expr::Kind::Ident;
    if (has(call_.libraries, Library::Bindings) && f == "bind" && n == 3 && namespaced && call_.target->name == "cel") return bind();
    if (has(call_.libraries, Library::Lists) && f == "sortBy" && n == 2) return sort_by();
    if (has(call_.libraries, Library::Math) && namespaced && call_.target->name == "math" && (f == "greatest" || f == "least")) return extreme(f);
    return {};
  }

 private:
  Expr* arg(std::size_t i) const { return call_.args[i]; }
  Arena& arena() { return call_.tree.arena; }
  static MacroResult done(Expr* expr) { return {true, expr, {}, 0}; }
  static MacroResult fail(const Expr* at, std::string message) { return {true, nullptr, std::move(message), at->position}; }

  Expr* node(Expr::Kind kind) {
    Expr* made = arena().make<Expr>();
    made->kind = kind;
    made->position = call_.position;
    return made;
  }
  Expr* literal(Value value) {
    Expr* made = node(Expr::Kind::Literal);
    made->constant = value;
    return made;
  }
  Expr* ident(std::string_view name) {
    Expr* made = node(Expr::Kind::Ident);
    made->name = name;
    return made;
  }
  Expr* accumulator() { return ident(accumulator_name); }
  template <std::size_t n>
  std::span<Expr*> copy_of(const std::array<Expr*, n>& all) {
    Expr** to = static_cast<Expr**>(arena().allocate(n * sizeof(Expr*), alignof(Expr*)));
    std::copy(all.begin(), all.end(), to);
    return {to, n};
  }
  template <class... Args>
  Expr* call(std::string_view function, Args... args) {
    Expr* made = node(Expr::Kind::Call);
    made->name = function;
    if constexpr (sizeof...(args) > 0) made->args = copy_of(std::array<Expr*, sizeof...(args)>{args...});
    return made;
  }
  Expr* member_call(std::string_view function, Expr* target) {
    Expr* made = call(function);
    made->target = target;
    return made;
  }
  Expr* list(Expr* element = nullptr) {
    Expr* made = node(Expr::Kind::List);
    if (element) made->args = copy_of(std::array<Expr*, 1>{element});
    return made;
  }
  Expr* loop(Loop parts) {
    Expr* made = node(Expr::Kind::Loop);
    made->loop = arena().make<Loop>(parts);
    return made;
  }
  Expr* copy(const Expr* from) {
    if (!from || arena().exhausted()) return const_cast<Expr*>(from);  // the parser ends here
    Expr* made = arena().make<Expr>(*from);
    made->target = copy(from->target);
    if (!from->args.empty()) {
      Expr** to = static_cast<Expr**>(arena().allocate(from->args.size_bytes(), alignof(Expr*)));
      for (std::size_t i = 0; i < from->args.size(); ++i) to[i] = copy(from->args[i]);
      made->args = {to, from->args.size()};
    }
    if (const Loop* old = from->loop)
      made->loop = arena().make<Loop>(Loop{copy(old->range), old->variable, old->variable2, old->accumulator, copy(old->initial),
                                           copy(old->condition), copy(old->step), copy(old->result)});
    return made;
  }

  MacroResult presence() {
    if (arg(0)->kind != Expr::Kind::Select || arg(0)->test_only) return fail(arg(0), "invalid argument to has() macro");
    Expr* made = node(Expr::Kind::Select);
    made->test_only = true;
    made->target = arg(0)->target;
    made->name = arg(0)->name;
    return done(made);
  }

  // The names a loop binds; a fault if they are none.
  MacroResult variables(std::size_t count, std::string_view complaint, std::array<std::string_view, 2>& names) {
    for (std::size_t i = 0; i < count; ++i) {
      if (arg(i)->kind != Expr::Kind::Ident || arg(i)->name.starts_with('.')) return fail(arg(i), std::string(complaint));
      names[i] = arg(i)->name;
    }
    if (count == 2 && names[0] == names[1]) return fail(arg(1), "duplicate variable name: " + std::string(names[0]));
    for (std::size_t i = 0; i < count; ++i)
      if (names[i] == accumulator_name || names[i] == "__result__") return fail(arg(i), "iteration variable overwrites accumulator variable");
    return {};
  }

  MacroResult quantifier(std::string_view f) {
    const std::size_t count = call_.args.size() - 1;
    std::array<std::string_view, 2> names{};
    if (MacroResult bad = variables(count, "argument must be a simple name", names); bad.matched) return bad;
    Expr* predicate = arg(count);
    Loop parts{call_.target, names[0], names[1], accumulator_name, nullptr, nullptr, nullptr, nullptr};
    if (f == "all") {
      parts.initial = literal(Value::of(true));
      parts.condition = call("@not_strictly_false", accumulator());
      parts.step = call("_&&_", accumulator(), predicate);
      parts.result = accumulator();
    } else if (f == "exists") {
      parts.initial = literal(Value::of(false));
      parts.condition = call("@not_strictly_false", call("!_", accumulator()));
      parts.step = call("_||_", accumulator(), predicate);
      parts.result = accumulator();
    } else {
      parts.initial = literal(Value::of(0));
      parts.condition = literal(Value::of(true));
      parts.step = call("_?_:_", predicate, call("_+_", accumulator(), literal(Value::of(1))), accumulator());
      parts.result = call("_==_", accumulator(), literal(Value::of(1)));
    }
    return done(loop(parts));
  }

  // Without a transformation the elements themselves are kept.
  MacroResult map_or_filter(Expr* filter, Expr* transformation) {
    std::array<std::string_view, 2> names{};
    if (MacroResult bad = variables(1, "argument is not an identifier", names); bad.matched) return bad;
    Expr* step = call("_+_", accumulator(), list(transformation ? transformation : arg(0)));
    if (filter) step = call("_?_:_", filter, step, accumulator());
    return done(loop({call_.target, names[0], {}, accumulator_name, list(), literal(Value::of(true)), step, accumulator()}));
  }

  MacroResult transform(std::string_view into) {
    std::array<std::string_view, 2> names{};
    if (MacroResult bad = variables(2, "argument must be a simple name", names); bad.matched) return bad;
    const bool filtered = call_.args.size() == 4;
    Expr* value = arg(filtered ? 3 : 2);
    Expr* step = into == "list"  ? call("_+_", accumulator(), list(value))
                 : into == "map" ? call("cel.@mapInsert", accumulator(), ident(names[0]), value)
                                 : call("cel.@mapInsert", accumulator(), value);
    if (filtered) step = call("_?_:_", arg(2), step, accumulator());
    Expr* initial = into == "list" ? list() : node(Expr::Kind::Map);
    return done(loop({call_.target, names[0], names[1], accumulator_name, initial, literal(Value::of(true)), step, accumulator()}));
  }

  // A loop over nothing whose accumulator is the name.
  Expr* bound(std::string_view name, Expr* value, Expr* result) {
    return loop({list(), unused_variable, {}, name, value, literal(Value::of(false)), ident(name), result});
  }
  MacroResult bind() {
    if (arg(0)->kind != Expr::Kind::Ident) return fail(arg(0), "cel.bind() variable names must be simple identifiers");
    return done(bound(arg(0)->name, arg(1), arg(2)));
  }
  MacroResult opt_map(bool wrap) {
    if (arg(0)->kind != Expr::Kind::Ident)
      return fail(arg(0), (wrap ? std::string("optMap()") : std::string("optFlatMap()")) + " variable name must be a simple identifier");
    Expr* value = bound(arg(0)->name, member_call("value", copy(call_.target)), arg(1));
    if (wrap) value = call("optional.of", value);
    return done(call("_?_:_", member_call("hasValue", call_.target), value, call("optional.none")));
  }

  // The keys are computed once, beside the list that they sort.
  MacroResult sort_by() {
    if (arg(0)->kind != Expr::Kind::Ident) return fail(arg(0), "argument must be a simple name");
    const std::string_view name = arg(0)->name;
    if (name == accumulator_name || name == "__result__") return fail(arg(0), "iteration variable overwrites accumulator variable");
    constexpr std::string_view input = "@__sortBy_input__";
    Expr* keys =
        loop({ident(input), name, {}, accumulator_name, list(), literal(Value::of(true)), call("_+_", accumulator(), list(arg(1))), accumulator()});
    Expr* sorted = member_call("@sortByAssociatedKeys", ident(input));
    sorted->args = copy_of(std::array<Expr*, 1>{keys});
    return done(bound(input, call_.target, sorted));
  }

  MacroResult extreme(std::string_view f) {
    const std::string name = "math." + std::string(f);
    if (call_.args.empty()) return fail(call_.target, name + "() requires at least one argument");
    const auto numeric = [](const Expr* e) {
      switch (e->kind) {
        case Expr::Kind::Literal: return e->constant.is(Value::Kind::Int) || e->constant.is(Value::Kind::Uint) || e->constant.is(Value::Kind::Double);
        case Expr::Kind::List:
        case Expr::Kind::Map:
        case Expr::Kind::Struct: return false;
        default: return true;
      }
    };
    const std::string_view function = f == "greatest" ? "math.@max" : "math.@min";
    if (call_.args.size() == 1) {
      bool good = numeric(arg(0));
      if (arg(0)->kind == Expr::Kind::List) {
        good = !arg(0)->args.empty();
        for (const Expr* e : arg(0)->args) good = good && numeric(e);
      }
      if (!good) return fail(arg(0), name + "() invalid single argument value");
      return done(call(function, arg(0)));
    }
    for (const Expr* e : call_.args)
      if (!numeric(e)) return fail(e, name + "() simple literal arguments must be numeric");
    if (call_.args.size() == 2) return done(call(function, arg(0), arg(1)));
    Expr* all = node(Expr::Kind::List);
    all->args = call_.args;
    return done(call(function, all));
  }

  const MacroCall& call_;
};

}  // namespace

MacroResult expand_macro(const MacroCall& call) { return Expander(call).run(); }

}  // namespace pintle::apimachinery::cel
