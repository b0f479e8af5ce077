#include "controller/volume_binder/fit_index.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::volume_binder {
namespace {

// "kind modes size": modes as a number, a bit each.
Fit fit(const std::string& text) {
  const auto words = testing::split(text, ' ');
  return {words[0], static_cast<uint8_t>(std::stoi(words[1])), *api::Quantity::parse(words[2])};
}

FitIndex index_of(const std::string& text) {
  FitIndex out;
  for (const std::string& one : testing::split(text, ',')) {
    const auto at = one.find(' ');
    out.put(one.substr(0, at), fit(one.substr(at + 1)));
  }
  return out;
}

void check_for_claim(const std::string& volumes, const std::string& claim, const std::string& want) {
  std::string met;
  EXPECT_FALSE(index_of(volumes).for_claim(fit(claim), [&](const std::string& name) {
    met += name;
    return false;
  }));
  EXPECT_EQ(met, want) << claim << " among " << volumes;
}

void check_for_volume(const std::string& claims, const std::string& volume, const std::string& want) {
  std::string met;
  EXPECT_FALSE(index_of(claims).for_volume(fit(volume), [&](const std::string& name) {
    met += name;
    return false;
  }));
  EXPECT_EQ(met, want) << volume << " among " << claims;
}

TEST(FitIndex, VolumesForAClaim) {
  check_for_claim("", "k 1 1Gi", "");
  check_for_claim("a k 1 3Gi,b k 1 1Gi,c k 1 1023Mi,d k 1 2Gi", "k 1 1Gi", "bda");
  check_for_claim("a k 1 1Gi,b l 1 1Gi,c j 1 1Gi", "k 1 1Gi", "a");
  check_for_claim("a k 7 1Gi,b k 3 9Gi,c k 1 5Gi,d k 4 1Gi,e k 5 2Gi", "k 1 1Gi", "cbea");
  check_for_claim("a k 7 1Gi,b k 3 9Gi,c k 1 5Gi", "k 3 1Gi", "ba");
}

TEST(FitIndex, ClaimsForAVolume) {
  check_for_volume("a k 1 3Gi,b k 1 1Gi,c k 1 2Gi,d l 1 1Gi", "k 1 2Gi", "cb");
  check_for_volume("a k 1 1Gi,b k 3 1Gi,c k 4 1Gi", "k 3 1Gi", "ab");
}

TEST(FitIndex, WhatChangesMoves) {
  FitIndex index = index_of("a k 1 1Gi,b k 1 2Gi");
  index.put("a", fit("k 1 5Gi"));
  index.put("a", fit("k 1 5Gi"));
  index.erase("c");
  EXPECT_EQ(index.size(), 2u);
  std::string met;
  EXPECT_TRUE(index.for_claim(fit("k 1 1Gi"), [&](const std::string& name) {
    met += name;
    return name == "b";
  }));
  EXPECT_EQ(met, "b");
  index.erase("b");
  index.erase("a");
  EXPECT_FALSE(index.for_claim(fit("k 1 1Gi"), [](const std::string&) { return true; }));
}

// What a look costs does not grow with those that do not fit.
TEST(FitIndex, MeetsThoseThatMayDoAlone) {
  FitIndex index;
  for (int i = 0; i < 10000; ++i) index.put("v" + std::to_string(i), fit("k" + std::to_string(i % 100) + " 1 " + std::to_string(i + 1) + "Mi"));
  int met = 0;
  EXPECT_TRUE(index.for_claim(fit("k42 1 9000Mi"), [&](const std::string&) {
    ++met;
    return true;
  }));
  EXPECT_FALSE(index.for_claim(fit("k42 1 10Gi"), [&](const std::string&) {
    ++met;
    return true;
  }));
  EXPECT_EQ(met, 1);
}

}  // namespace
}  // namespace pintle::controller::volume_binder
