#include "apimachinery/cel/parser.h"

#include <algorithm>
#include <array>

#include "apimachinery/cel/lexer.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/macros.h"
#include "base/parse_number.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr std::array<std::string_view, 4> literal_words{"true", "false", "null", "in"};
constexpr std::array<std::string_view, 17> reserved_words{"as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
                                                          "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
constexpr std::string_view operand_set =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
constexpr std::string_view index_set =
    "{'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Depth {
  explicit Depth(int& depth) : depth_(depth) { ++depth_; }
  ~Depth() { --depth_; }
  int& depth_;
};

class Parser {
 public:
  Parser(const ParseOptions& options, Tree& tree, std::vector<Issue>& issues) : options_(options), tree_(tree), issues_(issues) {}

  bool run() {
    Tokens tokens = tokenize(tree_.text);
    tokens_ = std::move(tokens.all);
    for (const std::string_view unknown : tokens.unknown)
      report(position_of(static_cast<std::size_t>(unknown.data() - tree_.text.data())),
             "Syntax error: token recognition error at: '" + std::string(unknown) + "'");
    Expr* root = expression();
    if (root && now().type != TokenType::End) trailing();
    tree_.root = root;
    return root && issues_.empty();
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  bool is_sign(std::string_view sign) const { return now().type == TokenType::Sign && now().text == sign; }
  bool take(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++at_;
    return true;
  }
  // Code points before a byte. Tokens come in order, so that counting goes on from the last place.
  uint32_t position_of(std::size_t offset) {
    if (offset < counted_bytes_) counted_bytes_ = counted_points_ = 0;
    counted_points_ += code_points(std::string_view(tree_.text).substr(counted_bytes_, offset - counted_bytes_));
    counted_bytes_ = offset;
    return static_cast<uint32_t>(counted_points_);
  }
  uint32_t here() { return position_of(now().offset); }
  void report(uint32_t position, std::string message) {
    if (issues_.size() < issues_max) issues_.push_back(issue_at(tree_.text, position, std::move(message)));
  }
  static bool begins_operand(const Token& token) {
    if (token.type != TokenType::Sign) return token.type != TokenType::End && token.type != TokenType::QuotedIdent && token.text != "in";
    return std::string_view("[{(.-!").find(token.text) != std::string_view::npos;
  }
  Expr* syntax_error(std::string_view wanted) {
    if (failed_) return nullptr;
    failed_ = true;
    const std::string found = now().type == TokenType::End ? "<EOF>" : std::string(now().text);
    if (wanted == operand_set && now().type != TokenType::End && begins_operand(tokens_[at_ + 1])) {
      report(here(), "Syntax error: extraneous input '" + found + "' expecting " + std::string(wanted));
      return nullptr;
    }
    report(here(), "Syntax error: mismatched input '" + found + "' expecting " + std::string(wanted));
    return nullptr;
  }
  // One token too many is told from more of them.
  void trailing() {
    if (tokens_[at_ + 1].type != TokenType::End) {
      syntax_error("<EOF>");
      return;
    }
    if (failed_) return;
    failed_ = true;
    report(here(), "Syntax error: extraneous input '" + std::string(now().text) + "' expecting <EOF>");
  }
  Expr* too_deep() {
    if (!failed_) issues_.push_back({0, 0, "expression recursion limit exceeded: " + std::to_string(nesting_max)});
    failed_ = true;
    return nullptr;
  }
  Expr* too_large() {
    if (!failed_) issues_.push_back({0, 0, "expression exceeds " + std::to_string(tree_bytes_max) + " bytes when its macros are expanded"});
    failed_ = true;
    return nullptr;
  }
  bool expect(std::string_view sign) {
    if (take(sign)) return true;
    if (sign == ")" && now().type == TokenType::End && !failed_) {
      failed_ = true;
      report(here(), "Syntax error: missing ')' at '<EOF>'");
    }
    syntax_error(sign == "]" ? "{']', ','}" : sign == "}" ? "{'}', ','}" : "'" + std::string(sign) + "'");
    return false;
  }
  // A fault that is no matter of syntax: parsing goes on.
  Expr* fault(uint32_t position, std::string message) {
    report(position, std::move(message));
    Expr* made = make(Expr::Kind::Literal, position);
    made->is_error = true;
    made->constant = Value::null();
    return made;
  }

  Expr* make(Expr::Kind kind, uint32_t position) {
    Expr* made = tree_.arena.make<Expr>();
    made->kind = kind;
    made->position = position;
    return made;
  }
  template <class T>
  std::span<T> copied(const std::vector<T>& all) {
    T* to = static_cast<T*>(tree_.arena.allocate(all.size() * sizeof(T), alignof(T)));
    std::copy(all.begin(), all.end(), to);
    return {to, all.size()};
  }
  Expr* call(std::string_view function, uint32_t position, const std::vector<Expr*>& args) {
    Expr* made = make(Expr::Kind::Call, position);
    made->name = function;
    made->args = copied(args);
    return deepen(made);
  }
  // Walkers are recursive. Chains nest without nesting_max seeing it.
  Expr* deepen(Expr* expr) { return deepen(expr, expr->target, expr->args, 1); }
  Expr* deepen(Expr* expr, const Expr* target, std::span<Expr*> args, int levels) {
    int below = target ? target->depth : 0;
    for (const Expr* arg : args) below = std::max<int>(below, arg->depth);
    expr->depth = static_cast<uint16_t>(below + levels);
    return expr->depth > tree_depth_max ? too_deep() : expr;
  }

  Expr* expression() {
    const Depth depth(depth_);
    if (depth_ > nesting_max) return too_deep();
    Expr* condition = logical(true);
    if (!condition || !is_sign("?")) return condition;
    const uint32_t position = here();
    ++at_;
    Expr* yes = logical(true);
    if (!yes || !expect(":")) return nullptr;
    Expr* no = expression();
    return no ? call("_?_:_", position, {condition, yes, no}) : nullptr;
  }

  // Terms of || and && hang in a balanced tree: upstream does so, and what a short circuit may save follows from it.
  Expr* logical(bool is_or) {
    std::vector<Expr*> terms;
    std::vector<uint32_t> signs;
    while (true) {
      Expr* term = is_or ? logical(false) : binary(0);
      if (!term) return nullptr;
      terms.push_back(term);
      if (!is_sign(is_or ? "||" : "&&")) break;
      signs.push_back(here());
      ++at_;
    }
    return terms.size() == 1 ? terms[0] : balanced(is_or ? "_||_" : "_&&_", terms, signs, 0, signs.size() - 1);
  }
  Expr* balanced(std::string_view function, const std::vector<Expr*>& terms, const std::vector<uint32_t>& signs, std::size_t low, std::size_t high) {
    const std::size_t middle = (low + high + 1) / 2;
    Expr* left = middle == low ? terms[middle] : balanced(function, terms, signs, low, middle - 1);
    Expr* right = middle == high ? terms[middle + 1] : balanced(function, terms, signs, middle + 1, high);
    return left && right ? call(function, signs[middle], {left, right}) : nullptr;
  }

  struct Operator {
    std::string_view sign, function;
  };
  // From the loosest to the tightest: relations, sums, products.
  std::string_view operator_at(std::size_t level) const {
    static constexpr std::array<std::array<Operator, 7>, 3> levels{
        {{{{"<", "_<_"}, {"<=", "_<=_"}, {">=", "_>=_"}, {">", "_>_"}, {"==", "_==_"}, {"!=", "_!=_"}, {"in", "@in"}}},
         {{{"+", "_+_"}, {"-", "_-_"}}},
         {{{"*", "_*_"}, {"/", "_/_"}, {"%", "_%_"}}}}};
    const Token& token = now();
    if (token.type != TokenType::Sign && !(token.type == TokenType::Ident && token.text == "in")) return {};
    for (const Operator& one : levels[level])
      if (!one.sign.empty() && one.sign == token.text) return one.function;
    return {};
  }
  Expr* binary(std::size_t level) {
    constexpr std::size_t levels = 3;
    if (level == levels) return unary();
    Expr* left = binary(level + 1);
    while (left) {
      const std::string_view function = operator_at(level);
      if (function.empty()) break;
      const uint32_t position = here();
      ++at_;
      Expr* right = binary(level + 1);
      if (!right) return nullptr;
      left = call(function, position, {left, right});
    }
    return left;
  }

  bool is_number(const Token& token) const { return token.type == TokenType::Int || token.type == TokenType::Double; }
  Expr* unary() {
    const Depth depth(depth_);
    if (depth_ > nesting_max) return too_deep();
    if (is_sign("!") || (is_sign("-") && !is_number(tokens_[at_ + 1]))) {
      const std::string_view sign = now().text;
      const uint32_t position = here();
      std::size_t count = 0;
      while (is_sign(sign)) ++count, ++at_;
      if (is_sign("!") || is_sign("-")) return syntax_error(operand_set);
      Expr* operand = member();
      if (!operand || count % 2 == 0) return operand;
      return call(sign == "!" ? "!_" : "-_", position, {operand});
    }
    return member();
  }

  Expr* member() {
    Expr* expr = primary();
    while (expr) {
      const uint32_t position = here();
      if (take(".")) {
        expr = selection(expr, position);
      } else if (take("[")) {
        const bool optional = optional_mark();
        if (!optional && is_sign("]")) return syntax_error(index_set);
        Expr* index = expression();
        if (!index || !expect("]")) return nullptr;
        expr = call(optional ? "_[?_]" : "_[_]", position, {expr, index});
      } else if (is_sign("{") && is_type_name(*expr)) {
        expr = structure(expr);
      } else {
        return expr;
      }
    }
    return nullptr;
  }

  bool optional_mark() {
    if (!is_sign("?")) return false;
    if (!(options_.libraries & static_cast<uint32_t>(Library::Optionals))) report(here(), "unsupported syntax '?'");
    ++at_;
    return true;
  }

  // A name behind a dot or in a struct; "" where there is none.
  std::string_view field_name() {
    const Token token = now();
    if (token.type == TokenType::QuotedIdent) {
      if (!options_.quoted_names) report(here(), "unsupported syntax: '`'");
      ++at_;
      return token.text.substr(1, token.text.size() - 2);
    }
    if (token.type != TokenType::Ident || contains(literal_words, token.text)) {
      syntax_error("IDENTIFIER");
      return {};
    }
    ++at_;
    return token.text;
  }

  Expr* selection(Expr* target, uint32_t position) {
    const bool optional = optional_mark();
    const uint32_t name_position = here();
    const bool quoted = now().type == TokenType::QuotedIdent;
    if (is_sign(".") && !optional && !failed_) {
      failed_ = true;
      report(here(), "Syntax error: no viable alternative at input '..'");
      return nullptr;
    }
    const std::string_view name = field_name();
    if (name.empty()) return nullptr;
    if (!optional && !quoted && is_sign("(")) {
      const uint32_t open = here();
      ++at_;
      std::vector<Expr*> args;
      return list_until(")", args) ? made_call(name, open, target, args) : nullptr;
    }
    if (optional) {
      Expr* field = make(Expr::Kind::Literal, name_position);
      field->constant = Value::of(name);
      return call("_?._", position, {target, field});
    }
    Expr* select = make(Expr::Kind::Select, position);
    select->target = target;
    select->name = name;
    return deepen(select);
  }

  Expr* made_call(std::string_view function, uint32_t position, Expr* target, const std::vector<Expr*>& args) {
    const std::span<Expr*> kept = copied(args);
    MacroResult macro = expand_macro({tree_, options_.libraries, function, target, kept, position});
    if (macro.matched) {
      if (!macro.expr) return fault(macro.error_position, std::move(macro.message));
      if (tree_.arena.exhausted()) return too_large();
      constexpr int loop_levels = 4;  // between a macro's parts and what it becomes
      return deepen(macro.expr, target, kept, loop_levels);
    }
    Expr* made = make(Expr::Kind::Call, position);
    made->name = function;
    made->target = target;
    made->args = kept;
    return deepen(made);
  }
  static bool is_type_name(const Expr& expr) {
    const Expr* at = &expr;
    while (at->kind == Expr::Kind::Select && !at->test_only) at = at->target;
    return at->kind == Expr::Kind::Ident;
  }
  static std::string dotted(const Expr& expr) {
    return expr.kind == Expr::Kind::Ident ? std::string(expr.name) : dotted(*expr.target) + "." + std::string(expr.name);
  }

  Expr* structure(Expr* name) {
    Expr* made = make(Expr::Kind::Struct, here());
    made->name = tree_.arena.copy(dotted(*name));
    std::vector<std::string_view> fields;
    std::vector<Expr*> values;
    std::vector<bool> optional;
    std::vector<uint32_t> positions;
    ++at_;  // {
    while (!is_sign("}")) {
      optional.push_back(optional_mark());
      const std::string_view field = field_name();
      if (field.empty()) return nullptr;
      fields.push_back(field);
      positions.push_back(here());
      if (!expect(":")) return nullptr;
      Expr* value = expression();
      if (!value) return nullptr;
      values.push_back(value);
      if (!take(",")) break;
    }
    if (!expect("}")) return nullptr;
    made->fields = copied(fields);
    made->positions = copied(positions);
    made->args = copied(values);
    made->optional = marks(optional);
    return deepen(made);
  }

  std::span<bool> marks(const std::vector<bool>& optional) {
    if (std::find(optional.begin(), optional.end(), true) == optional.end()) return {};
    bool* to = static_cast<bool*>(tree_.arena.allocate(optional.size(), 1));
    std::copy(optional.begin(), optional.end(), to);
    return {to, optional.size()};
  }

  // Comma-separated, up to and with the closing sign. Only lists may end with a comma, and hold optional elements.
  bool list_until(std::string_view close, std::vector<Expr*>& out, std::vector<bool>* optional = nullptr) {
    if (take(close)) return true;
    while (true) {
      if (optional) optional->push_back(optional_mark());
      Expr* item = expression();
      if (!item) return false;
      out.push_back(item);
      if (!take(",")) return expect(close);
      if (optional && take(close)) return true;
    }
  }

  Expr* map() {
    Expr* made = make(Expr::Kind::Map, here());
    std::vector<Expr*> entries;
    std::vector<bool> optional;
    std::vector<uint32_t> positions;
    ++at_;  // {
    while (!is_sign("}")) {
      optional.push_back(optional_mark());
      Expr* key = expression();
      if (!key) return nullptr;
      positions.push_back(here());
      if (!expect(":")) return nullptr;
      Expr* value = expression();
      if (!value) return nullptr;
      entries.push_back(key);
      entries.push_back(value);
      if (!take(",")) break;
    }
    if (!expect("}")) return nullptr;
    made->args = copied(entries);
    made->positions = copied(positions);
    made->optional = marks(optional);
    return deepen(made);
  }

  Expr* literal(Value value) {
    Expr* made = make(Expr::Kind::Literal, here());
    made->constant = value;
    ++at_;
    return made;
  }
  Expr* number(bool negative) {
    const uint32_t position = here();
    if (negative) ++at_;
    const Token token = now();
    ++at_;
    Expr* made = make(Expr::Kind::Literal, position);
    std::string_view digits = token.text;
    if (token.type == TokenType::Uint) digits.remove_suffix(1);
    const bool hex = digits.starts_with("0x") && token.type != TokenType::Double;
    if (hex) digits.remove_prefix(2);
    const std::string text = (negative ? "-" : "") + std::string(digits);
    if (token.type == TokenType::Double) {
      const auto value = parse_double(text);
      if (!value) return fault(position, "invalid double literal");
      made->constant = Value::of(*value);
    } else if (token.type == TokenType::Uint) {
      const auto value = parse_number<uint64_t>(text, hex ? 16 : 10);
      if (!value) return fault(position, "invalid uint literal");
      made->constant = Value::of(*value);
    } else {
      const auto value = parse_number<int64_t>(text, hex ? 16 : 10);
      if (!value) return fault(position, "invalid int literal");
      made->constant = Value::of(*value);
    }
    return made;
  }
  Expr* text(bool is_bytes) {
    const uint32_t position = here();
    std::string content;
    if (auto error = unquote(now().text, is_bytes, content)) {
      ++at_;
      return fault(position, std::move(*error));
    }
    const std::string_view kept = tree_.arena.copy(std::string_view(content));
    return literal(is_bytes ? Value::bytes(kept) : Value::of(kept));
  }

  Expr* primary() {
    const Token token = now();
    switch (token.type) {
      case TokenType::Int:
      case TokenType::Uint:
      case TokenType::Double: return number(false);
      case TokenType::String: return text(false);
      case TokenType::Bytes: return text(true);
      case TokenType::Ident: return name(false);
      case TokenType::Sign: break;
      case TokenType::QuotedIdent:
      case TokenType::End: return syntax_error(operand_set);
    }
    if (is_sign("-") && is_number(tokens_[at_ + 1])) return number(true);
    if (take("(")) {
      Expr* inner = expression();
      return inner && expect(")") ? inner : nullptr;
    }
    if (is_sign("{")) return map();
    if (is_sign("[")) {
      Expr* made = make(Expr::Kind::List, here());
      ++at_;
      std::vector<Expr*> elements;
      std::vector<bool> optional;
      if (!list_until("]", elements, &optional)) return nullptr;
      made->args = copied(elements);
      made->optional = marks(optional);
      return deepen(made);
    }
    if (take(".")) return now().type == TokenType::Ident ? name(true) : syntax_error("IDENTIFIER");
    return syntax_error(operand_set);
  }

  Expr* name(bool leading_dot) {
    const Token token = now();
    if (!leading_dot && token.text == "true") return literal(Value::of(true));
    if (!leading_dot && token.text == "false") return literal(Value::of(false));
    if (!leading_dot && token.text == "null") return literal(Value::null());
    if (contains(literal_words, token.text)) return syntax_error(operand_set);
    const uint32_t position = here();
    ++at_;
    const std::string_view full = leading_dot ? tree_.arena.copy("." + std::string(token.text)) : token.text;
    const bool reserved = contains(reserved_words, token.text);
    if (!is_sign("(")) {
      if (reserved) return fault(position, "reserved identifier: " + std::string(token.text));
      Expr* made = make(Expr::Kind::Ident, position);
      made->name = full;
      return made;
    }
    const uint32_t open = here();
    ++at_;
    std::vector<Expr*> args;
    if (!list_until(")", args)) return nullptr;
    if (reserved) return fault(position, "reserved identifier: " + std::string(token.text));
    return made_call(full, open, nullptr, args);
  }

  const ParseOptions& options_;
  Tree& tree_;
  std::vector<Issue>& issues_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  std::size_t counted_bytes_ = 0, counted_points_ = 0;
};

}  // namespace

bool is_identifier(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  const bool good = std::all_of(name.begin(), name.end(),
                                [](char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return good && !contains(literal_words, name) && !contains(reserved_words, name);
}

Issue issue_at(std::string_view expression, uint32_t position, std::string message) {
  Issue issue{1, 1, std::move(message)};
  std::size_t at = 0;
  for (uint32_t i = 0; i < position && at < expression.size(); ++i) {
    if (next_code_point(expression, at) == '\n') {
      ++issue.line;
      issue.column = 1;
    } else {
      ++issue.column;
    }
  }
  return issue;
}

bool parse(std::string_view expression, const ParseOptions& options, Tree& tree, std::vector<Issue>& issues) {
  tree.text = expression;
  const std::size_t size = code_points(expression);
  if (size > options.expression_bytes_max) {
    issues.push_back(
        {0, 0,
         "expression code point size exceeds limit: size: " + std::to_string(size) + ", limit " + std::to_string(options.expression_bytes_max)});
    return false;
  }
  return Parser(options, tree, issues).run();
}

}  // namespace pintle::apimachinery::cel
