// MutatingAdmissionWebhook: one webhook after the other, each seeing what those before it have made of the object. Where one has changed it, all
// mutating admission is run a second time, and the webhooks that ask for it are called again if somebody has changed the object after them.
#include <fmt/format.h>

#include <set>

#include "api/codec.h"
#include "apiserver/admission/configured/object_patch.h"
#include "apiserver/admission/configured/webhooks.h"
#include "apiserver/admission/factories.h"
#include "apiserver/types/errors.h"
#include "codec/bounded_json.h"
#include "codec/json.h"
#include "codec/limits.h"
#include "rt/combine.h"

namespace pintle::apiserver::admission {

namespace {

using namespace configured;

constexpr std::size_t quick_patch_bytes_max = 16 << 10;  // with the object; what is longer is applied where it keeps nobody waiting
constexpr std::string_view plugin_name = "MutatingAdmissionWebhook";

// What the first round leaves for the second.
struct Rounds {
  std::set<std::string> called;  // those that may be called again, since the last change
  std::set<std::string> due;     // those to be called again
  api::Object last;              // the object as the first round left it
  void changed() {
    due.merge(called);
    called.clear();
  }
};

std::string identity(const Webhook& webhook) { return webhook.configuration + "/" + webhook.name; }

bool differs(const api::Object& last, const api::Object* now) {
  const bool any = now != nullptr && *now;
  if (!last || !any) return static_cast<bool>(last) != any;
  return &last.type() != &now->type() || !api::equal(last.type(), last.data(), now->data());
}

class MutatingWebhooks final : public AdmissionPlugin {
 public:
  explicit MutatingWebhooks(const AdmissionDeps& deps) : caller_(deps, true) {}

  std::string_view name() const override { return plugin_name; }
  bool handles(Operation) const override { return true; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (caller_.any_wanted(a)) return std::nullopt;
    return Unit{};
  }
  rt::Task<Result<Unit>> admit(rt::Context ctx, AdmissionAttributes& a) override;

 private:
  // Whether the object has changed.
  rt::Task<Result<bool>> call(rt::Context ctx, AdmissionAttributes& a, const Webhook& webhook, Wanted wanted, RequestViews& views);
  rt::Task<Result<bool>> apply(rt::Context ctx, AdmissionAttributes& a, const Webhook& webhook, Wanted wanted, RequestViews::View& view,
                               Asked& asked);

  WebhookCaller caller_;
};

Rounds& rounds_of(AdmissionAttributes& a) {
  auto& memory = a.reinvocation->memories[plugin_name];
  if (!memory) memory = std::make_shared<Rounds>();
  return *static_cast<Rounds*>(memory.get());
}

std::string place(const AdmissionAttributes& a, const Wanted& wanted) {
  return fmt::format("round_{}_index_{}", a.reinvocation->again ? 1 : 0, wanted.index);
}

rt::Task<Result<Unit>> MutatingWebhooks::admit(rt::Context ctx, AdmissionAttributes& a) {
  const std::shared_ptr<const Webhooks> all = caller_.webhooks();
  if (!all) co_return Unit{};
  const bool again = a.reinvocation->again;
  Rounds& rounds = rounds_of(a);
  if (again && differs(rounds.last, a.object)) rounds.changed();
  RequestViews views(a);
  for (const Wanted& wanted : caller_.wanted(*all, a)) {
    const Webhook& webhook = all->all()[wanted.index];
    CO_TRY_ASSIGN(const bool matches, co_await caller_.matches(ctx, a, webhook, wanted.version, views));
    if (!matches || (again && !rounds.due.contains(identity(webhook)))) continue;
    auto changed = co_await call(ctx, a, webhook, wanted, views);
    if (!changed) co_return Unexpected(std::move(changed.error()));
    if (*changed) {
      views.object_changed();
      rounds.changed();
      a.reinvocation->wanted = true;
    }
    if (webhook.reinvocable) rounds.called.insert(identity(webhook));
  }
  if (!again && a.reinvocation->wanted && a.object != nullptr) rounds.last = *a.object;
  co_return Unit{};
}

rt::Task<Result<bool>> MutatingWebhooks::call(rt::Context ctx, AdmissionAttributes& a, const Webhook& webhook, Wanted wanted, RequestViews& views) {
  CO_TRY_ASSIGN(RequestViews::View* const view, co_await views.view(ctx, wanted.version));
  Asked asked = co_await caller_.ask(ctx, a, webhook, wanted.version, view->texts);
  if (asked.verdict) caller_.keep_remarks(a, webhook, *asked.verdict);
  bool changed = false;
  if (asked.verdict && !asked.refusal) {
    const bool quick = asked.verdict->patch.empty() || asked.verdict->patch.size() + view->texts.object.size() <= quick_patch_bytes_max;
    rt::Executor& where = quick ? rt::Executor::current() : rt::Executor::current().runtime().long_executor();
    rt::Task<Result<bool>> applying = apply(ctx, a, webhook, wanted, *view, asked);
    auto applied = co_await rt::run_on(where, std::move(applying));
    if (!applied) {
      asked.verdict.reset();
      asked.refusal = std::move(applied.error());
      asked.code = 0;
    } else {
      changed = *applied;
    }
  }
  const std::string where = place(a, wanted);
  if (a.audit_annotations != nullptr) {
    const codec::Value::Object told{{"configuration", webhook.configuration}, {"webhook", webhook.name}, {"mutated", changed}};
    (void)a.audit_annotations->add("mutation.webhook.admission.k8s.io/" + where, codec::to_json(codec::Value(told)));
  }
  CO_TRY(caller_.settle(ctx, a, webhook, asked, where));
  co_return changed;
}

// A patch that cannot be read is a failure of the webhook; one that does not apply ends the request.
rt::Task<Result<bool>> MutatingWebhooks::apply(rt::Context ctx, AdmissionAttributes& a, const Webhook& webhook, Wanted wanted,
                                               RequestViews::View& view, Asked& asked) {
  const Verdict& verdict = *asked.verdict;
  if (verdict.patch.empty()) co_return false;
  const auto fail = [&](std::string why) {
    asked.failure = Status{Reason::ServiceUnavailable, 503, std::move(why), {}};
    asked.code = 503;
    return false;
  };
  const auto operations = codec::parse_json_within(codec::decoded_bytes_max, verdict.patch);
  if (!operations || !(operations->is_array() || operations->is_null()))
    co_return fail("received undecodable patch in webhook response: " +
                   (operations ? std::string("it is no list of operations") : operations.error().message));
  if (operations->is_null() || operations->as_array().empty()) co_return false;
  if (!view.object)
    co_return Unexpected(errors::internal_error(
        fmt::format("admission webhook \"{}\" attempted to modify the object, which is not supported for this operation", webhook.name)));
  if (verdict.patch_type != "JSONPatch") co_return fail(fmt::format("unsupported patch type \"{}\"", verdict.patch_type));
  CO_TRY_ASSIGN(const bool changed, co_await patch_object(ctx, a, wanted.version, view.object, *operations));
  if (a.audit_annotations != nullptr) {
    const codec::Value::Object told{
        {"configuration", webhook.configuration}, {"webhook", webhook.name}, {"patch", *operations}, {"patchType", verdict.patch_type}};
    (void)a.audit_annotations->add("patch.webhook.admission.k8s.io/" + place(a, wanted), codec::to_json(codec::Value(told)),
                                   AuditAnnotations::Level::Request);
  }
  co_return changed;
}

}  // namespace

std::unique_ptr<AdmissionPlugin> make_mutating_admission_webhook(const AdmissionDeps& deps) { return std::make_unique<MutatingWebhooks>(deps); }

}  // namespace pintle::apiserver::admission
