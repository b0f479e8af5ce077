#include "apiserver/admission/configured/review.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"
#include "codec/json.h"

namespace pintle::apiserver::admission::configured {
namespace {

TEST(Review, Encoding) {
  api::meta_v1::CreateOptions options;
  options.field_manager = "me";
  const api::Object held = api::Object::of(std::move(options));
  UserInfo user;
  user.name = "u";
  user.groups = {"g"};
  user.extra["k"] = {"v"};
  AdmissionAttributes a;
  a.operation = Operation::Update;
  a.kind = {"", "v1", "Pod"};
  a.resource = {"", "pods"};
  a.version = "v1";
  a.subresource = "status";
  a.ns = "ns";
  a.name = "p";
  a.user = &user;
  a.options = &held;
  const std::string text = encode_review(a, reviewed_as(a, std::nullopt), {R"({"kind":"Pod"})", ""}, "the-uid", "v1beta1");
  EXPECT_EQ(text,
            R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"the-uid",)"
            R"("kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"subResource":"status",)"
            R"("requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},)"
            R"("requestSubResource":"status","name":"p","namespace":"ns","operation":"UPDATE",)"
            R"("userInfo":{"username":"u","groups":["g"],"extra":{"k":["v"]}},"object":{"kind":"Pod"},"oldObject":null,"dryRun":false,)"
            R"("options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"me"}}})");
  a.resource = {"", "namespaces"};
  a.ns.clear();
  a.options = nullptr;
  const auto told = codec::parse_json(encode_review(a, reviewed_as(a, std::nullopt), {}, "u", "v1"));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->find("request")->string_at("namespace"), "p") << "a namespace is in itself";
  EXPECT_TRUE(told->find("request")->find("options")->is_null());
}

std::string judged(std::string_view json, bool mutating, std::string_view version = "v1") {
  const auto verdict = judge_answer(json, {"u", version, mutating});
  if (!verdict) return (verdict.error().unreadable ? "unreadable: " : "invalid: ") + verdict.error().why;
  return std::string(verdict->allowed ? "allowed" : "denied") + " " + verdict->patch_type + " " + verdict->patch;
}

std::string answer(std::string_view response, std::string_view version = "v1") {
  return R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/)" + std::string(version) + R"(","response":{)" + std::string(response) + "}}";
}

TEST(Review, Answers) {
  EXPECT_EQ(judged(answer(R"("uid":"u","allowed":true)"), false), "allowed  ");
  EXPECT_EQ(judged(answer(R"("uid":"u")"), false), "denied  ");
  EXPECT_EQ(judged(answer(R"("uid":"u","allowed":true,"patchType":"JSONPatch","patch":"W10=")"), true), "allowed JSONPatch []");
  EXPECT_EQ(judged(answer(R"("uid":"v","allowed":true)"), false), "invalid: expected response.uid=\"u\", got \"v\"");
  EXPECT_EQ(judged(R"({"response":{"uid":"u"}})", false),
            "invalid: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=");
  EXPECT_EQ(judged(answer(R"("uid":"u")", "v1beta1"), false),
            "invalid: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1, Kind=AdmissionReview");
  EXPECT_EQ(judged(R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})", false), "invalid: webhook response was absent");
  EXPECT_EQ(judged(answer(R"("uid":"u","patch":"W10=")"), true), "invalid: webhook returned response.patch but not response.patchType");
  EXPECT_EQ(judged(answer(R"("uid":"u","patchType":"JSONPatch")"), true), "invalid: webhook returned response.patchType but not response.patch");
  EXPECT_EQ(judged(answer(R"("uid":"u","patch":"W10=","patchType":"")"), true), "invalid: webhook returned invalid response.patchType of \"\"");
  EXPECT_EQ(judged(answer(R"("uid":"u","patch":"W10=")"), false), "invalid: validating webhook may not return response.patch");
  EXPECT_EQ(judged(answer(R"("uid":"u","patchType":"JSONPatch")"), false), "invalid: validating webhook may not return response.patchType");
  EXPECT_EQ(judged(answer(R"("allowed":true,"patch":"W10=")", "v1beta1"), true, "v1beta1"), "allowed JSONPatch []") << "v1beta1 was never as strict";
  EXPECT_TRUE(judged("hello", false).starts_with("unreadable: "));
  EXPECT_TRUE(judged(R"({"response":7})", false).starts_with("unreadable: "));
  EXPECT_TRUE(judged(answer(R"("uid":"u","patch":"%")"), true).starts_with("unreadable: "));
}

TEST(Review, RemarksWithoutMeasure) {
  std::string warnings, annotations;
  for (int i = 0; i < 100000; ++i) {
    warnings += (i == 0 ? "\"w" : ",\"w") + std::to_string(i) + "\"";
    annotations += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":\"\"";
  }
  const auto verdict = judge_answer(answer(R"("uid":"u","allowed":true,"warnings":[)" + warnings + R"(],"auditAnnotations":{)" + annotations + "}"),
                                    {"u", "v1", false});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->warnings.size(), webhook_warnings_max);
  EXPECT_EQ(verdict->warnings.front(), "w0");
  EXPECT_EQ(verdict->audit_annotations.size(), webhook_annotations_max);
}

TEST(Review, Denials) {
  const auto told = [](std::string_view reason, std::string_view message, int32_t code) {
    api::meta_v1::Status said;
    said.reason = reason;
    said.message = message;
    said.code = code;
    const Status out = denial("w", said);
    return std::to_string(out.code) + " " + std::string(reason_name(out.reason)) + " " + out.message;
  };
  EXPECT_EQ(told("", "", 0), "400  admission webhook \"w\" denied the request without explanation");
  EXPECT_EQ(told("Forbidden", "", 403), "403 Forbidden admission webhook \"w\" denied the request: Forbidden");
  EXPECT_EQ(told("Forbidden", "no", 200), "400 Forbidden admission webhook \"w\" denied the request: no");
  EXPECT_EQ(denial("w", std::nullopt).code, 400);
}

}  // namespace
}  // namespace pintle::apiserver::admission::configured
