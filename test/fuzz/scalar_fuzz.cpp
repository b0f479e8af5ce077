// Quantity, time, duration and base64: canonical text reads back as itself, arithmetic holds together.
#include "api/values.h"
#include "base/check.h"
#include "codec/base64.h"
#include "driver.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  const std::size_t comma = std::min(input.find('|'), input.size());
  const auto a = api::Quantity::parse(input.substr(0, comma));
  const auto b = api::Quantity::parse(input.substr(std::min(comma + 1, input.size())));
  if (a) {
    const auto again = api::Quantity::parse(a->text());
    CHECK(again && again->text() == a->text(), "canonical text is stable");
    CHECK(*a == *again && a->value() == again->value(), "canonical text means the same");
  }
  if (a && b) {
    const auto order = a->compare(*b);
    CHECK((b->compare(*a) == 0) == (order == 0), "comparison is symmetric");
    const api::Quantity difference = *a - *b, sum = *a + *b;
    CHECK(difference.sign() == (order > 0 ? 1 : order < 0 ? -1 : 0), "the difference has the order's sign");
    CHECK(sum == *b + *a, "addition commutes");
  }
  if (const auto time = api::parse_micro_time(input)) {
    const auto again = api::parse_micro_time(api::format_micro_time(*time));
    if (again) CHECK(again->seconds == time->seconds, "a time is stable");
  }
  if (const auto duration = api::parse_duration(input)) {
    const auto again = api::parse_duration(api::format_duration(*duration));
    CHECK(again && *again == *duration, "a duration is stable");
  }
  if (const auto bytes = codec::decode_base64(input)) CHECK(codec::decode_base64(codec::base64(*bytes)) == *bytes, "base64 is stable");
  CHECK(codec::decode_base64_url(codec::base64_url(input)) == input, "base64url is stable");
}

std::vector<std::string> seeds() {
  return {
      "1500m|1Gi", "1.5Gi|-0.5", "1e3|1E", "100n|12345678901234567890", "2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05+01:00", "1h15m30.918s",
      "-2m3.4s",   "Zm9vYmFy",   "Zg=="};
}
std::vector<std::string> tokens() {
  return {"Ki", "Mi", "Gi", "Ei", "m", "n", "u",  "k", "E", "e", "e-", "e999999999", "000", "999999999999999999",
          ".",  "|",  "-",  "+",  "T", "Z", "ns", "h"};
}

}  // namespace pintle::fuzz
