// ValidatingAdmissionWebhook: the webhooks that want a request are asked side by side; the first that refuses, in their order, is what the client
// is told.
#include <fmt/format.h>

#include "apiserver/admission/configured/webhooks.h"
#include "apiserver/admission/factories.h"
#include "rt/sync.h"

namespace pintle::apiserver::admission {

namespace {

using namespace configured;

// One question to one webhook. Its objects outlive it.
struct Question {
  const Webhook* webhook;
  Wanted wanted;
  const ReviewedObjects* objects;
  Asked answer;
};

// Shared by the tasks of one request, which run on one executor.
struct Round {
  rt::Context ctx;
  const AdmissionAttributes& attributes;
  const WebhookCaller& caller;
  std::vector<Question> questions;
  std::size_t next = 0;
};

// Asks until nothing is left to ask. `round` outlives it.
rt::Task<void> ask_on(Round* round) {
  while (round->next < round->questions.size()) {
    Question& mine = round->questions[round->next++];
    mine.answer = co_await round->caller.ask(round->ctx, round->attributes, *mine.webhook, mine.wanted.version, *mine.objects);
  }
}

class ValidatingWebhooks final : public AdmissionPlugin {
 public:
  explicit ValidatingWebhooks(const AdmissionDeps& deps) : caller_(deps, false) {}

  std::string_view name() const override { return "ValidatingAdmissionWebhook"; }
  bool handles(Operation) const override { return true; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (caller_.any_wanted(a)) return std::nullopt;
    return Unit{};
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override;

 private:
  WebhookCaller caller_;
};

rt::Task<Result<Unit>> ValidatingWebhooks::validate(rt::Context ctx, const AdmissionAttributes& a) {
  const std::shared_ptr<const Webhooks> all = caller_.webhooks();
  if (!all) co_return Unit{};
  RequestViews views(a);
  Round round{ctx, a, caller_, {}};
  for (const Wanted& wanted : caller_.wanted(*all, a)) {
    const Webhook& webhook = all->all()[wanted.index];
    CO_TRY_ASSIGN(const bool matches, co_await caller_.matches(ctx, a, webhook, wanted.version, views));
    if (!matches) continue;
    CO_TRY_ASSIGN(RequestViews::View* const view, co_await views.view(ctx, wanted.version));
    round.questions.push_back({&webhook, wanted, &view->texts, {}});
  }
  if (round.questions.empty()) co_return Unit{};
  if (ctx.done()) co_return error(Reason::Timeout, "Timeout: request did not complete within requested timeout");
  {
    rt::TaskGroup group;
    for (std::size_t i = 1; i < std::min(round.questions.size(), validating_at_once_max); ++i) group.spawn(ask_on(&round));
    co_await ask_on(&round);
    co_await group.join();
  }
  Result<Unit> out = Unit{};
  for (const Question& question : round.questions) {
    const Asked& answer = question.answer;
    if (answer.verdict) caller_.keep_remarks(a, *question.webhook, *answer.verdict);
    auto settled = caller_.settle(ctx, a, *question.webhook, answer, fmt::format("round_0_index_{}", question.wanted.index));
    if (out && !settled) out = std::move(settled);
  }
  co_return out;
}

}  // namespace

std::unique_ptr<AdmissionPlugin> make_validating_admission_webhook(const AdmissionDeps& deps) { return std::make_unique<ValidatingWebhooks>(deps); }

}  // namespace pintle::apiserver::admission
