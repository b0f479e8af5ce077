// dra_manager_state, in upstream's form: either kubelet finds what the other wrote. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "kubelet/dynamic_resources/claim_info.h"

namespace pintle::kubelet::dynamic_resources {

inline constexpr const char* claims_file = "dra_manager_state";
constexpr std::size_t claims_file_bytes_max = 64 << 20;  // a larger file is not read

std::string encode_claims(const ClaimInfos& claims);
// None of them counts as prepared. BadRequest: not its form; Conflict: another checksum.
Result<ClaimInfos> decode_claims(std::string_view text);

}  // namespace pintle::kubelet::dynamic_resources
