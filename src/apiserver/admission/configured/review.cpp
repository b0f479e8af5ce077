#include "apiserver/admission/configured/review.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/gen/admission_v1.h"
#include "api/header.h"
#include "api/untrusted.h"
#include "apiserver/admission/configured/matching.h"
#include "apiserver/authentication/reviews.h"
#include "apiserver/types/errors.h"
#include "codec/json_text.h"

namespace pintle::apiserver::admission::configured {

namespace {

namespace wire = api::admission_v1;

api::meta_v1::GroupVersionKind wire_kind(const api::GroupVersionKind& kind) {
  api::meta_v1::GroupVersionKind out;
  out.group = kind.group;
  out.version = kind.version;
  out.kind = kind.kind;
  return out;
}

api::meta_v1::GroupVersionResource wire_resource(const ReviewedAs& as) {
  api::meta_v1::GroupVersionResource out;
  out.group = as.resource.group;
  out.version = as.version;
  out.resource = as.resource.resource;
  return out;
}

// CreateOptions and their like.
std::string encode_options(const api::Object* options) {
  if (options == nullptr) return {};
  const std::string_view name = options->type().name;
  const api::GroupVersionKind kind{"meta.k8s.io", "v1", name.substr(name.rfind('.') + 1)};
  std::string out;
  api::encode_json(options->type(), options->data(), out, &kind);
  return out;
}

Unexpected<ReviewFailure> invalid(std::string why) { return Unexpected(ReviewFailure{std::move(why), false}); }

// "admission.k8s.io/v1, Kind=AdmissionReview".
std::string shown_kind(std::string_view api_version, std::string_view kind) {
  return fmt::format("{}, Kind={}",
                     api_version.empty()                         ? "/"
                     : api_version.find('/') == api_version.npos ? fmt::format("/{}", api_version)
                                                                 : api_version,
                     kind);
}

Expected<Unit, ReviewFailure> check_patch(const wire::AdmissionResponse& response, bool mutating) {
  if (!mutating) {
    if (!response.patch.empty()) return invalid("validating webhook may not return response.patch");
    if (response.patch_type) return invalid("validating webhook may not return response.patchType");
    return Unit{};
  }
  if (!response.patch.empty() && !response.patch_type) return invalid("webhook returned response.patch but not response.patchType");
  if (response.patch.empty() && response.patch_type) return invalid("webhook returned response.patchType but not response.patch");
  if (response.patch_type && response.patch_type->empty()) return invalid("webhook returned invalid response.patchType of \"\"");
  return Unit{};
}

Reason reason_of(std::string_view name) {
  for (int i = 1; i < static_cast<int>(Reason::Cancelled); ++i)
    if (reason_name(static_cast<Reason>(i)) == name) return static_cast<Reason>(i);
  return Reason::Unknown;
}

}  // namespace

ReviewedAs reviewed_as(const AdmissionAttributes& a, std::optional<std::size_t> index) {
  if (!index) return {a.resource, a.version, a.kind};
  const ServedAs& served = a.versions->served()[*index];
  return {served.resource, served.version, served.kind};
}

std::string encode_review(const AdmissionAttributes& a, const ReviewedAs& as, const ReviewedObjects& objects, std::string_view uid,
                          std::string_view review_version) {
  const ReviewedAs requested = reviewed_as(a, a.versions != nullptr ? std::optional(a.requested) : std::nullopt);
  wire::AdmissionReview review;
  auto& request = review.request.emplace();
  request.uid = uid;
  request.kind = wire_kind(as.kind);
  request.resource = wire_resource(as);
  request.sub_resource = a.subresource;
  request.request_kind.emplace() = wire_kind(requested.kind);
  request.request_resource.emplace() = wire_resource(requested);
  request.request_sub_resource = a.subresource;
  request.name = a.name;
  request.namespace_ = a.ns.empty() && a.is("", "namespaces") ? a.name : a.ns;
  request.operation = operation_name(a.operation);
  if (a.user != nullptr) request.user_info = authentication::to_api(*a.user);
  request.object.raw = objects.object;
  request.old_object.raw = objects.old_object;
  request.dry_run = a.dry_run;
  request.options.raw = encode_options(a.options);
  const api::GroupVersionKind kind{"admission.k8s.io", review_version, "AdmissionReview"};
  std::string out;
  out.reserve(objects.object.size() + objects.old_object.size() + 2048);
  api::encode_json(api::type_of<wire::AdmissionReview>(), &review, out, &kind);
  return out;
}

Expected<Verdict, ReviewFailure> judge_answer(std::string_view json, const ExpectedReview& expected) {
  const auto unreadable = [](std::string why) { return Unexpected(ReviewFailure{std::move(why), true}); };
  const auto header = api::peek_json(json);
  if (!header) return unreadable("couldn't get version/kind; json parse error: " + header.error().message);
  wire::AdmissionReview review;
  const auto read = api::decode_untrusted_json(json, api::type_of<wire::AdmissionReview>(), &review);
  if (!read) return unreadable(read.error().message);
  if (!review.response) return invalid("webhook response was absent");
  wire::AdmissionResponse& response = *review.response;
  if (expected.review_version == "v1") {
    if (response.uid != expected.uid)
      return invalid(fmt::format("expected response.uid={}, got {}", codec::go_quote(expected.uid), codec::go_quote(response.uid)));
    const std::string got = shown_kind(header->api_version, header->kind);
    const std::string wanted = shown_kind("admission.k8s.io/v1", "AdmissionReview");
    if (got != wanted) return invalid(fmt::format("expected webhook response of {}, got {}", wanted, got));
    const auto fits = check_patch(response, expected.mutating);
    if (!fits) return Unexpected(fits.error());
  }
  Verdict out;
  out.allowed = response.allowed;
  if (response.status) out.status = std::move(*response.status);
  if (expected.mutating) {
    out.patch = std::move(response.patch);
    out.patch_type = expected.review_version == "v1" ? response.patch_type.value_or("") : "JSONPatch";
  }
  out.warnings = std::move(response.warnings);
  if (out.warnings.size() > webhook_warnings_max) out.warnings.resize(webhook_warnings_max);
  for (auto& [key, text] : response.audit_annotations) {
    if (out.audit_annotations.size() == webhook_annotations_max) break;
    out.audit_annotations.emplace_back(key, std::move(text));
  }
  return out;
}

namespace {

// What of a webhook's status no field of ours has a word for; empty if there is nothing.
Box<ForeignStatus> foreign_of(const api::meta_v1::Status& said, Reason known) {
  ForeignStatus out;
  if (said.status != "Success" && said.status != "Failure") out.status = said.status;
  if (known == Reason::Unknown) out.reason = said.reason;
  api::encode_json(api::type_of<api::meta_v1::ListMeta>(), &said.metadata, out.metadata_json);
  if (out.metadata_json == "{}") out.metadata_json.clear();
  if (out.status.empty() && out.reason.empty() && out.metadata_json.empty()) return {};
  return out;
}

}  // namespace

Status denial(std::string_view webhook, std::optional<api::meta_v1::Status> said) {
  const std::string by = fmt::format("admission webhook \"{}\" denied the request", webhook);
  Status out{Reason::Unknown, 400, by + " without explanation", {}};
  if (!said) return out;
  if (said->code >= 400) out.code = said->code;
  out.reason = reason_of(said->reason);
  if (!said->message.empty())
    out.message = fmt::format("{}: {}", by, said->message);
  else if (!said->reason.empty())
    out.message = fmt::format("{}: {}", by, said->reason);
  out.foreign = foreign_of(*said, out.reason);
  if (!said->details) return out;
  out.details.shown = true;
  out.details.name = said->details->name;
  out.details.group = said->details->group;
  out.details.kind = said->details->kind;
  out.details.uid = said->details->uid;
  out.details.retry_after_seconds = said->details->retry_after_seconds;
  for (const auto& cause : said->details->causes) out.details.causes.push_back({cause.reason, cause.message, cause.field});
  return out;
}

}  // namespace pintle::apiserver::admission::configured
