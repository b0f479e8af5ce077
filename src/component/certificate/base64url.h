// Base64 with the URL alphabet and without padding (RFC 4648 section 5), as JOSE uses it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pintle::component {

std::string base64url_encode(std::string_view bytes);
// nullopt for a character outside the alphabet, padding, or a length that no encoding has.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace pintle::component
