#include "apimachinery/selectors/label_parser.h"

#include <string>

namespace pintle::apimachinery {
namespace {

enum class Token : uint8_t { End, Identifier, Comma, Open, Close, Not, Equals, DoubleEquals, NotEquals, Greater, Less };

struct Lexeme {
  Token token = Token::End;
  std::string_view text;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_special(char c) { return std::string_view("=!(),><").find(c) != std::string_view::npos; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }
  Result<std::vector<LabelRequirement>> parse();

 private:
  void advance();
  Lexeme take() {
    const Lexeme taken = next_;
    advance();
    return taken;
  }
  Result<LabelRequirement> parse_requirement();
  Result<LabelOperator> parse_operator();
  Result<std::vector<std::string>> parse_values();
  Result<std::vector<std::string>> parse_list();
  Result<std::vector<std::string>> parse_exact_value();
  Unexpected<Status> expected(const Lexeme& found, std::string_view what) const {
    return bad_request("unable to parse requirement: found '" + std::string(found.text) + "', expected: " + std::string(what));
  }

  std::string_view text_;  // what is not read yet
  Lexeme next_;
};

void Parser::advance() {
  while (!text_.empty() && is_space(text_.front())) text_.remove_prefix(1);
  if (text_.empty()) {
    next_ = {};
    return;
  }
  std::size_t length = 1;
  Token token = Token::Identifier;
  switch (text_.front()) {
    case ',': token = Token::Comma; break;
    case '(': token = Token::Open; break;
    case ')': token = Token::Close; break;
    case '>': token = Token::Greater; break;
    case '<': token = Token::Less; break;
    case '=':
    case '!': {
      const bool negated = text_.front() == '!';
      const bool two = text_.size() > 1 && text_[1] == '=';
      token = negated ? (two ? Token::NotEquals : Token::Not) : (two ? Token::DoubleEquals : Token::Equals);
      length = two ? 2 : 1;
      break;
    }
    default:
      while (length < text_.size() && !is_space(text_[length]) && !is_special(text_[length])) ++length;
  }
  next_ = {token, text_.substr(0, length)};
  text_.remove_prefix(length);
}

Result<std::vector<LabelRequirement>> Parser::parse() {
  std::vector<LabelRequirement> requirements;
  if (next_.token == Token::End) return requirements;
  if (next_.token != Token::Identifier && next_.token != Token::Not) return expected(next_, "!, identifier, or 'end of string'");
  for (;;) {
    if (requirements.size() == selector_requirements_max)
      return bad_request("a label selector has at most " + std::to_string(selector_requirements_max) + " requirements");
    TRY_ASSIGN(auto requirement, parse_requirement());
    requirements.push_back(std::move(requirement));
    const Lexeme after = take();
    if (after.token == Token::End) return requirements;
    if (after.token != Token::Comma) return expected(after, "',' or 'end of string'");
    if (next_.token != Token::Identifier && next_.token != Token::Not) return expected(next_, "identifier after ','");
  }
}

Result<LabelRequirement> Parser::parse_requirement() {
  Lexeme key = take();
  const bool negated = key.token == Token::Not;
  if (negated) key = take();
  if (key.token != Token::Identifier) return expected(key, "identifier");
  if (negated) return LabelRequirement::make(std::string(key.text), LabelOperator::DoesNotExist, {});
  if (next_.token == Token::End || next_.token == Token::Comma) return LabelRequirement::make(std::string(key.text), LabelOperator::Exists, {});
  TRY_ASSIGN(const LabelOperator op, parse_operator());
  const bool many = op == LabelOperator::In || op == LabelOperator::NotIn;
  TRY_ASSIGN(auto values, many ? parse_values() : parse_exact_value());
  return LabelRequirement::make(std::string(key.text), op, std::move(values));
}

Result<LabelOperator> Parser::parse_operator() {
  const Lexeme found = take();
  switch (found.token) {
    case Token::Equals: return LabelOperator::Equals;
    case Token::DoubleEquals: return LabelOperator::DoubleEquals;
    case Token::NotEquals: return LabelOperator::NotEquals;
    case Token::Greater: return LabelOperator::GreaterThan;
    case Token::Less: return LabelOperator::LessThan;
    default: break;
  }
  if (found.text == "in") return LabelOperator::In;
  if (found.text == "notin") return LabelOperator::NotIn;
  return expected(found, "=, !=, ==, in, notin, >, <");
}

Result<std::vector<std::string>> Parser::parse_values() {
  if (const Lexeme open = take(); open.token != Token::Open) return expected(open, "'('");
  if (next_.token == Token::Close) {  // "()" is the set of the empty value
    take();
    return std::vector<std::string>{""};
  }
  if (next_.token != Token::Identifier && next_.token != Token::Comma) return expected(next_, "',', ')' or identifier");
  TRY_ASSIGN(auto values, parse_list());
  if (const Lexeme close = take(); close.token != Token::Close) return expected(close, "')'");
  return values;
}

// "a,b", "a,,b" (an empty value between), ",a", "a,".
Result<std::vector<std::string>> Parser::parse_list() {
  std::vector<std::string> values;
  for (;;) {
    const Lexeme item = take();
    if (item.token == Token::Identifier) {
      values.emplace_back(item.text);
      if (next_.token == Token::Close) return values;
      if (next_.token != Token::Comma) return expected(next_, "',' or ')'");
    } else if (item.token == Token::Comma) {
      if (values.empty()) values.emplace_back();
      if (next_.token == Token::Close) {
        values.emplace_back();
        return values;
      }
      if (next_.token == Token::Comma) {
        take();
        values.emplace_back();
      }
    } else {
      return expected(item, "',' or identifier");
    }
  }
}

Result<std::vector<std::string>> Parser::parse_exact_value() {
  if (next_.token == Token::End || next_.token == Token::Comma) return std::vector<std::string>{""};
  const Lexeme value = take();
  if (value.token != Token::Identifier) return expected(value, "identifier");
  return std::vector<std::string>{std::string(value.text)};
}

}  // namespace

Result<std::vector<LabelRequirement>> parse_label_requirements(std::string_view text) { return Parser(text).parse(); }

}  // namespace pintle::apimachinery
