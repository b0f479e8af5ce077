#include "apiserver/types/request_parameters.h"

#include "apiserver/types/errors.h"
#include "base/parse_number.h"

namespace pintle::apiserver {

namespace {

constexpr std::size_t field_manager_bytes_max = 128;

Status invalid_options(std::string_view kind, std::vector<StatusCause> causes) { return errors::invalid("meta.k8s.io", kind, "", std::move(causes)); }

void check_list_match(const ListParameters& list, std::string_view match, std::vector<StatusCause>& causes) {
  const auto forbid = [&](std::string_view field, std::string why) {
    causes.push_back(errors::cause("FieldValueForbidden", field, "Forbidden: " + why));
  };
  if (!match.empty()) {
    if (list.resource_version.empty()) forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (!list.continue_token.empty()) forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    if (match != "Exact" && match != "NotOlderThan")
      causes.push_back(errors::cause("FieldValueNotSupported", "resourceVersionMatch",
                                     "Unsupported value: \"" + std::string(match) + "\": supported values: \"Exact\", \"NotOlderThan\", \"\""));
    if (match == "Exact" && list.resource_version == "0")
      forbid("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (list.send_initial_events) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
}

void check_watch_match(const ListParameters& list, std::string_view match, std::vector<StatusCause>& causes) {
  const auto forbid = [&](std::string_view field, std::string why) {
    causes.push_back(errors::cause("FieldValueForbidden", field, "Forbidden: " + why));
  };
  if (list.send_initial_events && match != "NotOlderThan")
    forbid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (match.empty()) return;
  if (!list.send_initial_events) forbid("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (match != "NotOlderThan")
    causes.push_back(errors::cause("FieldValueNotSupported", "resourceVersionMatch",
                                   "Unsupported value: \"" + std::string(match) + "\": supported values: \"NotOlderThan\""));
  if (!list.continue_token.empty()) forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
}

std::string_view options_kind(WriteKind kind) {
  switch (kind) {
    case WriteKind::Create: return "CreateOptions";
    case WriteKind::Update: return "UpdateOptions";
    case WriteKind::Patch:
    case WriteKind::ApplyPatch: return "PatchOptions";
  }
  return "";
}

void check_field_manager(std::string_view manager, std::vector<StatusCause>& causes) {
  if (manager.size() > field_manager_bytes_max)
    causes.push_back(errors::cause("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes"));
  for (const char c : manager) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
    causes.push_back(errors::cause("FieldValueInvalid", "fieldManager", "Invalid value: should only contain printable characters"));
    return;
  }
}

}  // namespace

Result<int64_t> parse_resource_version(std::string_view text) {
  if (text.empty()) return 0;
  const auto value = parse_number<int64_t>(text);
  if (!value || *value < 0) return bad_request("resourceVersion \"" + std::string(text) + "\" is no revision of this server");
  return *value;
}

Result<bool> parse_dry_run(const std::vector<std::string_view>& values, std::string_view kind) {
  for (const auto value : values)
    if (value != "All")
      return Unexpected(invalid_options(
          kind, {errors::cause("FieldValueNotSupported", "dryRun", "Unsupported value: \"" + std::string(value) + "\": supported values: \"All\"")}));
  return !values.empty();
}

Result<ListParameters> parse_list_parameters(const Query& query, bool watch) {
  ListParameters list;
  list.label_selector = query.get("labelSelector");
  list.field_selector = query.get("fieldSelector");
  list.watch = watch;
  list.allow_bookmarks = query.boolean("allowWatchBookmarks");
  list.resource_version = query.get("resourceVersion");
  list.continue_token = query.get("continue");
  list.send_initial_events = query.optional_boolean("sendInitialEvents");
  TRY_ASSIGN(const auto limit, query.integer("limit"));
  list.limit = limit && *limit > 0 ? *limit : 0;
  TRY_ASSIGN(list.timeout_seconds, query.integer("timeoutSeconds"));

  const std::string_view match = query.get("resourceVersionMatch");
  std::vector<StatusCause> causes;
  if (list.watch) {
    check_watch_match(list, match, causes);
  } else {
    check_list_match(list, match, causes);
  }
  if (!causes.empty()) return Unexpected(invalid_options("ListOptions", std::move(causes)));
  list.match = match == "Exact" ? VersionMatch::Exact : match == "NotOlderThan" ? VersionMatch::NotOlderThan : VersionMatch::Unset;
  TRY_ASSIGN(list.revision, parse_resource_version(list.resource_version));
  return list;
}

Result<WriteParameters> parse_write_parameters(const Query& query, WriteKind kind) {
  WriteParameters write;
  const std::string_view name = options_kind(kind);
  std::vector<StatusCause> causes;
  for (const auto value : query.get_all("dryRun")) {
    if (value != "All")
      causes.push_back(
          errors::cause("FieldValueNotSupported", "dryRun", "Unsupported value: \"" + std::string(value) + "\": supported values: \"All\""));
    write.dry_run = true;
  }
  write.field_manager = query.get("fieldManager");
  if (kind == WriteKind::ApplyPatch) {
    if (write.field_manager.empty())
      causes.push_back(errors::cause("FieldValueRequired", "fieldManager", "Required value: is required for apply patch"));
    write.force = query.boolean("force");
  } else if (kind == WriteKind::Patch && query.has("force")) {
    causes.push_back(errors::cause("FieldValueForbidden", "force", "Forbidden: may not be specified for non-apply patch"));
  }
  check_field_manager(write.field_manager, causes);
  const std::string_view validation = query.get("fieldValidation");
  if (validation == "Strict") {
    write.validation = FieldValidation::Strict;
  } else if (validation == "Ignore") {
    write.validation = FieldValidation::Ignore;
  } else if (!validation.empty() && validation != "Warn") {
    causes.push_back(errors::cause("FieldValueNotSupported", "fieldValidation",
                                   "Unsupported value: \"" + std::string(validation) + "\": supported values: \"Ignore\", \"Strict\", \"Warn\""));
  }
  if (!causes.empty()) return Unexpected(invalid_options(name, std::move(causes)));
  return write;
}

}  // namespace pintle::apiserver
