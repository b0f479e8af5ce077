#include "apiserver/admission/owner_references/references.h"

#include <gtest/gtest.h>

#include <sstream>

namespace pintle::apiserver::admission::owner_references {
namespace {

// "a b!": uids; one with an exclamation mark keeps its owner from going.
References list(const std::string& text) {
  References out;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    auto& ref = out.emplace_back();
    ref.block_owner_deletion = word.ends_with('!');
    ref.uid = word.substr(0, word.find('!'));
  }
  return out;
}

void check(const std::string& now, const std::string& before, bool changed, const std::string& blocking) {
  EXPECT_EQ(have_changed(list(now), list(before)), changed) << now << " | " << before;
  std::string text;
  for (const auto& ref : newly_blocking(list(now), list(before))) text += (text.empty() ? "" : " ") + ref.uid;
  EXPECT_EQ(text, blocking) << now << " | " << before;
}

TEST(OwnerReferences, WhatARequestBrings) {
  check("", "", false, "");
  check("a", "", true, "");
  check("a!", "", true, "a");
  check("a!", "a!", false, "");
  check("a!", "a", true, "a");
  check("a", "a!", true, "");
  check("a! b!", "b!", true, "a");
  check("", "a!", true, "");
  check("b a", "a b", true, "");
}

}  // namespace
}  // namespace pintle::apiserver::admission::owner_references
