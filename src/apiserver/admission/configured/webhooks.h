// What mutating and validating webhooks have in common: who is asked about a request, the call, and what becomes of its failure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/configured/request_views.h"
#include "apiserver/admission/configured/webhook_table.h"

namespace pintle::apiserver::admission::configured {

constexpr std::size_t validating_at_once_max = 32;          // calls of one request; the others follow as these end
constexpr std::size_t review_answer_bytes_max = 8 << 20;    // a patch of the biggest object, in base64, and some
constexpr std::size_t webhook_warning_bytes_max = 4 << 10;  // of one of them; as much as all together are shown

// A webhook whose rules select the request.
struct Wanted {
  uint32_t index;  // in Webhooks::all()
  std::optional<std::size_t> version;
};

// What came of asking one webhook.
struct Asked {
  std::optional<Verdict> verdict;  // it allows the request
  std::optional<Status> refusal;   // it does not, or cannot be asked at all
  std::optional<Status> failure;   // it could not be asked, or answered badly: its failure policy decides
  int code = 200;                  // for the metrics
  rt::Duration took{};
};

class WebhookCaller {
 public:
  WebhookCaller(const AdmissionDeps& deps, bool mutating);

  // nullptr: there are no webhooks at all.
  std::shared_ptr<const Webhooks> webhooks() { return table_.now(); }
  // By their rules, which look at no object. None for the configurations themselves: whoever wrote a wrong one must be able to take it back.
  std::vector<Wanted> wanted(const Webhooks& webhooks, const AdmissionAttributes& a) const;
  bool any_wanted(const AdmissionAttributes& a);
  // By the labels, as they are now, and its conditions. Forbidden where these cannot be evaluated and the webhook must not be skipped.
  rt::Task<Result<bool>> matches(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook, std::optional<std::size_t> version,
                                 RequestViews& views) const;
  // Everything outlives the task.
  rt::Task<Asked> ask(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook, std::optional<std::size_t> version,
                      const ReviewedObjects& objects) const;
  // Warnings and annotations of a verdict go to where `a` collects them.
  void keep_remarks(const AdmissionAttributes& a, const Webhook& webhook, const Verdict& verdict) const;
  // Counts it, and tells whether the request is over: a refusal, or a failure that the policy does not ignore. `where`: "round_0_index_1".
  Result<Unit> settle(rt::Context ctx, const AdmissionAttributes& a, const Webhook& webhook, const Asked& asked, std::string_view where) const;
  bool mutating() const { return mutating_; }

 private:
  const AdmissionDeps deps_;
  const bool mutating_;
  WebhookTable table_;
};

}  // namespace pintle::apiserver::admission::configured
