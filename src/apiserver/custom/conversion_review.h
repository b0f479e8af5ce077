// ConversionReview: the question to a conversion webhook and what is made of its answer. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/custom/conversion_metrics.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/version_converter.h"
#include "base/bytes.h"
#include "base/status.h"
#include "codec/limits.h"

namespace pintle::apiserver::custom {

// Memory of what an answer is decoded into, its text aside; then the conversion has failed.
constexpr std::size_t conversion_decoded_bytes_max = codec::decoded_bytes_max;

struct ConversionReview {
  std::string version;  // of the review: "v1"
  std::string uid;
  const registry::VersionBinding* to = nullptr;
  const std::vector<registry::VersionConverter::Item>* items = nullptr;  // at least one; none is in version `to`
};

// The first of those that a webhook takes which are known here; "" if none is.
std::string_view review_version(const std::vector<std::string>& taken);
Bytes review_question(const ConversionReview& review);
// The objects that the answer holds, one for each item, with their items' metadata but for labels and annotations. Errors are upstream's, with the
// reason Unknown, as clients see them.
struct ConversionFailure : Status {
  ConversionFault fault = ConversionFault::Call;
};
Expected<std::vector<api::Object>, ConversionFailure> read_review_answer(const ConversionReview& review, std::string_view answer);
// What comes of a webhook that cannot be asked.
ConversionFailure review_failure(const ConversionReview& review, std::string_view why);

}  // namespace pintle::apiserver::custom
