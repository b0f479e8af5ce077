// What tells one version of a document from another, for ETags and the hashes of OpenAPI documents.
#pragma once

#include <string>
#include <string_view>

namespace pintle::apimachinery {

// 32 hexadecimal digits that differ where the bytes do; not for secrets.
std::string content_hash(std::string_view bytes);
// The same in quotes, as an ETag has it.
std::string etag_of(std::string_view bytes);

}  // namespace pintle::apimachinery
