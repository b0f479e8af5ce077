// For tests of commands: flags from text, as the command line has them.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "component/flags.h"

namespace pintle::cmd::testing {

inline Result<component::FlagSet> try_flags(std::span<const component::FlagSpec> specs, const std::vector<std::string>& arguments) {
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  component::FlagSet flags("test", specs);
  TRY(flags.parse(pointers));
  return flags;
}

inline component::FlagSet flags_of(std::span<const component::FlagSpec> specs, const std::vector<std::string>& arguments) {
  auto flags = try_flags(specs, arguments);
  EXPECT_TRUE(flags) << (flags ? "" : flags.error().message);
  return flags ? std::move(*flags) : component::FlagSet("test", specs);
}

}  // namespace pintle::cmd::testing
