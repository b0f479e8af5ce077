#include "apimachinery/cel/parser.h"

#include <algorithm>
#include <array>
#include <span>

#include "apimachinery/cel/lexer.h"
#include "base/strings.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr std::array<std::string_view, 4> literal_words{"true", "false", "null", "in"};
constexpr std::array<std::string_view, 17> reserved_words{"as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
                                                          "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

ExprPtr make(Expr::Kind kind, std::string_view text, std::size_t offset) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->text = text;
  expr->offset = offset;
  return expr;
}

// Recursive descent; every method returns nullptr once `error_` is set.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<ExprPtr> run() {
    ExprPtr expr = expression();
    if (expr && tokens_[at_].type != TokenType::End) fail("the end");
    if (!error_.empty()) return Unexpected(bad_request(error_));
    return expr;
  }

 private:
  struct Depth {
    explicit Depth(int& depth) : depth_(depth) { ++depth_; }
    ~Depth() { --depth_; }
    int& depth_;
  };

  const Token& now() const { return tokens_[at_]; }
  bool is_sign(std::string_view sign) const { return now().type == TokenType::Sign && now().text == sign; }
  bool take(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++at_;
    return true;
  }
  ExprPtr fail(std::string_view wanted) {
    if (error_.empty())
      error_ = "syntax error at offset " + std::to_string(now().offset) + ": " +
               (now().type == TokenType::End ? "the end" : "'" + std::string(now().text) + "'") + " where " + std::string(wanted) + " was expected";
    return nullptr;
  }
  bool expect(std::string_view sign) {
    if (take(sign)) return true;
    fail("'" + std::string(sign) + "'");
    return false;
  }

  // An expression that has all its parts. Walkers are recursive, the destructor too.
  ExprPtr built(ExprPtr expr) {
    if (!expr) return nullptr;
    int below = expr->target ? expr->target->depth : 0;
    for (const ExprPtr& arg : expr->args) below = std::max(below, arg->depth);
    expr->depth = below + 1;
    return expr->depth > tree_depth_max ? fail("less nesting") : std::move(expr);
  }

  ExprPtr expression() {
    const Depth depth(depth_);
    if (depth_ > nesting_max) return fail("less nesting");
    ExprPtr left = binary(0);
    if (!left || !is_sign("?")) return left;
    ExprPtr call = make(Expr::Kind::Call, "?:", now().offset);
    ++at_;
    ExprPtr yes = binary(0);
    if (!yes || !expect(":")) return nullptr;
    ExprPtr no = expression();
    if (!no) return nullptr;
    call->args.push_back(std::move(left));
    call->args.push_back(std::move(yes));
    call->args.push_back(std::move(no));
    return built(std::move(call));
  }

  // From the loosest to the tightest: || && relations + *.
  bool operator_at(std::size_t level) const {
    static constexpr std::array<std::array<std::string_view, 7>, 5> levels{
        {{"||"}, {"&&"}, {"<", "<=", ">=", ">", "==", "!=", "in"}, {"+", "-"}, {"*", "/", "%"}}};
    const Token& token = now();
    if (token.type != TokenType::Sign && !(token.type == TokenType::Ident && token.text == "in")) return false;
    return !token.text.empty() && contains(levels[level], token.text);
  }

  ExprPtr binary(std::size_t level) {
    constexpr std::size_t levels = 5, logical_levels = 2;  // || and &&
    if (level == levels) return unary();
    ExprPtr left = binary(level + 1);
    while (left && operator_at(level)) {
      ExprPtr call = make(Expr::Kind::Call, now().text, now().offset);
      ++at_;
      ExprPtr right = binary(level + 1);
      if (!right) return nullptr;
      if (level < logical_levels && left->kind == Expr::Kind::Call && !left->target && left->text == call->text) {
        left->depth = std::max(left->depth, right->depth + 1);
        left->args.push_back(std::move(right));
        continue;
      }
      call->args.push_back(std::move(left));
      call->args.push_back(std::move(right));
      left = built(std::move(call));
    }
    return left;
  }

  ExprPtr unary() {
    const Depth depth(depth_);
    if (depth_ > nesting_max) return fail("less nesting");
    if (!is_sign("!") && !is_sign("-")) return member();
    ExprPtr call = make(Expr::Kind::Call, is_sign("!") ? "!" : "-_", now().offset);
    const std::string_view sign = now().text;
    ++at_;
    if (!is_sign(sign) && (is_sign("!") || is_sign("-"))) return fail("an operand");
    ExprPtr operand = unary();
    if (!operand) return nullptr;
    call->args.push_back(std::move(operand));
    return built(std::move(call));
  }

  ExprPtr member() {
    ExprPtr expr = built(primary());
    while (expr) {
      const std::size_t offset = now().offset;
      if (take(".")) {
        expr = built(selection(std::move(expr), offset));
      } else if (take("[")) {
        ExprPtr call = make(Expr::Kind::Call, take("?") ? "_[?_]" : "_[_]", offset);
        ExprPtr index = expression();
        if (!index || !expect("]")) return nullptr;
        call->args.push_back(std::move(expr));
        call->args.push_back(std::move(index));
        expr = built(std::move(call));
      } else if (is_sign("{") && is_type_name(*expr)) {
        expr = built(message(std::move(expr)));
      } else {
        return expr;
      }
    }
    return nullptr;
  }

  ExprPtr selection(ExprPtr target, std::size_t offset) {
    const bool optional = take("?");
    const Token token = now();
    const bool quoted = token.type == TokenType::QuotedIdent;
    if (!quoted && (token.type != TokenType::Ident || contains(literal_words, token.text))) return fail("a field name");
    ++at_;
    if (!optional && !quoted && take("(")) {
      ExprPtr call = make(Expr::Kind::Call, token.text, offset);
      call->target = std::move(target);
      return list_until(")", call->args) ? std::move(call) : nullptr;
    }
    ExprPtr select = make(Expr::Kind::Select, quoted ? token.text.substr(1, token.text.size() - 2) : token.text, offset);
    select->target = std::move(target);
    return select;
  }

  static bool is_type_name(const Expr& expr) {
    const Expr* at = &expr;
    while (at->kind == Expr::Kind::Select) at = at->target.get();
    return at->kind == Expr::Kind::Ident;
  }
  static std::string dotted(const Expr& expr) { return expr.kind == Expr::Kind::Ident ? expr.text : dotted(*expr.target) + "." + expr.text; }

  ExprPtr message(ExprPtr name) {
    ExprPtr made = make(Expr::Kind::Struct, dotted(*name), name->offset);
    ++at_;  // {
    while (!is_sign("}")) {
      take("?");
      if (now().type != TokenType::Ident && now().type != TokenType::QuotedIdent) return fail("a field name");
      made->fields.emplace_back(now().text);
      ++at_;
      if (!expect(":")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      made->args.push_back(std::move(value));
      if (!take(",")) break;
    }
    return expect("}") ? std::move(made) : nullptr;
  }

  // Comma-separated, up to and with the closing sign. Only lists may end with a comma.
  bool list_until(std::string_view close, std::vector<ExprPtr>& out) {
    if (take(close)) return true;
    while (true) {
      if (close == "]") take("?");
      ExprPtr item = expression();
      if (!item) return false;
      out.push_back(std::move(item));
      if (!take(",")) return expect(close);
      if (close == "]" && take("]")) return true;
    }
  }

  ExprPtr map() {
    ExprPtr made = make(Expr::Kind::Map, "", now().offset);
    ++at_;  // {
    while (!is_sign("}")) {
      take("?");
      ExprPtr key = expression();
      if (!key || !expect(":")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      made->args.push_back(std::move(key));
      made->args.push_back(std::move(value));
      if (!take(",")) break;
    }
    return expect("}") ? std::move(made) : nullptr;
  }

  ExprPtr literal(LiteralType type) {
    ExprPtr made = make(Expr::Kind::Literal, now().text, now().offset);
    made->literal = type;
    ++at_;
    return made;
  }

  ExprPtr primary() {
    const Token token = now();
    switch (token.type) {
      case TokenType::Int: return literal(LiteralType::Int);
      case TokenType::Uint: return literal(LiteralType::Uint);
      case TokenType::Double: return literal(LiteralType::Double);
      case TokenType::String: return literal(LiteralType::String);
      case TokenType::Bytes: return literal(LiteralType::Bytes);
      case TokenType::Ident: return name();
      case TokenType::Sign: break;
      default: return fail("an expression");
    }
    if (take("(")) {
      ExprPtr inner = expression();
      return inner && expect(")") ? std::move(inner) : nullptr;
    }
    if (is_sign("{")) return map();
    if (take("[")) {
      ExprPtr made = make(Expr::Kind::List, "", token.offset);
      return list_until("]", made->args) ? std::move(made) : nullptr;
    }
    if (take(".")) return now().type == TokenType::Ident ? name() : fail("a name");
    return fail("an expression");
  }

  ExprPtr name() {
    const Token token = now();
    if (token.text == "true" || token.text == "false") return literal(LiteralType::Bool);
    if (token.text == "null") return literal(LiteralType::Null);
    if (!is_identifier(token.text)) return fail("a name that is not reserved");
    ++at_;
    if (!take("(")) return make(Expr::Kind::Ident, token.text, token.offset);
    ExprPtr call = make(Expr::Kind::Call, token.text, token.offset);
    return list_until(")", call->args) ? std::move(call) : nullptr;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string error_;
};

}  // namespace

bool is_identifier(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  const bool good = std::all_of(name.begin(), name.end(),
                                [](char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return good && !contains(literal_words, name) && !contains(reserved_words, name);
}

Result<ExprPtr> parse(std::string_view expression) {
  if (expression.size() > expression_bytes_max)
    return Unexpected(bad_request("the expression exceeds " + std::to_string(expression_bytes_max) + " bytes"));
  auto tokens = tokenize(expression);
  if (!tokens) return Unexpected(tokens.error());
  return Parser(std::move(*tokens)).run();
}

}  // namespace pintle::apimachinery::cel
