// The OpenAPI documents of the built-in API. Each is made when asked for and kept by nobody; what is costly about them
// is their size (v2: about two megabytes), so callers answer and let go. `served` is what they describe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery::openapi {

using Served = std::span<const ServedGroupVersion>;

// GET /openapi/v2: JSON, or the protobuf form of the media type application/com.github.proto-openapi.spec.v2@v1.0+protobuf,
// which is the only one that client-go asks for.
std::string v2_json(Served served);
std::string v2_proto(Served served);

// GET /openapi/v3/<name>: "api/v1", "apis/apps/v1", "apis/apps", "version" ...; nullopt: no such document.
std::optional<std::string> v3_json(Served served, std::string_view name);

// The names and the hashes of the version 3 documents. A hash changes when its document does; it is made without
// making the document.
std::vector<std::pair<std::string, std::string>> v3_hashes(Served served);
// GET /openapi/v3: where each document is, its hash in the query.
std::string v3_index(const std::vector<std::pair<std::string, std::string>>& documents);

}  // namespace pintle::apimachinery::openapi
