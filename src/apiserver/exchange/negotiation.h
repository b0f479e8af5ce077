// Content negotiation: which form of answer the Accept header asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apiserver::exchange {

enum class Media : uint8_t { Json, Yaml, Protobuf };
// What the answer is turned into: the object itself, a Table, or its metadata alone (one, or a list of them).
enum class Shape : uint8_t { Object, Table, PartialMetadata, PartialMetadataList, DiscoveryV2, DiscoveryV2Beta1 };

struct OutputForm {
  Media media = Media::Json;
  Shape shape = Shape::Object;
  std::string_view shape_version = "v1";  // of meta.k8s.io: v1 or v1beta1
  bool stream = false;                    // ;stream=watch was asked for
};

// The media type of an answer ("application/json"), and of a watch's stream.
std::string_view content_type(Media media);
std::string_view watch_content_type(Media media);

// What an endpoint can answer.
struct Offer {
  bool yaml = true;
  bool protobuf = true;
  bool table = false;
  bool partial = false;
  bool discovery = false;
};

// NotAcceptable (406) if no clause of `accept` can be met. An empty header means anything.
Result<OutputForm> negotiate(std::string_view accept, const Offer& offer);

// The form of a request body. UnsupportedMediaType (415, without details) for any other; "" is JSON.
Result<Media> body_media(std::string_view content_type);
// "application/json" of "application/json; charset=utf-8".
std::string_view bare_media_type(std::string_view content_type);

}  // namespace pintle::apiserver::exchange
