#include "apiserver/admission/policies/mutating_policy.h"

#include "apiserver/admission/policies/apply_configuration.h"

namespace pintle::apiserver::admission::policies {

using namespace expressions;

namespace {

std::string text_at(const cel::Map& map, std::string_view field, cel::Arena& arena) {
  const auto value = map.find(cel::Value::of(field), arena);
  return value && value->is(cel::Value::Kind::String) ? std::string(value->text()) : std::string();
}

Result<codec::Value> operation_of(const cel::Value& value, cel::Arena& arena) {
  if (!value.is(cel::Value::Kind::Map)) return bad_request("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch");
  const cel::Map& patch = value.as_map();
  codec::Value::Object out;
  out["op"] = text_at(patch, "op", arena);
  out["path"] = text_at(patch, "path", arena);
  if (std::string from = text_at(patch, "from", arena); !from.empty()) out["from"] = std::move(from);
  const auto wanted = patch.find(cel::Value::of("value"), arena);
  if (!wanted) return codec::Value(std::move(out));
  if (std::string why = check_type_names(*wanted, arena); !why.empty()) return bad_request(std::move(why));
  codec::Value document;
  if (const auto why = cel::to_document(*wanted, document, arena))
    return bad_request("JSONPath valueExpression evaluated to a type that could not marshal to JSON: " + *why);
  out["value"] = std::move(document);
  return codec::Value(std::move(out));
}

Result<codec::Value> document_of(Patch::Kind kind, const cel::Value& value, cel::Arena& arena) {
  if (kind == Patch::Kind::JsonPatch) {
    if (!value.is(cel::Value::Kind::List)) return bad_request("type mismatch: JSONPatchType.expression should evaluate to array");
    codec::Value::Array operations;
    for (std::size_t i = 0; i < value.as_list().size(); ++i) {
      TRY_ASSIGN(codec::Value operation, operation_of(value.as_list().at(i, arena), arena));
      operations.push_back(std::move(operation));
    }
    return codec::Value(std::move(operations));
  }
  if (std::string why = check_type_names(value, arena); !why.empty()) return bad_request(std::move(why));
  codec::Value document;
  if (const auto why = cel::to_document(value, document, arena)) return bad_request("unsupported value of ApplyConfiguration expression: " + *why);
  return document;
}

}  // namespace

MutatingPolicy::MutatingPolicy(const v1::MutatingAdmissionPolicy& policy) : reinvocable_(policy.spec.reinvocation_policy == "IfNeeded") {
  Compiler compiler(Places{.composed = true, .params = policy.spec.param_kind.has_value()});
  preamble_ = compile_preamble(policy.spec.variables, policy.spec.match_conditions, compiler);
  for (const v1::Mutation& mutation : policy.spec.mutations) {
    if (mutation.json_patch)
      mutations_.push_back({Patch::Kind::JsonPatch, compiler.compile(mutation.json_patch->expression, Purpose::JsonPatch)});
    else if (mutation.apply_configuration)
      mutations_.push_back(
          {Patch::Kind::ApplyConfiguration, compiler.compile(mutation.apply_configuration->expression, Purpose::ApplyConfiguration)});
  }
}

rt::Task<std::optional<Result<bool>>> MutatingPolicy::matches(rt::Context ctx, const Subject& subject, AccessDecisions& decisions, Pace pace) const {
  co_return conditions_hold(preamble_, ctx, subject, decisions, pace);
}

rt::Task<std::optional<Result<Patch>>> MutatingPolicy::patch(std::size_t index, rt::Context ctx, const Subject& subject, AccessDecisions& decisions,
                                                             Pace pace) const {
  const Mutation& mutation = mutations_[index];
  if (!mutation.expression.program) co_return Result<Patch>(bad_request(mutation.expression.broken));
  Evaluation evaluation({subject, preamble_.places, preamble_.variables, &decisions, ctx, cel::runtime_cost_max, pace});
  Evaluated answer = evaluation.evaluate(mutation.expression);
  switch (answer.kind) {
    case Evaluated::Kind::Value: break;
    case Evaluated::Kind::Failed:
    case Evaluated::Kind::OutOfBudget: co_return Result<Patch>(bad_request(std::move(answer.error)));
    case Evaluated::Kind::TooLong:
    case Evaluated::Kind::Pending: co_return std::nullopt;
    case Evaluated::Kind::Ended: co_return Result<Patch>(Unexpected(ctx.status()));
  }
  auto document = document_of(mutation.kind, answer.value, evaluation.arena());
  if (!document) co_return Result<Patch>(Unexpected(std::move(document.error())));
  co_return Result<Patch>(Patch{mutation.kind, std::move(*document)});
}

}  // namespace pintle::apiserver::admission::policies
