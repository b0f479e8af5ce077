// The options of a request, read from its parameters and checked: metav1's ListOptions, CreateOptions, UpdateOptions,
// PatchOptions. A value out of its set is Invalid with the options' kind in the details, as upstream answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apiserver/types/query.h"
#include "base/status.h"

namespace pintle::apiserver {

enum class VersionMatch : uint8_t { Unset, Exact, NotOlderThan };

struct ListParameters {
  std::string label_selector;
  std::string field_selector;
  bool watch = false;
  bool allow_bookmarks = false;
  std::string resource_version;  // "": not given
  int64_t revision = 0;          // resource_version as a number
  VersionMatch match = VersionMatch::Unset;
  std::optional<int64_t> timeout_seconds;
  int64_t limit = 0;  // 0: no limit
  std::string continue_token;
  std::optional<bool> send_initial_events;
};
// `watch`: the path is one of the watch prefix.
Result<ListParameters> parse_list_parameters(const Query& query, bool watch);

enum class FieldValidation : uint8_t { Ignore, Warn, Strict };
enum class WriteKind : uint8_t { Create, Update, Patch, ApplyPatch };

struct WriteParameters {
  bool dry_run = false;
  std::string field_manager;  // "": the user agent's
  FieldValidation validation = FieldValidation::Warn;
  bool force = false;
};
Result<WriteParameters> parse_write_parameters(const Query& query, WriteKind kind);

// A resourceVersion: "" is 0. BadRequest for what is no number.
Result<int64_t> parse_resource_version(std::string_view text);
// True if each of `values` is "All"; NotSupported otherwise.
Result<bool> parse_dry_run(const std::vector<std::string_view>& values, std::string_view options_kind);

}  // namespace pintle::apiserver
