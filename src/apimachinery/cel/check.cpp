#include "apimachinery/cel/check.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "apimachinery/cel/parser.h"

namespace pintle::apimachinery::cel {
namespace {

// What is known of a value. Any: nothing.
enum class Known : uint8_t { Any, Null, Bool, Number, String, Bytes, List, Map };

// Names of types and namespaces of functions that need no declaration.
constexpr std::array<std::string_view, 26> builtin_names{
    "bool", "bytes", "double", "int",   "list", "map",     "null_type", "string", "type", "uint", "dyn",    "google", "optional",
    "cel",  "math",  "base64", "lists", "sets", "strings", "quantity",  "semver", "ip",   "cidr", "format", "Object", "JSONPatch"};

// name(x, ...): how many of the first arguments declare variables, by macro.
struct Macro {
  std::string_view name;
  std::size_t args;
  std::size_t variables;
};
constexpr std::array<Macro, 20> macros{{{"all", 2, 1},
                                        {"exists", 2, 1},
                                        {"exists_one", 2, 1},
                                        {"existsOne", 2, 1},
                                        {"map", 2, 1},
                                        {"map", 3, 1},
                                        {"filter", 2, 1},
                                        {"sortBy", 2, 1},
                                        {"optMap", 2, 1},
                                        {"optFlatMap", 2, 1},
                                        {"all", 3, 2},
                                        {"exists", 3, 2},
                                        {"exists_one", 3, 2},
                                        {"existsOne", 3, 2},
                                        {"transformList", 3, 2},
                                        {"transformList", 4, 2},
                                        {"transformMap", 3, 2},
                                        {"transformMap", 4, 2},
                                        {"transformMapEntry", 3, 2},
                                        {"transformMapEntry", 4, 2}}};

class Checker {
 public:
  explicit Checker(const Scope& environment) {
    for (const std::string_view name : environment.variables) declare(name);
  }

  Known visit(const Expr& expr) {
    if (!error_.empty()) return Known::Any;  // the first fault is the answer
    switch (expr.kind) {
      case Expr::Kind::Literal: return literal(expr.literal);
      case Expr::Kind::Ident: return ident(expr);
      case Expr::Kind::Select: visit(*expr.target); return Known::Any;
      case Expr::Kind::Call: return call(expr);
      case Expr::Kind::List: visit_all(expr); return Known::List;
      case Expr::Kind::Map: visit_all(expr); return Known::Map;
      case Expr::Kind::Struct: visit_all(expr); return expr.text.starts_with("Object") || expr.text == "JSONPatch" ? Known::Map : Known::Any;
    }
    return Known::Any;
  }
  const std::string& error() const { return error_; }

 private:
  static Known literal(LiteralType type) {
    switch (type) {
      case LiteralType::Null: return Known::Null;
      case LiteralType::Bool: return Known::Bool;
      case LiteralType::String: return Known::String;
      case LiteralType::Bytes: return Known::Bytes;
      default: return Known::Number;
    }
  }
  void visit_all(const Expr& expr) {
    for (const auto& arg : expr.args) visit(*arg);
  }
  void fail(std::string text) {
    if (error_.empty()) error_ = std::move(text);
  }
  void declare(std::string_view name) { ++declared_[name]; }
  void forget(std::string_view name) { --declared_[name]; }
  Known ident(const Expr& expr) {
    const auto declared = declared_.find(expr.text);
    const bool known = (declared != declared_.end() && declared->second > 0) ||
                       std::find(builtin_names.begin(), builtin_names.end(), expr.text) != builtin_names.end();
    if (!known) fail("undeclared reference to '" + expr.text + "' at offset " + std::to_string(expr.offset));
    return Known::Any;
  }

  Known call(const Expr& expr) {
    if (expr.target)
      return expr.target->kind == Expr::Kind::Ident && expr.target->text == "cel" && expr.text == "bind" ? bind(expr) : receiver_call(expr);
    if (expr.text == "has") return has(expr);
    std::vector<Known> known;
    for (const auto& arg : expr.args) known.push_back(visit(*arg));
    return result_of(expr, known);
  }

  Known has(const Expr& expr) {
    if (expr.args.size() != 1 || expr.args[0]->kind != Expr::Kind::Select) {
      fail("has() takes one selection of a field, as in has(object.spec)");
    } else {
      visit(*expr.args[0]);
    }
    return Known::Bool;
  }

  Known bind(const Expr& expr) {
    if (expr.args.size() != 3 || expr.args[0]->kind != Expr::Kind::Ident) {
      fail("cel.bind() takes a name, its value and an expression");
      return Known::Any;
    }
    visit(*expr.args[1]);
    declare(expr.args[0]->text);
    const Known known = visit(*expr.args[2]);
    forget(expr.args[0]->text);
    return known;
  }

  Known receiver_call(const Expr& expr) {
    visit(*expr.target);
    const auto macro = std::find_if(macros.begin(), macros.end(), [&](const Macro& m) { return m.name == expr.text && m.args == expr.args.size(); });
    if (macro == macros.end()) {
      visit_all(expr);
      constexpr std::array<std::string_view, 5> yes_or_no{"startsWith", "endsWith", "contains", "matches", "isSorted"};
      if (std::find(yes_or_no.begin(), yes_or_no.end(), expr.text) != yes_or_no.end()) return Known::Bool;
      return expr.text == "lowerAscii" || expr.text == "upperAscii" || expr.text == "trim" || expr.text == "join" ? Known::String : Known::Any;
    }
    for (std::size_t i = 0; i < macro->variables; ++i) {
      if (expr.args[i]->kind != Expr::Kind::Ident) fail("argument " + std::to_string(i + 1) + " of " + expr.text + "() must be a name");
      declare(expr.args[i]->text);
    }
    for (std::size_t i = macro->variables; i < expr.args.size(); ++i) visit(*expr.args[i]);
    for (std::size_t i = 0; i < macro->variables; ++i) forget(expr.args[i]->text);
    if (expr.text == "filter" || expr.text == "map" || expr.text == "sortBy") return expr.text == "map" ? Known::List : Known::Any;
    return expr.text.starts_with("all") || expr.text.starts_with("exists") ? Known::Bool : Known::Any;
  }

  Known result_of(const Expr& expr, const std::vector<Known>& known) {
    constexpr std::array<std::string_view, 7> relations{"<", "<=", ">=", ">", "==", "!=", "in"};
    const std::string& f = expr.text;
    const auto is = [&](std::size_t i, Known wanted) { return known[i] == Known::Any || known[i] == wanted; };
    if (f == "&&" || f == "||" || f == "!") {
      for (std::size_t i = 0; i < known.size(); ++i)
        if (!is(i, Known::Bool)) fail("no matching overload for '" + f + "'");
      return Known::Bool;
    }
    if (std::find(relations.begin(), relations.end(), f) != relations.end()) {
      const bool comparable =
          f == "in" ? is(1, Known::List) || is(1, Known::Map)
                    : known[0] == Known::Any || known[1] == Known::Any || known[0] == known[1] || known[0] == Known::Null || known[1] == Known::Null;
      if (!comparable) fail("no matching overload for '" + f + "'");
      return Known::Bool;
    }
    if (f == "?:") {
      if (!is(0, Known::Bool)) fail("the condition of '?:' must be a bool");
      return known[1] == known[2] ? known[1] : Known::Any;
    }
    if (f == "+" || f == "-" || f == "*" || f == "/" || f == "%") {
      if (known[0] != Known::Any && known[1] != Known::Any && known[0] != known[1]) fail("no matching overload for '" + f + "'");
      return known[0] == Known::Any ? (known[1] == Known::Number ? Known::Any : known[1]) : known[0];
    }
    if (f == "string") return Known::String;
    if (f == "bool") return Known::Bool;
    if (f == "size" || f == "int" || f == "uint" || f == "double") return Known::Number;
    return Known::Any;
  }

  std::unordered_map<std::string_view, int> declared_;  // how many times over, now
  std::string error_;
};

bool fits(Known known, ResultType wanted) {
  if (known == Known::Any) return true;
  switch (wanted) {
    case ResultType::Any: return true;
    case ResultType::Bool: return known == Known::Bool;
    case ResultType::String: return known == Known::String;
    case ResultType::StringOrNull: return known == Known::String || known == Known::Null;
    case ResultType::Object: return known == Known::Map;
    case ResultType::List: return known == Known::List;
  }
  return true;
}

std::string_view name_of(ResultType wanted) {
  switch (wanted) {
    case ResultType::Bool: return "bool";
    case ResultType::String: return "string";
    case ResultType::StringOrNull: return "string or null";
    case ResultType::Object: return "Object";
    case ResultType::List: return "list";
    case ResultType::Any: break;
  }
  return "any";
}

}  // namespace

Result<Unit> check(std::string_view expression, const Scope& environment) {
  auto parsed = parse(expression);
  if (!parsed) return Unexpected(parsed.error());
  Checker checker(environment);
  const Known known = checker.visit(**parsed);
  if (!checker.error().empty()) return Unexpected(bad_request(checker.error()));
  if (!fits(known, environment.wanted)) return Unexpected(bad_request("must evaluate to " + std::string(name_of(environment.wanted))));
  return Unit{};
}

}  // namespace pintle::apimachinery::cel
