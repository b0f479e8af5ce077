// authorizer: Kubernetes' library of access checks.
#include "apimachinery/cel/authorizer.h"

#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/validation/formats.h"

namespace pintle::apimachinery::cel {
namespace {

// An authorizer, a path, a group or a resource: what the question says so far.
class CheckValue final : public Opaque {
 public:
  CheckValue(const Type& type, AccessDecisions& decisions, const AccessQuestion& question) : decisions(decisions), question(question), type_(type) {}
  const Type& type() const override { return type_; }
  bool equals(const Opaque& other) const override { return this == &other; }
  AccessDecisions& decisions;
  AccessQuestion question;

 private:
  const Type& type_;
};
class DecisionValue final : public Opaque {
 public:
  explicit DecisionValue(AccessAnswer answer) : answer(std::move(answer)) {}
  const Type& type() const override { return types::decision; }
  bool equals(const Opaque& other) const override { return this == &other; }
  AccessAnswer answer;
};

const CheckValue& check_of(const Call& call) { return static_cast<const CheckValue&>(call[0].as_opaque()); }
const AccessAnswer& answer_of(const Call& call) { return static_cast<const DecisionValue&>(call[0].as_opaque()).answer; }
bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

template <std::string_view AccessQuestion::*part>
Value with(const Call& call, const Type& type) {
  AccessQuestion question = check_of(call).question;
  question.*part = call[1].text();
  return Value::of(*call.arena.make<CheckValue>(type, check_of(call).decisions, question));
}
template <std::string_view AccessQuestion::*part>
Value refined(const Call& call) {
  return with<part>(call, types::resource_check);
}

Value path(const Call& call) {
  return is_blank(call[1].text()) ? call.fail("path must not be empty") : with<&AccessQuestion::path>(call, types::path_check);
}
Value group(const Call& call) { return with<&AccessQuestion::group>(call, types::group_check); }
Value resource(const Call& call) {
  return is_blank(call[1].text()) ? call.fail("resource must not be empty") : with<&AccessQuestion::resource>(call, types::resource_check);
}
Value service_account(const Call& call) {
  if (!name_is_dns_subdomain(call[2].text(), false).empty()) return call.fail("Invalid service account name");
  if (!name_is_dns_label(call[1].text(), false).empty()) return call.fail("Invalid service account namespace");
  AccessQuestion question = check_of(call).question;
  question.service_account_namespace = call[1].text();
  question.service_account_name = call[2].text();
  return Value::of(*call.arena.make<CheckValue>(types::authorizer, check_of(call).decisions, question));
}
Value check(const Call& call) {
  AccessQuestion question = check_of(call).question;
  question.verb = call[1].text();
  auto answer = check_of(call).decisions.decide(question);
  if (!answer) return Value::error(call.arena, "the decision is not known yet", Failure::Pending);
  return Value::of(*call.arena.make<DecisionValue>(std::move(*answer)));
}
Value allowed(const Call& call) { return Value::of(answer_of(call).kind == AccessAnswer::Kind::Allowed); }
Value reason(const Call& call) { return Value::of(std::string_view(answer_of(call).reason)); }
Value error(const Call& call) { return Value::of(std::string_view(answer_of(call).error)); }
Value errored(const Call& call) { return Value::of(!answer_of(call).error.empty()); }

constexpr auto& on_authorizer = of<&types::authorizer, &types::string>;
constexpr auto& on_resource = of<&types::resource_check, &types::string>;
constexpr auto& on_decision = of<&types::decision>;
const Overload path_overloads[] = {{"authorizer_path", true, on_authorizer, &types::path_check, path}};
const Overload group_overloads[] = {{"authorizer_group", true, on_authorizer, &types::group_check, group}};
const Overload account_overloads[] = {
    {"authorizer_serviceaccount", true, of<&types::authorizer, &types::string, &types::string>, &types::authorizer, service_account}};
const Overload resource_overloads[] = {{"groupcheck_resource", true, of<&types::group_check, &types::string>, &types::resource_check, resource}};
const Overload subresource_overloads[] = {
    {"resourcecheck_subresource", true, on_resource, &types::resource_check, refined<&AccessQuestion::subresource>}};
const Overload namespace_overloads[] = {
    {"resourcecheck_namespace", true, on_resource, &types::resource_check, refined<&AccessQuestion::namespace_name>}};
const Overload name_overloads[] = {{"resourcecheck_name", true, on_resource, &types::resource_check, refined<&AccessQuestion::name>}};
const Overload field_overloads[] = {
    {"authorizer_fieldselector", true, on_resource, &types::resource_check, refined<&AccessQuestion::field_selector>}};
const Overload label_overloads[] = {
    {"authorizer_labelselector", true, on_resource, &types::resource_check, refined<&AccessQuestion::label_selector>}};
const Overload check_overloads[] = {{"pathcheck_check", true, of<&types::path_check, &types::string>, &types::decision, check},
                                    {"resourcecheck_check", true, on_resource, &types::decision, check}};
const Overload allowed_overloads[] = {{"decision_allowed", true, on_decision, &types::boolean, allowed}};
const Overload reason_overloads[] = {{"decision_reason", true, on_decision, &types::string, reason}};
const Overload error_overloads[] = {{"decision_error", true, on_decision, &types::string, error}};
const Overload errored_overloads[] = {{"decision_errored", true, on_decision, &types::boolean, errored}};
const Function functions[] = {{"path", path_overloads},
                              {"group", group_overloads},
                              {"serviceAccount", account_overloads},
                              {"resource", resource_overloads},
                              {"subresource", subresource_overloads},
                              {"namespace", namespace_overloads},
                              {"name", name_overloads},
                              {"fieldSelector", field_overloads},
                              {"labelSelector", label_overloads},
                              {"check", check_overloads},
                              {"allowed", allowed_overloads},
                              {"reason", reason_overloads},
                              {"error", error_overloads},
                              {"errored", errored_overloads}};

}  // namespace

std::span<const Function> authorizer_functions() { return functions; }

Value authorizer_value(AccessDecisions& decisions, Arena& arena) {
  return Value::of(*arena.make<CheckValue>(types::authorizer, decisions, AccessQuestion{}));
}
Value resource_check_value(AccessDecisions& decisions, const AccessQuestion& question, Arena& arena) {
  return Value::of(*arena.make<CheckValue>(types::resource_check, decisions, question));
}

}  // namespace pintle::apimachinery::cel
