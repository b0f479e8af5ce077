// Base64 (RFC 4648): the standard alphabet with padding, and the URL alphabet without.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pintle::codec {

void append_base64(std::string_view bytes, std::string& out);
std::string base64(std::string_view bytes);
std::string base64_url(std::string_view bytes);  // unpadded, as in JWTs
// Carriage returns and line feeds are passed over, as Go does; nullopt: not base64.
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64_url(std::string_view text);

}  // namespace pintle::codec
