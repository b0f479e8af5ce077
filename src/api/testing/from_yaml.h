// For tests: API objects, and parts of them, from YAML. What cannot be read fails the test that says it.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "api/codec.h"
#include "codec/yaml.h"

namespace pintle::api::testing {

// Nothing in the text: a value-initialized T.
template <class T>
T from_yaml(std::string_view yaml) {
  T out;
  const auto value = codec::parse_yaml(yaml);
  EXPECT_TRUE(value) << yaml;
  if (!value || value->is_null()) return out;
  DecodeReport report;
  const auto decoded = decode_value(*value, type_of<T>(), &out, Strictness::Collect, &report);
  EXPECT_TRUE(decoded) << yaml << ": " << (decoded ? "" : decoded.error().message);
  EXPECT_TRUE(report.problems.empty()) << yaml << ": " << (report.problems.empty() ? "" : report.problems[0]);
  return out;
}

}  // namespace pintle::api::testing
