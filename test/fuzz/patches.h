// What the patch targets share: inputs are `{"document": …, "patch": …}`.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/status.h"
#include "codec/json.h"

namespace pintle::fuzz {

// The document and the patch; nullopt if the input is no such pair.
inline std::optional<std::pair<codec::Value, codec::Value>> split_patch(std::string_view input) {
  const auto both = codec::parse_json(input);
  if (!both) return std::nullopt;
  const codec::Value* document = both->find("document");
  const codec::Value* patch = both->find("patch");
  if (document == nullptr || patch == nullptr) return std::nullopt;
  return std::pair{*document, *patch};
}

// Whatever a patch says, its result is a document that can be stored and read.
inline void check_document(const Result<codec::Value>& result) {
  if (!result) return;
  const auto again = codec::parse_json(codec::to_json(*result));
  CHECK(again && codec::to_json(*again) == codec::to_json(*result), "the result of a patch is a document");
}

}  // namespace pintle::fuzz
