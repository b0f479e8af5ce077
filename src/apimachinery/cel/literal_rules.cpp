#include "apimachinery/cel/literal_rules.h"

#include "apimachinery/cel/library/format_text.h"
#include "apimachinery/cel/parser.h"
#include "apimachinery/cel/pattern.h"
#include "apimachinery/cel/time_value.h"

namespace pintle::apimachinery::cel {
namespace {

class LiteralRules {
 public:
  LiteralRules(const Tree& tree, std::vector<Issue>& issues) : tree_(tree), issues_(issues) {}

  void visit(const Expr* e) {
    if (!e) return;
    const bool formats = e->kind == Expr::Kind::Call && e->name == "format";
    if (e->kind == Expr::Kind::Call) call(e);
    if (e->kind == Expr::Kind::List && exempt_ == 0) same_types(e, 0, 1);
    if (e->kind == Expr::Kind::Map && exempt_ == 0) {
      same_types(e, 0, 2);
      same_types(e, 1, 2);
    }
    exempt_ += formats;
    visit(e->target);
    for (const Expr* arg : e->args) visit(arg);
    if (e->loop)
      for (const Expr* part : {e->loop->range, e->loop->initial, e->loop->condition, e->loop->step, e->loop->result}) visit(part);
    exempt_ -= formats;
  }

 private:
  // Every `step`-th part of a literal from `first` on is of the type of the first one. Arguments of format() are not meant.
  void same_types(const Expr* e, std::size_t first, std::size_t step) {
    TypeRef type = nullptr;
    for (std::size_t i = first; i < e->args.size(); i += step) {
      TypeRef now = e->args[i]->type;
      const bool unwrapped = !e->optional.empty() && e->optional[i / step] && (step == 1 || first == 1);
      if (unwrapped && is_optional(now)) now = now->params[0];
      if (!type) type = now;
      if (same_type(type, now)) continue;
      if (issues_.size() < issues_max)
        issues_.push_back(issue_at(tree_.text, e->args[i]->position, "expected type '" + type_text(type) + "' but found '" + type_text(now) + "'"));
      return;
    }
  }

  void format(const Expr* e) {
    if (e->target->kind != Expr::Kind::Literal || !e->target->constant.is(Value::Kind::String) || e->args[0]->kind != Expr::Kind::List) return;
    std::vector<TypeRef> given;
    for (const Expr* arg : e->args[0]->args) given.push_back(arg->type);
    std::size_t argument = 0;
    std::string error = check_format(e->target->constant.text(), given, argument);
    if (error.empty() || issues_.size() >= issues_max) return;
    const Expr* at = argument < given.size() ? e->args[0]->args[argument] : e;
    issues_.push_back(issue_at(tree_.text, at->position, std::move(error)));
  }
  void call(const Expr* e) {
    if (e->name == "format" && e->target && e->args.size() == 1) return format(e);
    if (e->args.size() != 1 && !(e->name == "matches" && e->args.size() == 2)) return;
    const Expr* literal = e->args.back();
    if (literal->kind != Expr::Kind::Literal) return;
    const Value& v = literal->constant;
    if (e->name == "matches") {
      if (v.is(Value::Kind::String) && !Pattern::compile(v.text())) fail(literal, e->name);
    } else if (e->name == "duration") {
      if (v.is(Value::Kind::String) && !parse_duration_text(v.text())) fail(literal, e->name);
    } else if (e->name == "timestamp") {
      const bool bad_text = v.is(Value::Kind::String) && !parse_timestamp(v.text());
      const bool bad_number = v.is(Value::Kind::Int) && (v.as_int() < timestamp_seconds_min || v.as_int() > timestamp_seconds_max);
      if (bad_text || bad_number) fail(literal, e->name);
    }
  }
  void fail(const Expr* at, std::string_view function) {
    if (issues_.size() < issues_max) issues_.push_back(issue_at(tree_.text, at->position, "invalid " + std::string(function) + " argument"));
  }

  const Tree& tree_;
  std::vector<Issue>& issues_;
  int exempt_ = 0;
};

}  // namespace

void check_literals(const Tree& tree, std::vector<Issue>& issues) { LiteralRules(tree, issues).visit(tree.root); }

}  // namespace pintle::apimachinery::cel
