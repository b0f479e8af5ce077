#include "apimachinery/schema/json_path.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "apimachinery/schema/print.h"
#include "base/parse_number.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::schema {

using codec::Value;

// One step of a path: from each value to those it leads to.
struct JsonPath::Step {
  enum class Kind : uint8_t { Field, Wildcard, Recursive, Slice, Union, Filter, Literal };
  enum class Operator : uint8_t { Exists, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };
  struct Bound {
    bool known = false;
    bool derived = false;  // an index alone: one behind it
    int64_t value = 0;
  };

  Kind kind = Kind::Field;
  std::string name;              // Field
  std::array<Bound, 3> slice{};  // begin, end, step
  Operator op = Operator::Exists;
  std::vector<JsonPath> paths;  // Union: the branches; Filter: left and right
  Value literal;
};

JsonPath::JsonPath() = default;
JsonPath::JsonPath(JsonPath&&) noexcept = default;
JsonPath& JsonPath::operator=(JsonPath&&) noexcept = default;
JsonPath::~JsonPath() = default;

namespace {

using Step = JsonPath::Step;
using Values = std::vector<const Value*>;

constexpr int nesting_max = 16;  // of paths inside filters and unions

bool is_end(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '.' || c == ',' || c == '[' || c == ']' || c == '$' || c == '@' || c == '{' ||
         c == '}';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80; }

class Reader {
 public:
  Reader(std::string_view text, int nesting) : text_(text), nesting_(nesting) {}

  Result<Unit> read_all(std::vector<Step>& steps) {
    if (nesting_ > nesting_max) return bad_request("is nested too deep");
    while (at_ < text_.size()) {
      if (steps.size() >= json_path_steps_max) return bad_request("has more than " + std::to_string(json_path_steps_max) + " steps");
      TRY(read_step(steps));
    }
    return Unit{};
  }

 private:
  Result<Unit> read_step(std::vector<Step>& steps) {
    const char c = text_[at_];
    if (text_.substr(at_).starts_with("[?(")) return read_filter(steps);
    if (text_.substr(at_).starts_with("..")) return read_recursive(steps);
    if (c == ' ' || c == '@' || c == '$') {
      ++at_;
      return Unit{};
    }
    if (c == '[') return read_brackets(steps);
    if (c == '"' || c == '\'') return read_quoted(steps);
    if (c == '.') {
      ++at_;
      return read_field(steps);
    }
    if (c == '+' || c == '-' || is_digit(c)) return read_number(steps);
    if (is_word(c)) return read_word(steps);
    return bad_request("has an unexpected character at " + codec::go_quote(text_.substr(at_)));
  }

  // A name up to what ends it; a backslash takes the meaning from the character behind it.
  Result<Unit> read_field(std::vector<Step>& steps) {
    Step step;
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_end(text_[at_])) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      step.name += text_[at_++];
    }
    if (text_.substr(begin, at_ - begin) == "*") step.kind = Step::Kind::Wildcard;
    steps.push_back(std::move(step));
    return Unit{};
  }

  Result<Unit> read_recursive(std::vector<Step>& steps) {
    if (!steps.empty() && steps.back().kind == Step::Kind::Recursive) return bad_request("has two recursive descents in a row");
    at_ += 2;
    steps.emplace_back().kind = Step::Kind::Recursive;
    return at_ < text_.size() && is_word(text_[at_]) ? read_field(steps) : Unit{};
  }

  Result<Unit> read_quoted(std::vector<Step>& steps) {
    const char quote = text_[at_++];
    Step step;
    step.kind = Step::Kind::Literal;
    std::string text;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      const char c = text_[at_++];
      const bool escaped = text_[at_ - 2] == '\\';
      text += escaped && c == 'n' ? '\n' : escaped && c == 't' ? '\t' : c;
    }
    if (at_ >= text_.size()) return bad_request("has a text without end");
    ++at_;
    step.literal = std::move(text);
    steps.push_back(std::move(step));
    return Unit{};
  }

  Result<Unit> read_number(std::vector<Step>& steps) {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view number = text_.substr(begin, at_ - begin);
    if (number.starts_with('+')) number.remove_prefix(1);
    Step step;
    step.kind = Step::Kind::Literal;
    double real = 0;
    if (const auto whole = parse_number<int64_t>(number)) {
      step.literal = *whole;
    } else if (const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), real);
               failure == std::errc() && end == number.data() + number.size()) {
      step.literal = real;
    } else {
      return bad_request("cannot parse number " + std::string(number));
    }
    steps.push_back(std::move(step));
    return Unit{};
  }

  // true and false; other words are of templates, which a path is not.
  Result<Unit> read_word(std::vector<Step>& steps) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_end(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word != "true" && word != "false") return bad_request("unrecognized identifier " + std::string(word));
    Step step;
    step.kind = Step::Kind::Literal;
    step.literal = word == "true";
    steps.push_back(std::move(step));
    return Unit{};
  }

  Result<Unit> read_brackets(std::vector<Step>& steps) {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos || text_.substr(at_, end - at_).find('\n') != std::string_view::npos) return bad_request("unterminated array");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (inside.find(',') != std::string_view::npos) return read_union(inside, steps);
    if (inside.size() >= 2 && inside.front() == '\'' && inside.back() == '\'' &&
        inside.substr(1, inside.size() - 2).find('\'') == std::string_view::npos)
      return read_inner("." + std::string(inside.substr(1, inside.size() - 2)), steps);
    return read_slice(inside == "*" ? ":" : inside, steps);
  }

  Result<Unit> read_inner(const std::string& text, std::vector<Step>& steps) { return Reader(text, nesting_ + 1).read_all(steps); }

  Result<Unit> read_union(std::string_view inside, std::vector<Step>& steps) {
    Step step;
    step.kind = Step::Kind::Union;
    for (std::size_t begin = 0; begin <= inside.size();) {
      const std::size_t comma = std::min(inside.find(',', begin), inside.size());
      std::string_view part = inside.substr(begin, comma - begin);
      while (part.starts_with(' ')) part.remove_prefix(1);
      while (part.ends_with(' ')) part.remove_suffix(1);
      if (step.paths.size() >= json_path_steps_max) return bad_request("has too many parts in a union");
      TRY_ASSIGN(JsonPath path, compile_inner("[" + std::string(part) + "]"));
      step.paths.push_back(std::move(path));
      begin = comma + 1;
    }
    steps.push_back(std::move(step));
    return Unit{};
  }

  // begin:end:step, each with a default; an index alone is the slice of one.
  Result<Unit> read_slice(std::string_view inside, std::vector<Step>& steps) {
    Step step;
    step.kind = Step::Kind::Slice;
    std::size_t begin = 0;
    for (std::size_t part = 0; part < 3; ++part) {
      if (begin > inside.size()) {
        if (part == 1) step.slice[1] = {true, true, step.slice[0].value + 1};
        break;
      }
      const std::size_t colon = std::min(inside.find(':', begin), inside.size());
      const std::string_view text = inside.substr(begin, colon - begin);
      if (!text.empty()) {
        const auto number = parse_number<int64_t>(text);
        if (!number || *number > INT32_MAX || *number < INT32_MIN) return bad_request("invalid array index " + std::string(inside));
        step.slice[part] = {true, false, *number};
      }
      begin = colon + 1;
    }
    if (begin <= inside.size()) return bad_request("invalid array index " + std::string(inside));
    steps.push_back(std::move(step));
    return Unit{};
  }

  // [?(@.type=="Ready")]
  Result<Unit> read_filter(std::vector<Step>& steps) {
    at_ += 3;
    const std::size_t begin = at_;
    char quote = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote == 0 && c == ')') break;
      if (c == '\n') return bad_request("unterminated filter");
      if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote && text_[at_ - 1] != '\\') {
        quote = 0;
      }
    }
    if (at_ == text_.size()) return bad_request("unterminated filter");
    const std::string_view condition = text_.substr(begin, at_ - begin);
    if (!text_.substr(at_).starts_with(")]")) return bad_request("unclosed array expect ]");
    at_ += 2;
    return read_condition(condition, steps);
  }

  Result<Unit> read_condition(std::string_view condition, std::vector<Step>& steps) {
    Step step;
    step.kind = Step::Kind::Filter;
    const auto is_sign = [](char c) { return c == '!' || c == '<' || c == '>' || c == '='; };
    const std::size_t from = static_cast<std::size_t>(std::ranges::find_if(condition, is_sign) - condition.begin());
    std::size_t to = from;
    while (to < condition.size() && is_sign(condition[to])) ++to;
    if (from == 0 || to == condition.size()) {
      TRY_ASSIGN(JsonPath path, compile_inner(condition));
      step.paths.push_back(std::move(path));
    } else {
      const auto op = find_operator(condition.substr(from, to - from));
      if (!op) return bad_request("unrecognized filter operator " + std::string(condition.substr(from, to - from)));
      step.op = *op;
      for (const std::string_view side : {condition.substr(0, from), condition.substr(to)}) {
        TRY_ASSIGN(JsonPath path, compile_inner(side));
        step.paths.push_back(std::move(path));
      }
    }
    steps.push_back(std::move(step));
    return Unit{};
  }

  static std::optional<Step::Operator> find_operator(std::string_view sign) {
    using Operator = Step::Operator;
    constexpr std::pair<std::string_view, Operator> signs[] = {{"==", Operator::Equal},  {"!=", Operator::NotEqual},
                                                               {"<", Operator::Less},    {"<=", Operator::LessEqual},
                                                               {">", Operator::Greater}, {">=", Operator::GreaterEqual}};
    for (const auto& [text, op] : signs)
      if (text == sign) return op;
    return std::nullopt;
  }

  Result<JsonPath> compile_inner(std::string_view text);

  std::string_view text_;
  int nesting_;
  std::size_t at_ = 0;
};

}  // namespace

// What reads a path and what walks it know its steps.
struct JsonPathAccess {
  static Result<JsonPath> compile(std::string_view text, int nesting) {
    JsonPath path;
    TRY(Reader(text, nesting).read_all(path.steps_));
    return path;
  }
  static const std::vector<Step>& steps(const JsonPath& path) { return path.steps_; }
};

namespace {

Result<JsonPath> Reader::compile_inner(std::string_view text) { return JsonPathAccess::compile(text, nesting_ + 1); }

class Walker {
 public:
  Result<Values> walk(const std::vector<Step>& steps, Values values) {
    for (const Step& step : steps) {
      TRY_ASSIGN(values, apply(step, values));
      seen_ += values.size() + 1;
      if (seen_ > json_path_results_max) return bad_request("leads to too many values");
    }
    return values;
  }

 private:
  Result<Values> apply(const Step& step, const Values& values) {
    Values found;
    switch (step.kind) {
      case Step::Kind::Field:
        for (const Value* value : values)
          if (const Value* member = value->find(step.name)) found.push_back(member);
        return found;
      case Step::Kind::Wildcard:
        for (const Value* value : values) append_children(*value, found);
        return found;
      case Step::Kind::Recursive:
        for (const Value* value : values) TRY(append_descendants(*value, found));
        return found;
      case Step::Kind::Slice:
        for (const Value* value : values) TRY(append_slice(step, *value, found));
        return found;
      case Step::Kind::Union:
        for (const JsonPath& path : step.paths) {
          TRY_ASSIGN(const Values part, walk(JsonPathAccess::steps(path), values));
          found.insert(found.end(), part.begin(), part.end());
        }
        return found;
      case Step::Kind::Filter:
        for (const Value* value : values) TRY(append_filtered(step, *value, found));
        return found;
      case Step::Kind::Literal: found.assign(values.size(), &step.literal); return found;
    }
    return found;
  }

  static void append_children(const Value& value, Values& found) {
    if (value.is_object())
      for (const auto& [name, member] : value.as_object()) found.push_back(&member);
    if (value.is_array())
      for (const Value& item : value.as_array()) found.push_back(&item);
  }

  // Containers that hold something, from the outside in.
  Result<Unit> append_descendants(const Value& value, Values& found) {
    if (++seen_ > json_path_results_max) return bad_request("leads to too many values");
    Values children;
    append_children(value, children);
    if (children.empty()) return Unit{};
    found.push_back(&value);
    for (const Value* child : children) TRY(append_descendants(*child, found));
    return Unit{};
  }

  static Result<Unit> append_slice(const Step& step, const Value& value, Values& found) {
    if (value.is_null()) return Unit{};
    if (!value.is_array()) return bad_request("is an index into what is no array");
    const Value::Array& items = value.as_array();
    const auto n = static_cast<int64_t>(items.size());
    int64_t begin = step.slice[0].known ? step.slice[0].value : 0;
    int64_t end = step.slice[1].known ? step.slice[1].value : n;
    const int64_t stride = step.slice[2].known ? step.slice[2].value : 1;
    if (begin < 0) begin += n;
    if (end < 0 || (end == 0 && step.slice[1].derived)) end += n;
    if (begin == end) return Unit{};
    if (begin < 0 || begin >= n) return bad_request("array index out of bounds: index " + std::to_string(begin) + ", length " + std::to_string(n));
    if (end < 0 || end > n) return bad_request("array index out of bounds: index " + std::to_string(end - 1) + ", length " + std::to_string(n));
    if (begin > end) return bad_request("starting index " + std::to_string(begin) + " is greater than ending index " + std::to_string(end));
    if (stride <= 0) return bad_request("step must be > 0");
    for (int64_t i = begin; i < end; i += stride) found.push_back(&items[static_cast<std::size_t>(i)]);
    return Unit{};
  }

  Result<Unit> append_filtered(const Step& step, const Value& value, Values& found) {
    if (!value.is_array()) return bad_request("filters what is no array");
    for (const Value& item : value.as_array()) {
      auto left = walk(JsonPathAccess::steps(step.paths[0]), {&item});
      if (step.op == Step::Operator::Exists) {
        if (left && !left->empty()) found.push_back(&item);
        if (seen_ > json_path_results_max) return bad_request("leads to too many values");
        continue;
      }
      if (!left) return Unexpected(std::move(left.error()));
      if (left->empty()) continue;
      TRY_ASSIGN(const Values right, walk(JsonPathAccess::steps(step.paths[1]), {&item}));
      if (right.empty()) continue;
      if (left->size() > 1 || right.size() > 1) return bad_request("can only compare one element at a time");
      TRY_ASSIGN(const bool holds, compare(step.op, *left->front(), *right.front()));
      if (holds) found.push_back(&item);
    }
    return Unit{};
  }

  static Result<bool> compare(Step::Operator op, const Value& left, const Value& right) {
    using Operator = Step::Operator;
    const bool equality = op == Operator::Equal || op == Operator::NotEqual;
    if (left.is_number() && right.is_number() && left.is_int() == right.is_int())
      return left.is_int() ? holds(op, left.as_int(), right.as_int()) : holds(op, left.as_double(), right.as_double());
    if (left.is_string() && right.is_string()) return holds(op, left.as_string(), right.as_string());
    if (left.is_bool() && right.is_bool() && equality) return (left.as_bool() == right.as_bool()) == (op == Operator::Equal);
    return bad_request("incompatible types for comparison");
  }
  template <class T>
  static bool holds(Step::Operator op, const T& left, const T& right) {
    switch (op) {
      case Step::Operator::Equal: return left == right;
      case Step::Operator::NotEqual: return left != right;
      case Step::Operator::Less: return left < right;
      case Step::Operator::LessEqual: return left <= right;
      case Step::Operator::Greater: return left > right;
      case Step::Operator::GreaterEqual: return left >= right;
      case Step::Operator::Exists: return true;
    }
    return false;
  }

  std::size_t seen_ = 0;
};

}  // namespace

Result<JsonPath> JsonPath::compile(std::string_view text) { return JsonPathAccess::compile(text, 0); }

Result<Values> JsonPath::find(const Value& document) const { return Walker().walk(steps_, {&document}); }

}  // namespace pintle::apimachinery::schema
