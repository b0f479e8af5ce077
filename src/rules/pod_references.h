// What of the API a pod refers to. A node may read what its pods name. A static pod may name nothing: it runs without the API, and the API
// server refuses its mirror, through which a node would give itself the right to read what it names. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::rules {

enum class StoredKind : uint8_t { Secret, ConfigMap };

// A field of a pod by its place: "spec.volumes[0].projected.sources[2].secret".
struct PodField {
  static constexpr std::size_t whole = std::size_t(-1);  // of the list: no index
  const char* list;
  std::size_t index = whole;
  const char* inner = "";
  std::size_t inner_index = whole;
  const char* last = "";
  std::string text() const;
};

// Each Secret and ConfigMap that the spec names: pull secrets, containers' environment, volumes. A name may be empty.
using VisitStored = std::function<void(StoredKind kind, const std::string& name, const PodField& field)>;
void each_stored_reference(const api::core_v1::PodSpec& spec, const VisitStored& visit);
// Their names: sorted, each once, none empty.
std::vector<std::string> secret_names(const api::core_v1::Pod& pod);
std::vector<std::string> config_map_names(const api::core_v1::Pod& pod);

struct ApiReference {
  std::string kind;   // upstream's words: "secrets", "csidrivers (via CSI volumes)"
  std::string field;  // "spec.volumes[0].csi"
};
// The one that is told of: a service account before secrets, those before config maps, those before resource claims and the rest; of equal
// ones the first. nullopt: none.
std::optional<ApiReference> api_reference(const api::core_v1::Pod& pod);

}  // namespace pintle::rules
