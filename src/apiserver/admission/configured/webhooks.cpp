#include "apiserver/admission/configured/webhooks.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apiserver/admission/configured/webhook_metrics.h"
#include "apiserver/admission/settings.h"
#include "apiserver/types/errors.h"
#include "component/log.h"
#include "rt/combine.h"
#include "rt/uid.h"

namespace pintle::apiserver::admission::configured {

namespace {

constexpr std::size_t quick_answer_bytes_max = 16 << 10;  // a longer one is read where it keeps nobody waiting

bool is_exempt(const AdmissionAttributes& a) {
  return a.resource.group == "admissionregistration.k8s.io" &&
         (a.resource.resource.starts_with("validating") || a.resource.resource.starts_with("mutating"));
}

// Of the namespace that the request is in or about; nullptr where there is none, and where it cannot be read: then every selector selects it.
const Labels* namespace_labels(const ResourceReader& reader, const AdmissionAttributes& a, std::shared_ptr<const api::core_v1::Namespace>& kept) {
  if (a.is("", "namespaces")) return labels_of(a.object != nullptr ? a.object : a.old_object);
  if (a.ns.empty()) return nullptr;
  auto found = reader.view_as<api::core_v1::Namespace>({"", "namespaces"}, "", a.ns);
  if (!found) return nullptr;
  kept = std::move(*found);
  return &kept->metadata.labels;
}

Status timed_out() { return Status{Reason::Timeout, 0, "Timeout: request did not complete within requested timeout", {}}; }

// What is left of the webhook's time and the request's, in whole seconds as it is told: "timeout=10s".
std::string timeout_query(rt::Duration left) {
  const int64_t seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
  return fmt::format("timeout={}s", std::max<int64_t>(seconds, 1));
}

void warn(const AdmissionAttributes& a, std::string text) {
  if (a.warnings == nullptr || text.empty() || a.warnings->size() >= webhook_warnings_max) return;
  if (text.size() > webhook_warning_bytes_max) {
    std::size_t end = webhook_warning_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
  }
  if (std::ranges::find(*a.warnings, text) == a.warnings->end()) a.warnings->push_back(std::move(text));
}

Asked failed(std::string why, Reason reason, int code) {
  Asked out;
  out.failure = Status{reason, code, std::move(why), {}};
  out.code = code;
  return out;
}

using Judged = Expected<Verdict, ReviewFailure>;

rt::Task<Judged> judge(Bytes answer, ExpectedReview expected) { co_return judge_answer(answer.view(), expected); }

Asked refused(Status why) {
  Asked out;
  out.code = why.http();
  out.refusal = std::move(why);
  return out;
}

}  // namespace

namespace {

std::shared_ptr<const client::KubeconfigUsers> users_of(const PluginSettings* settings, bool mutating) {
  if (settings == nullptr) return nullptr;
  return (mutating ? settings->mutating_webhooks : settings->validating_webhooks).users;
}

}  // namespace

WebhookCaller::WebhookCaller(const AdmissionDeps& deps, bool mutating)
    : deps_(deps), mutating_(mutating), table_(deps.reader, mutating, users_of(deps.settings, mutating)) {}

std::vector<Wanted> WebhookCaller::wanted(const Webhooks& webhooks, const AdmissionAttributes& a) const {
  std::vector<Wanted> out;
  if (is_exempt(a)) return out;
  for (const uint32_t index : webhooks.naming(a.resource.resource))
    if (const auto selected = select_by_rules(webhooks.all()[index].selection, a)) out.push_back({index, selected->version});
  return out;
}

bool WebhookCaller::any_wanted(const AdmissionAttributes& a) {
  const auto all = webhooks();
  return all && !wanted(*all, a).empty();
}

rt::Task<Result<bool>> WebhookCaller::matches(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook,
                                              std::optional<std::size_t> version, RequestViews& views) const {
  std::shared_ptr<const api::core_v1::Namespace> kept;
  const bool asks_namespace = !webhook.selection.namespaces.matches_everything();
  const Labels* const of_namespace = asks_namespace ? namespace_labels(deps_.reader, a, kept) : nullptr;
  if (!select_by_labels(webhook.selection, a, of_namespace)) co_return false;
  if (!webhook.conditions) co_return true;
  CO_TRY_ASSIGN(RequestViews::View* const view, co_await views.view(ctx, version));
  AdmissionAttributes seen = a;
  seen.kind = reviewed_as(a, version).kind;
  if (view->object) seen.object = &view->object;
  if (view->old_object) seen.old_object = &view->old_object;
  expressions::Subject subject{seen};
  subject.zones = deps_.zones;
  auto matched = co_await webhook.conditions->match(ctx, subject, deps_.authorizer);
  if (matched) co_return *matched;
  if (ctx.done()) co_return Unexpected(timed_out());
  if (webhook.ignore_failure) co_return false;
  co_return Unexpected(errors::forbidden(a.resource, a.name, matched.error().message));
}

rt::Task<Asked> WebhookCaller::ask(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook, std::optional<std::size_t> version,
                                   const ReviewedObjects& objects) const {
  if (a.dry_run && !webhook.without_side_effects)
    co_return refused(Status{Reason::BadRequest, 0, fmt::format("admission webhook \"{}\" does not support dry run", webhook.name), {}});
  if (webhook.review_version.empty())
    co_return failed("could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)", Reason::BadRequest,
                     400);
  if (deps_.callouts == nullptr) co_return failed("could not get REST client: this server calls nobody", Reason::InternalError, 500);
  const std::string uid = rt::new_uid(*deps_.random);
  const ReviewedAs as = reviewed_as(a, version);
  Bytes review(encode_review(a, as, objects, uid, webhook.review_version));
  const rt::TimePoint begun = deps_.runtime->clock().now();
  callout::Target target = webhook.target;
  target.query = timeout_query(std::min(webhook.timeout, ctx.deadline() ? *ctx.deadline() - begun : webhook.timeout));
  auto answer = co_await deps_.callouts->post(ctx, target, std::move(review), webhook.timeout, review_answer_bytes_max);
  const rt::Duration took = deps_.runtime->clock().now() - begun;
  const auto timed = [took](Asked out) {
    out.took = took;
    return out;
  };
  if (!answer) {
    const int code = answer.error().code != 0 ? answer.error().code : 503;
    co_return timed(failed("failed to call webhook: " + answer.error().message, answer.error().reason, code));
  }
  const ExpectedReview expected{uid, webhook.review_version, mutating_};
  const bool quick = answer->size() <= quick_answer_bytes_max;
  rt::Executor& where = quick ? rt::Executor::current() : deps_.runtime->long_executor();
  rt::Task<Judged> judging = judge(std::move(*answer), expected);
  Judged verdict = co_await rt::run_on(where, std::move(judging));
  if (!verdict) {
    const char* const what = verdict.error().unreadable ? "failed to call webhook: " : "received invalid webhook response: ";
    co_return timed(failed(what + verdict.error().why, Reason::ServiceUnavailable, 503));
  }
  Asked out;
  if (!verdict->allowed) {
    out = refused(denial(webhook.name, verdict->status));
  }
  out.verdict = std::move(*verdict);
  co_return timed(std::move(out));
}

void WebhookCaller::keep_remarks(const AdmissionAttributes& a, const Webhook& webhook, const Verdict& verdict) const {
  for (const std::string& warning : verdict.warnings) warn(a, warning);
  if (a.audit_annotations == nullptr) return;
  const auto left_out = std::ranges::count_if(verdict.audit_annotations, [&](const auto& annotation) {
    return !a.audit_annotations->add(webhook.name + "/" + annotation.first, annotation.second);
  });
  if (left_out > 0)
    component::log::warning("Audit annotations of a webhook are left out", {{"webhook", webhook.name}, {"count", std::to_string(left_out)}});
}

Result<Unit> WebhookCaller::settle(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook, const Asked& asked,
                                   std::string_view where) const {
  const bool given_up = asked.failure && asked.failure->reason == Reason::Cancelled;
  WebhookMetrics::Call call{.webhook = webhook.name, .mutating = mutating_, .operation = a.operation, .code = asked.code, .took = asked.took};
  call.rejected = asked.refusal || (asked.failure && !webhook.ignore_failure);
  if (deps_.webhook_metrics != nullptr) {
    WebhookMetrics& metrics = *deps_.webhook_metrics;
    metrics.called(call);
    if (call.rejected && !given_up)
      metrics.rejected(call, asked.failure ? "calling_webhook_error" : asked.verdict ? "no_error" : "apiserver_internal_error");
    if (asked.failure && !call.rejected && !given_up) metrics.failed_open(call);
  }
  if (asked.refusal) return Unexpected(*asked.refusal);
  if (!asked.failure) return Unit{};
  const std::string why = fmt::format("failed calling webhook \"{}\": {}", webhook.name, asked.failure->message);
  component::log::warning(call.rejected ? "Failed calling webhook, failing closed" : "Failed calling webhook, failing open",
                          {{"configuration", webhook.configuration}, {"webhook", webhook.name}, {"err", why}});
  if (call.rejected) return Unexpected(errors::internal_error(why));
  if (a.audit_annotations != nullptr && !given_up)
    (void)a.audit_annotations->add(fmt::format("failed-open.{}.webhook.admission.k8s.io/{}", mutating_ ? "mutation" : "validating", where),
                                   webhook.name);
  if (ctx.done()) return Unexpected(timed_out());
  return Unit{};
}

}  // namespace pintle::apiserver::admission::configured
