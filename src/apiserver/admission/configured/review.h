// AdmissionReview: what a webhook is asked, and what its answer means. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/gen/meta_v1.h"
#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission::configured {

constexpr std::size_t webhook_warnings_max = 512;     // of one answer, and of one request; further ones are dropped
constexpr std::size_t webhook_annotations_max = 512;  // of one answer; the same

// The objects of a request as JSON in one version; "": there is none.
struct ReviewedObjects {
  std::string object;
  std::string old_object;
};

// What a rule has selected, and how the webhook names it.
struct ReviewedAs {
  const GroupResource& resource;
  std::string_view version;
  const api::GroupVersionKind& kind;
};
ReviewedAs reviewed_as(const AdmissionAttributes& a, std::optional<std::size_t> index);

// The JSON of a review. `review_version`: v1 or v1beta1.
std::string encode_review(const AdmissionAttributes& a, const ReviewedAs& as, const ReviewedObjects& objects, std::string_view uid,
                          std::string_view review_version);

struct Verdict {
  bool allowed = false;
  std::optional<api::meta_v1::Status> status;
  std::string patch;       // JSON; "": none
  std::string patch_type;  // "JSONPatch", or what the webhook calls it
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, std::string>> audit_annotations;
};
struct ExpectedReview {
  std::string_view uid;
  std::string_view review_version;
  bool mutating = false;
};
// The text of what is wrong with an answer, as upstream tells it, or the verdict. The second of Failure: whether it could be read at all.
struct ReviewFailure {
  std::string why;
  bool unreadable = false;  // no review: calling has failed
};
Expected<Verdict, ReviewFailure> judge_answer(std::string_view json, const ExpectedReview& expected);

// The refusal of a webhook that does not allow the request.
Status denial(std::string_view webhook, std::optional<api::meta_v1::Status> said);

}  // namespace pintle::apiserver::admission::configured
