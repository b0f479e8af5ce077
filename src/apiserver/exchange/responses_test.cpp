#include "apiserver/exchange/responses.h"

#include <gtest/gtest.h>

#include "apiserver/admission/configured/review.h"

namespace pintle::apiserver::exchange {
namespace {

// The answer that a client reads of a webhook that denies with `status`.
std::string denied(std::string_view status) {
  auto verdict = admission::configured::judge_answer(
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u","allowed":false,"status":)" + std::string(status) + "}}",
      {"u", "v1", false});
  if (!verdict || !verdict->status) return "no verdict";
  return std::string(encode_failure(Media::Json, admission::configured::denial("w", std::move(verdict->status))).view());
}

TEST(Responses, WebhooksDenials) {
  const std::string head = R"({"kind":"Status","apiVersion":"v1","metadata":)";
  const std::string by = R"("message":"admission webhook \"w\" denied the request)";
  EXPECT_EQ(denied("{}"), head + R"({},"status":"Failure",)" + by + " without explanation\",\"code\":400}\n");
  EXPECT_EQ(denied(R"({"reason":"My own reason"})"),
            head + R"({},"status":"Failure",)" + by + R"(: My own reason","reason":"My own reason","code":400})" + "\n");
  EXPECT_EQ(denied(R"({"metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":2},"message":"no","reason":"Forbidden","code":403})"),
            head + R"({"resourceVersion":"7","continue":"c","remainingItemCount":2},"status":"Failure",)" + by +
                R"(: no","reason":"Forbidden","code":403})" + "\n");
  EXPECT_EQ(denied(R"({"status":"Success","message":"no","details":{}})"),
            head + R"({},"status":"Failure",)" + by + R"(: no","details":{},"code":400})" + "\n");
  EXPECT_EQ(denied(R"({"status":"Undecided","message":"no","code":418})"), head + R"({},"status":"Undecided",)" + by + R"(: no","code":418})" + "\n")
      << "a word that is neither Success nor Failure passes";
  EXPECT_EQ(
      denied(
          R"({"message":"no","details":{"name":"n","group":"g","kind":"k","uid":"u","causes":[{"reason":"r","message":"m","field":"f"}],"retryAfterSeconds":3}})"),
      head + R"({},"status":"Failure",)" + by +
          R"(: no","details":{"name":"n","group":"g","kind":"k","uid":"u","causes":[{"reason":"r","message":"m","field":"f"}],"retryAfterSeconds":3},"code":400})" +
          "\n");
}

}  // namespace
}  // namespace pintle::apiserver::exchange
