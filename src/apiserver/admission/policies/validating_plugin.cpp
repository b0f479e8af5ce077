#include <algorithm>
#include <map>

#include "apiserver/admission/expressions/begin_again.h"
#include "apiserver/admission/expressions/request_value.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/policies/invocations.h"
#include "apiserver/admission/policies/policy_metrics.h"
#include "apiserver/admission/policies/shown_objects.h"
#include "apiserver/admission/policies/validating_policy.h"
#include "codec/json.h"
#include "rt/sync.h"

namespace pintle::apiserver::admission::policies {
namespace {

constexpr std::size_t judgements_at_once = 16;  // then others of this executor have their turn

struct Validating {
  using Object = v1::ValidatingAdmissionPolicy;
  using BindingObject = v1::ValidatingAdmissionPolicyBinding;
  using Compiled = ValidatingPolicy;
  static constexpr std::string_view policies = "validatingadmissionpolicies", bindings = "validatingadmissionpolicybindings";
  static Binding make_binding(const BindingObject& binding) {
    Binding out = policies::make_binding(binding.metadata.name, binding.spec);
    out.actions = binding.spec.validation_actions;
    return out;
  }
};
using ValidatingSource = PolicySource<Validating>;

std::string denial(const Policy& policy, const Binding* binding, std::string_view message) {
  std::string text = "ValidatingAdmissionPolicy '" + policy.name + "'";
  if (binding != nullptr) text += " with binding '" + binding->name + "'";
  return text.append(" denied request: ").append(message);
}

// The value of the audit annotation of a failed validation: as upstream a list, of one.
std::string failure_annotation(const Policy& policy, const Binding& binding, const Decision& decision, std::size_t index) {
  codec::Value::Array actions;
  for (const std::string& action : binding.actions) actions.emplace_back(action);
  std::string out = R"([{"message":)" + codec::to_json(codec::Value(decision.message));
  out += R"(,"policy":)" + codec::to_json(codec::Value(policy.name)) + R"(,"binding":)" + codec::to_json(codec::Value(binding.name));
  out += R"(,"expressionIndex":)" + std::to_string(index) + R"(,"validationActions":)" + codec::to_json(codec::Value(std::move(actions)));
  return out + "}]";
}

// What comes of one request: the first denial answers it.
class Outcome {
 public:
  Outcome(const AdmissionAttributes& a, PolicyMetrics* metrics) : a_(a), metrics_(metrics) {}

  void cannot_configure(const Policy& policy, const Binding* binding, const std::string& error) {
    if (policy.ignore_failure) return;
    deny(policy, binding, {.deny = true, .failed = true, .message = error, .reason = {}, .took = {}});
  }
  void apply(const Policy& policy, const Binding& binding, const Verdict& verdict) {
    for (std::size_t i = 0; i < verdict.decisions.size(); ++i) decide(policy, binding, verdict.decisions[i], i);
    for (const Annotation& annotation : verdict.annotations) {
      if (annotation.error.empty()) {
        auto& values = annotations_[annotation.key];
        if (std::ranges::find(values, annotation.value) == values.end()) values.push_back(annotation.value);
        continue;
      }
      const Decision failed{.deny = true, .failed = true, .message = annotation.error, .reason = {}, .took = {}};
      deny(policy, &binding, failed);
      count(policy, binding, failed, "deny");
    }
  }
  // The bindings of one policy are asked together.
  void turn_to(const Policy& policy) {
    if (policy_ != &policy) publish();
    policy_ = &policy;
  }
  Result<Unit> result() {
    publish();
    if (denied_.empty()) return Unit{};
    auto refused = refuse(a_, denied_);
    Status& status = refused.error();
    status.reason = reason_ == "Forbidden"               ? Reason::Forbidden
                    : reason_ == "Unauthorized"          ? Reason::Unauthorized
                    : reason_ == "RequestEntityTooLarge" ? Reason::RequestEntityTooLarge
                                                         : Reason::Invalid;
    status.code = 0;
    status.details.causes.push_back({.type = {}, .message = denied_, .field = {}});
    return refused;
  }

 private:
  void publish() {
    for (auto& [key, values] : annotations_) {
      std::string text;
      for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
      if (a_.audit_annotations != nullptr) a_.audit_annotations->add(policy_->name + "/" + key, std::move(text));
    }
    annotations_.clear();
  }
  void decide(const Policy& policy, const Binding& binding, const Decision& decision, std::size_t index) {
    if (!decision.deny) {
      if (decision.failed) count(policy, binding, decision, "allow");
      return;
    }
    for (const std::string& action : binding.actions) {
      if (action == "Deny") {
        deny(policy, &binding, decision);
        count(policy, binding, decision, "deny");
      } else if (action == "Audit") {
        if (a_.audit_annotations != nullptr)
          a_.audit_annotations->add("validation.policy.admission.k8s.io/validation_failure", failure_annotation(policy, binding, decision, index));
        count(policy, binding, decision, "audit");
      } else if (action == "Warn") {
        if (a_.warnings != nullptr)
          a_.warnings->push_back("Validation failed for ValidatingAdmissionPolicy '" + policy.name + "' with binding '" + binding.name +
                                 "': " + decision.message);
        count(policy, binding, decision, "warn");
      }
    }
  }
  void deny(const Policy& policy, const Binding* binding, const Decision& decision) {
    if (!denied_.empty()) return;
    denied_ = denial(policy, binding, decision.message);
    reason_ = decision.reason;
  }
  void count(const Policy& policy, const Binding& binding, const Decision& decision, std::string_view action) {
    // Upstream calls a validation that is not met an error, too.
    if (metrics_ != nullptr) metrics_->validated({policy.name, binding.name, true, decision.message, decision.took}, action);
  }

  const AdmissionAttributes& a_;
  PolicyMetrics* metrics_;
  const Policy* policy_ = nullptr;
  std::string denied_, reason_;
  std::map<std::string, std::vector<std::string>> annotations_;  // of one policy
};

class ValidatingPlugin final : public AdmissionPlugin {
 public:
  explicit ValidatingPlugin(const AdmissionDeps& deps) : deps_(deps), source_(deps.reader) {}

  std::string_view name() const override { return "ValidatingAdmissionPolicy"; }
  bool handles(Operation) const override { return true; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (is_exempt(a)) return Unit{};
    const auto hooks = source_.naming(a.resource.resource);
    if (hooks.empty()) return Unit{};
    const bool any = std::ranges::any_of(hooks, [&](const ValidatingSource::Hook& hook) {
      return !hook.entry->policy.has_constraints || configured::select_by_rules(hook.entry->policy.selection, a).has_value();
    });
    if (!any) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override;

 private:
  const AdmissionDeps deps_;
  ValidatingSource source_;
};

rt::Task<Result<Unit>> ValidatingPlugin::validate(rt::Context ctx, const AdmissionAttributes& a) {
  const auto hooks = source_.naming(a.resource.resource);
  RequestNamespace ns(deps_.reader, a);
  const auto invocations = select_invocations<Validating>(hooks, deps_.reader, a, ns);
  expressions::AccessDecisions access(a.user, deps_.authorizer);
  const rt::Clock* const clock = deps_.runtime ? &deps_.runtime->clock() : nullptr;
  ShownObjects shown(a);
  Outcome outcome(a, deps_.policy_metrics);
  std::size_t judged = 0;
  for (const auto& invocation : invocations) {
    const Policy& policy = invocation.entry->policy;
    outcome.turn_to(policy);
    if (!invocation.error.empty()) {
      outcome.cannot_configure(policy, nullptr, invocation.error);
      continue;
    }
    const Binding& binding = *invocation.binding;
    const ParamsOf wanted{policy, binding, expressions::request_namespace(a)};
    const auto params = co_await collect_params(ctx, deps_, wanted);
    if (!params) {
      outcome.cannot_configure(policy, &binding, "failed to configure binding: " + params.error().message);
      continue;
    }
    CO_TRY_ASSIGN(const api::Object* const namespace_object, ns.object());
    expressions::Subject subject{a, namespace_object};
    subject.zones = deps_.zones;
    if (!params->empty()) {
      auto seen = co_await shown.in(ctx, invocation.version);
      if (!seen) {
        outcome.cannot_configure(policy, &binding, "failed to configure binding: failed to convert object version: " + seen.error().message);
        continue;
      }
      subject.version = invocation.version;
      subject.object = seen->object;
      subject.old_object = seen->old_object;
    }
    if (policy.param_kind) {
      subject.params_version = policy.param_kind->api_version;
      subject.params_kind = policy.param_kind->kind;
    }
    for (const api::Object& param : *params) {
      subject.params = param ? &param : nullptr;
      const auto judge = [&](expressions::Pace pace) { return invocation.entry->compiled().judge(ctx, subject, access, pace, clock); };
      rt::Task<Result<Verdict>> judging = expressions::begin_until_answered<Verdict>(ctx, access, judge);
      CO_TRY_ASSIGN(const Verdict verdict, co_await judging);
      outcome.apply(policy, binding, verdict);
      if (++judged % judgements_at_once == 0) co_await rt::yield();
    }
  }
  co_return outcome.result();
}

}  // namespace
}  // namespace pintle::apiserver::admission::policies

namespace pintle::apiserver::admission {

std::unique_ptr<AdmissionPlugin> make_validating_admission_policy(const AdmissionDeps& deps) {
  return std::make_unique<policies::ValidatingPlugin>(deps);
}

}  // namespace pintle::apiserver::admission
