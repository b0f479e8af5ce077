// What the API server serves now, built in and custom: for the controllers that treat all resources alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"

namespace pintle::controller::discovery {

struct ServedResource {
  client::Resource resource;
  std::vector<std::string> verbs;
  bool can(std::string_view verb) const;
};

struct ServedResources {
  std::vector<ServedResource> resources;   // each in its group's preferred version (the first that has it); no subresources
  std::vector<std::string> failed_groups;  // "group/version: why": their resources are missing above

  // The resource of a kind, whatever the version says; nullptr: none.
  const ServedResource* of_kind(std::string_view group, std::string_view kind) const;
};

// An error only when the list of groups itself cannot be had.
rt::Task<Result<ServedResources>> discover(client::Client& client, rt::Context ctx);
// The resource of one kind, by asking its group alone: in the preferred version, else in the first that has it. Nothing: there is none.
// `group` and `kind` may be anybody's words.
rt::Task<Result<std::optional<ServedResource>>> find_kind(client::Client& client, rt::Context ctx, std::string group, std::string kind);

}  // namespace pintle::controller::discovery
