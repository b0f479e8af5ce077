#include "apimachinery/validation/field_errors.h"

#include <gtest/gtest.h>

#include "codec/cpu_testing.h"

namespace pintle::apimachinery {
namespace {

TEST(FieldErrors, SoManyAreTold) {
  FieldErrors errors, more;
  EXPECT_LT(codec::cpu_seconds([&] {
              for (std::size_t i = 0; i < 300000; ++i) errors.required(FieldPath("spec", "containers").index(i).child("name"));
              for (std::size_t i = 0; i < 300000; ++i) more.required(FieldPath("spec", "volumes").index(i).child("name"));
              errors.append(std::move(more));
            }),
            codec::hostile_seconds_max);
  EXPECT_EQ(errors.size(), 600000u);
  EXPECT_EQ(errors.causes().size(), field_errors_max);
  const Status status = errors.to_status("", "Pod", "p");
  EXPECT_TRUE(
      status.message.starts_with("Pod \"p\" is invalid: [spec.containers[0].name: Required value, spec.containers[1].name: Required value, "));
  EXPECT_TRUE(status.message.ends_with("spec.containers[499].name: Required value, and 599500 more errors]"));
  EXPECT_EQ(status.details.causes.size(), field_errors_max);
}

TEST(FieldErrors, SoMuchIsTold) {
  const std::string large(1 << 20, 'x');
  FieldErrors errors;
  EXPECT_LT(codec::cpu_seconds([&] {
              for (std::size_t i = 0; i < 3000; ++i) errors.invalid(FieldPath("data").key(large).index(i), large, "is wrong");
            }),
            codec::hostile_seconds_max);
  EXPECT_EQ(errors.size(), 3000u);
  EXPECT_EQ(errors.causes().size(), 1u);
  EXPECT_LT(errors.causes()[0].message.size(), shown_value_bytes_max + 100);
  EXPECT_TRUE(errors.to_status("", "ConfigMap", "c").message.ends_with("and 2999 more errors]"));
  // Short of the limits, everything is told in full.
  FieldErrors few;
  few.invalid(FieldPath("a"), std::string(shown_value_bytes_max, 'y'), "is wrong");
  EXPECT_EQ(few.causes()[0].message, "Invalid value: \"" + std::string(shown_value_bytes_max, 'y') + "\": is wrong");
}

TEST(FieldErrors, ValuesAreCutBetweenCharacters) {
  std::string text(shown_value_bytes_max - 1, 'x');
  text += "\xC3\xA9";
  EXPECT_EQ(BadValue(text).shown(), "\"" + std::string(shown_value_bytes_max - 1, 'x') + "\"...");
}

}  // namespace
}  // namespace pintle::apimachinery
