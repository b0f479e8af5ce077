// Secrets of a request, kept out of what is shown. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/flat_map.h"

namespace pintle::csi {

// What stands for a secret, as in upstream's logs.
inline constexpr std::string_view stripped = "***stripped***";
// Shorter values say nothing, and are found in any text.
constexpr std::size_t secret_bytes_min = 4;
// Of the volume's context: the pod's tokens, when a driver wants them there.
inline constexpr std::string_view tokens_key = "csi.storage.k8s.io/serviceAccount.tokens";

// The values of `secrets`, and the tokens of `volume_context`, that are to be stripped.
std::vector<std::string> secret_values(const FlatMap<std::string>& secrets, const FlatMap<std::string>& volume_context);
// `text` without them, longest first.
std::string redact(std::string text, const std::vector<std::string>& values);

}  // namespace pintle::csi
