#include "apimachinery/pod_logs/log_options.h"

#include "base/parse_number.h"

namespace pintle::apimachinery {

namespace {

using api::core_v1::PodLogOptions;

// As upstream's conversion of query values: there and empty is true.
bool read_bool(const net::Query& query, std::string_view name) {
  const auto it = query.find(name);
  if (it == query.end() || it->second.empty()) return false;
  std::string text = it->second.front();
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text != "false" && text != "0";
}

Result<std::optional<int64_t>> read_number(const net::Query& query, std::string_view name) {
  const auto it = query.find(name);
  if (it == query.end() || it->second.empty()) return std::nullopt;
  const std::string& text = it->second.front();
  const auto number = parse_number<int64_t>(text);
  if (!number) return bad_request(std::string(name) + ": \"" + text + "\" is not a number");
  return number;
}

}  // namespace

Result<PodLogOptions> parse_log_options(const net::Query& query) {
  PodLogOptions options;
  options.container = net::query_get(query, "container");
  options.follow = read_bool(query, "follow");
  options.previous = read_bool(query, "previous");
  options.timestamps = read_bool(query, "timestamps");
  options.insecure_skip_tls_verify_backend = read_bool(query, "insecureSkipTLSVerifyBackend");
  TRY_ASSIGN(options.since_seconds, read_number(query, "sinceSeconds"));
  TRY_ASSIGN(options.tail_lines, read_number(query, "tailLines"));
  TRY_ASSIGN(options.limit_bytes, read_number(query, "limitBytes"));
  if (const std::string_view since = net::query_get(query, "sinceTime"); !since.empty()) {
    TRY_ASSIGN(options.since_time, api::parse_time(since));
  }
  if (query.contains("stream")) options.stream = std::string(net::query_get(query, "stream"));
  return options;
}

FieldErrors validate_log_options(const PodLogOptions& options) {
  static constexpr std::string_view streams[] = {log_stream_all, log_stream_stderr, log_stream_stdout};
  FieldErrors errors;
  if (options.tail_lines && *options.tail_lines < 0)
    errors.invalid(FieldPath("tailLines"), *options.tail_lines, "must be greater than or equal to 0");
  if (options.limit_bytes && *options.limit_bytes < 1) errors.invalid(FieldPath("limitBytes"), *options.limit_bytes, "must be greater than 0");
  if (options.since_seconds && options.since_time) {
    errors.forbidden(FieldPath(""), "at most one of `sinceTime` or `sinceSeconds` may be specified");
  } else if (options.since_seconds && *options.since_seconds < 1) {
    errors.invalid(FieldPath("sinceSeconds"), *options.since_seconds, "must be greater than 0");
  }
  if (!options.stream || *options.stream == log_stream_all) return errors;
  if (*options.stream != log_stream_stdout && *options.stream != log_stream_stderr)
    errors.not_supported(FieldPath("stream"), *options.stream, streams);
  if (options.tail_lines) errors.forbidden(FieldPath(""), "`tailLines` and specific `stream` are mutually exclusive for now");
  return errors;
}

net::Query log_options_query(const PodLogOptions& options) {
  net::Query query;
  const auto flag = [&](const char* name, bool on) {
    if (on) query[name] = {"true"};
  };
  const auto number = [&](const char* name, const std::optional<int64_t>& value) {
    if (value) query[name] = {std::to_string(*value)};
  };
  flag("follow", options.follow);
  flag("previous", options.previous);
  flag("timestamps", options.timestamps);
  number("sinceSeconds", options.since_seconds);
  number("tailLines", options.tail_lines);
  number("limitBytes", options.limit_bytes);
  if (options.since_time) query["sinceTime"] = {api::format_time(*options.since_time)};
  if (options.stream) query["stream"] = {*options.stream};
  return query;
}

}  // namespace pintle::apimachinery
