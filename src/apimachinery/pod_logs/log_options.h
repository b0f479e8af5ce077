// PodLogOptions from a query, as the API server and the kubelet both read them.
#pragma once

#include "api/gen/core_v1.h"
#include "apimachinery/validation/field_errors.h"
#include "net/url.h"

namespace pintle::apimachinery {

inline constexpr std::string_view log_stream_all = "All";
inline constexpr std::string_view log_stream_stdout = "Stdout";
inline constexpr std::string_view log_stream_stderr = "Stderr";

// BadRequest on a number or time that is none. Unknown names are left out.
Result<api::core_v1::PodLogOptions> parse_log_options(const net::Query& query);
FieldErrors validate_log_options(const api::core_v1::PodLogOptions& options);
// The query that hands them on; names in order, absent ones left out.
net::Query log_options_query(const api::core_v1::PodLogOptions& options);

}  // namespace pintle::apimachinery
