#include <algorithm>
#include <set>
#include <tuple>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/untrusted.h"
#include "apimachinery/apply/metadata_access.h"
#include "apimachinery/patch/json_patch.h"
#include "apiserver/admission/configured/object_patch.h"
#include "apiserver/admission/expressions/begin_again.h"
#include "apiserver/admission/expressions/request_value.h"
#include "apiserver/admission/factories.h"
#include "apiserver/admission/policies/apply_configuration.h"
#include "apiserver/admission/policies/invocations.h"
#include "apiserver/admission/policies/mutating_policy.h"
#include "apiserver/admission/policies/policy_metrics.h"
#include "apiserver/admission/policies/shown_objects.h"
#include "apiserver/types/errors.h"
#include "rt/sync.h"

namespace pintle::apiserver::admission::policies {
namespace {

constexpr std::string_view plugin_name = "MutatingAdmissionPolicy";

struct Mutating {
  using Object = v1::MutatingAdmissionPolicy;
  using BindingObject = v1::MutatingAdmissionPolicyBinding;
  using Compiled = MutatingPolicy;
  static constexpr std::string_view policies = "mutatingadmissionpolicies", bindings = "mutatingadmissionpolicybindings";
  static Binding make_binding(const BindingObject& binding) { return policies::make_binding(binding.metadata.name, binding.spec); }
};
using MutatingSource = PolicySource<Mutating>;

// A policy by a binding with one set of parameters: policy, binding, namespace and name of the parameters.
using Key = std::tuple<std::string, std::string, std::string, std::string>;

// What is known in the second round of the first.
struct Memory {
  std::set<Key> invoked;   // may be asked again when something changes later
  std::set<Key> to_again;  // shall be
  api::Object left;        // as the last round left the object
  void ask_again() { to_again.merge(std::exchange(invoked, {})); }
};

// What keeps policies from saying what they have to say. The first that counts answers the request.
class Failures {
 public:
  void add(const Policy& policy, const Binding* binding, std::string_view message, bool evaluated) {
    if (policy.ignore_failure) return;
    std::string text = binding ? "policy '" + policy.name + "' with binding '" + binding->name + "'" : "policy \"" + policy.name + "\"";
    (evaluated ? later_ : first_).push_back(text.append(" denied request: ").append(message));
  }
  Result<Unit> result(const AdmissionAttributes& a) const {
    if (first_.empty() && later_.empty()) return Unit{};
    auto refused = refuse(a, "admission request denied by policy");
    Status& status = refused.error();
    status.message = first_.empty() ? later_.front() : first_.front();
    if (first_.empty()) {
      status.reason = Reason::Invalid;
      status.code = http_code(Reason::Forbidden);  // upstream keeps it
    }
    for (const auto* all : {&first_, &later_})
      for (const std::string& one : *all) status.details.causes.push_back({.type = {}, .message = one, .field = {}});
    return refused;
  }

 private:
  std::vector<std::string> first_, later_;  // of configuration; of evaluation
};

struct Patched {
  std::optional<api::Object> object;  // nullopt: nothing changes
  std::string failure;                // "": none. A Status: the request is refused, whatever failurePolicy says
};

Result<Patched> patched(const AdmissionAttributes& a, const std::optional<std::size_t>& version, const api::Object& shown, const Patch& patch) {
  const api::GroupVersionKind& kind = configured::kind_in(a, version);
  const api::Type& type = shown.type();
  auto document = api::to_document(type, shown.data(), &kind);
  if (!document) return Unexpected(errors::internal_error(document.error().message));
  Patched out;
  Result<codec::Value> changed = codec::Value();
  if (patch.kind == Patch::Kind::JsonPatch) {
    changed = apimachinery::apply_json_patch(std::move(*document), patch.document);
    if (!changed && apimachinery::is_failed_test(changed.error())) return out;
    if (!changed) out.failure = "JSON Patch: " + changed.error().message;
  } else {
    const apimachinery::TypeSchema typed(type);
    const apimachinery::SchemaView* own = version ? a.versions->schema(*version) : nullptr;
    const bool typed_only = own == nullptr && type.rest_offset < 0;  // a document is what it says
    changed = apply_configuration(own ? *own : typed, typed_only ? &type : nullptr, *document, patch.document);
    if (!changed) out.failure = changed.error().message;
  }
  if (!out.failure.empty()) return out;
  if (changed->string_at("kind") != kind.kind || changed->string_at("apiVersion") != api::api_version(kind))
    return Unexpected(errors::internal_error("a policy cannot change apiVersion or kind"));
  api::Object after(type);
  api::DecodeReport report;
  auto read = api::decode_untrusted_value(*changed, type, after.data(), api::Strictness::Collect, &report);
  std::string why = read ? std::string() : read.error().message;
  for (const std::string& problem : report.problems) why += (why.empty() ? "strict decoding error: " : ", ") + problem;
  if (!why.empty()) return Unexpected(errors::internal_error(why));
  if (!api::equal(type, shown.data(), after.data())) out.object = std::move(after);
  return out;
}

class MutatingPlugin final : public AdmissionPlugin {
 public:
  explicit MutatingPlugin(const AdmissionDeps& deps) : deps_(deps), source_(deps.reader) {}

  std::string_view name() const override { return plugin_name; }
  bool handles(Operation operation) const override { return operation != Operation::Delete; }  // there is nothing to change
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (is_exempt(a)) return Unit{};
    const auto hooks = source_.naming(a.resource.resource);
    if (hooks.empty()) return Unit{};
    const bool any = std::ranges::any_of(hooks, [&](const MutatingSource::Hook& hook) {
      return !hook.entry->policy.has_constraints || configured::select_by_rules(hook.entry->policy.selection, a).has_value();
    });
    if (!any) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& a) override;

 private:
  const AdmissionDeps deps_;
  MutatingSource source_;
};

// The way of one request through the policies.
class Round {
 public:
  Round(rt::Context ctx, AdmissionAttributes& a, const AdmissionDeps& deps)
      : ctx_(std::move(ctx)), a_(a), deps_(deps), access_(a.user, deps.authorizer), shown_(a) {
    if (a.reinvocation == nullptr) return;
    std::shared_ptr<void>& kept = a.reinvocation->memories[plugin_name];
    if (!kept) kept = std::make_shared<Memory>();
    memory_ = std::static_pointer_cast<Memory>(kept);
    again_ = a.reinvocation->again;
    if (again_ && has_object() && !is_as_left()) memory_->ask_again();
  }

  // A policy by one of its bindings with one set of parameters.
  rt::Task<Result<Unit>> invoke(const Invocation<Mutating>& invocation, const api::Object& param, const api::Object* namespace_object);
  void fail(const Policy& policy, const Binding* binding, std::string_view message) { failures_.add(policy, binding, message, false); }
  Result<Unit> end() {
    if (memory_ && has_object()) {
      if (patched_) memory_->ask_again();
      memory_->left = *a_.object;
    }
    if (a_.reinvocation != nullptr && patched_) a_.reinvocation->wanted = true;
    return failures_.result(a_);
  }

 private:
  bool has_object() const { return a_.object != nullptr && *a_.object; }
  bool is_as_left() const {
    return memory_->left && &memory_->left.type() == &a_.object->type() && api::equal(a_.object->type(), a_.object->data(), memory_->left.data());
  }
  static Key key_of(const Invocation<Mutating>& invocation, const api::Object& param) {
    const auto* metadata = param ? apimachinery::find_metadata(param) : nullptr;
    return {invocation.entry->policy.name, invocation.binding->name, metadata ? metadata->namespace_ : std::string(),
            metadata ? metadata->name : std::string()};
  }
  rt::Task<Result<bool>> mutate(const Invocation<Mutating>& invocation, std::size_t index, const expressions::Subject& subject);
  rt::Task<Result<Unit>> put(std::optional<std::size_t> version, api::Object object);
  rt::TimePoint now() const { return deps_.runtime ? deps_.runtime->clock().now() : rt::TimePoint(); }

  const rt::Context ctx_;
  AdmissionAttributes& a_;
  const AdmissionDeps& deps_;
  expressions::AccessDecisions access_;
  ShownObjects shown_;
  Failures failures_;
  std::shared_ptr<Memory> memory_;
  bool again_ = false;
  bool patched_ = false;  // a mutation has been made, even one that changes nothing
};

rt::Task<Result<Unit>> Round::put(std::optional<std::size_t> version, api::Object object) {
  note_labels(a_, object);
  if (version) {
    CO_TRY_ASSIGN(*a_.object, co_await a_.versions->take(ctx_, std::move(object), *version));
  } else {
    api::apply_defaults(object.type(), object.data());
    *a_.object = std::move(object);
  }
  shown_.changed();
  co_return Unit{};
}

// Whether it has changed the object.
rt::Task<Result<bool>> Round::mutate(const Invocation<Mutating>& invocation, std::size_t index, const expressions::Subject& subject) {
  const MutatingPolicy& policy = invocation.entry->compiled();
  const rt::TimePoint from = now();
  const auto evaluate = [&](expressions::Pace pace) { return policy.patch(index, ctx_, subject, access_, pace); };
  rt::Task<Result<Patch>> patching = expressions::begin_until_answered<Patch>(ctx_, access_, evaluate);
  const Result<Patch> patch = co_await patching;
  if (ctx_.done()) co_return Unexpected(ctx_.status());
  Patched outcome;
  if (patch) {
    CO_TRY_ASSIGN(outcome, patched(a_, invocation.version, *subject.object, *patch));
  } else {
    outcome.failure = patch.error().message;
  }
  const std::string& name = invocation.entry->policy.name;
  if (deps_.policy_metrics) deps_.policy_metrics->mutated({name, invocation.binding->name, !outcome.failure.empty(), outcome.failure, now() - from});
  if (!outcome.failure.empty()) {
    failures_.add(invocation.entry->policy, invocation.binding.get(), outcome.failure, true);
    co_return false;
  }
  patched_ = true;
  if (!outcome.object) co_return false;
  CO_TRY(co_await put(invocation.version, std::move(*outcome.object)));
  co_return true;
}

rt::Task<Result<Unit>> Round::invoke(const Invocation<Mutating>& invocation, const api::Object& param, const api::Object* namespace_object) {
  const Policy& policy = invocation.entry->policy;
  const MutatingPolicy& compiled = invocation.entry->compiled();
  expressions::Subject subject{a_, namespace_object, param ? &param : nullptr};
  subject.zones = deps_.zones;
  if (policy.param_kind) {
    subject.params_version = policy.param_kind->api_version;
    subject.params_kind = policy.param_kind->kind;
  }
  subject.version = invocation.version;
  auto seen = co_await shown_.in(ctx_, invocation.version);
  if (!seen) {
    fail(policy, nullptr, "failed to configure policy: " + seen.error().message);
    co_return Unit{};
  }
  subject.object = seen->object;
  subject.old_object = seen->old_object;
  const auto match = [&](expressions::Pace pace) { return compiled.matches(ctx_, subject, access_, pace); };
  rt::Task<Result<bool>> matching = expressions::begin_until_answered<bool>(ctx_, access_, match);
  const Result<bool> matches = co_await matching;
  if (!matches && ctx_.done()) co_return Unexpected(ctx_.status());
  if (!matches) failures_.add(policy, invocation.binding.get(), matches.error().message, true);
  if (!matches || !*matches) co_return Unit{};

  const Key key = key_of(invocation, param);
  if (again_ && !memory_->to_again.contains(key)) co_return Unit{};
  bool changed = false;
  for (std::size_t i = 0; i < compiled.mutations() && has_object(); ++i) {
    auto now_seen = co_await shown_.in(ctx_, invocation.version);
    if (!now_seen) co_return Unexpected(errors::internal_error(now_seen.error().message));
    subject.object = now_seen->object;
    CO_TRY_ASSIGN(const bool once, co_await mutate(invocation, i, subject));
    changed = changed || once;
  }
  if (!memory_) co_return Unit{};
  if (changed) {
    memory_->ask_again();
    a_.reinvocation->wanted = true;
  }
  if (compiled.reinvocable()) memory_->invoked.insert(key);
  co_return Unit{};
}

rt::Task<Result<Unit>> MutatingPlugin::admit(rt::Context ctx, AdmissionAttributes& a) {
  const auto hooks = source_.naming(a.resource.resource);
  RequestNamespace ns(deps_.reader, a);
  const auto invocations = select_invocations<Mutating>(hooks, deps_.reader, a, ns);
  Round round(ctx, a, deps_);
  for (const auto& invocation : invocations) {
    const Policy& policy = invocation.entry->policy;
    if (!invocation.error.empty()) {
      round.fail(policy, nullptr, invocation.error);
      continue;
    }
    const ParamsOf wanted{policy, *invocation.binding, expressions::request_namespace(a)};
    const auto params = co_await collect_params(ctx, deps_, wanted);
    if (!params) {
      round.fail(policy, invocation.binding.get(), "failed to configure binding: " + params.error().message);
      continue;
    }
    if (params->empty()) continue;
    CO_TRY_ASSIGN(const api::Object* const namespace_object, ns.object());
    for (const api::Object& param : *params) {
      CO_TRY(co_await round.invoke(invocation, param, namespace_object));
      co_await rt::yield();
    }
  }
  co_return round.end();
}

}  // namespace
}  // namespace pintle::apiserver::admission::policies

namespace pintle::apiserver::admission {

std::unique_ptr<AdmissionPlugin> make_mutating_admission_policy(const AdmissionDeps& deps) {
  return std::make_unique<policies::MutatingPlugin>(deps);
}

}  // namespace pintle::apiserver::admission
