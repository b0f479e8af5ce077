// The API's own errors, with the reason, code and details that upstream answers. Messages are in the form that clients
// show and, here and there, match.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/types/resource_reader.h"
#include "base/status.h"

namespace pintle::apiserver::errors {

// "pods", "deployments.apps".
std::string qualified(const GroupResource& resource);

Status not_found(const GroupResource& resource, std::string_view name);
Status already_exists(const GroupResource& resource, std::string_view name);
Status conflict(const GroupResource& resource, std::string_view name, std::string_view why);
// The message of a write against a state that has moved on.
extern const std::string_view modified_message;
Status invalid(std::string_view group, std::string_view kind, std::string_view name, std::vector<StatusCause> causes);
Status forbidden(const GroupResource& resource, std::string_view name, std::string_view why);
// Details are shown, empty: as of a route that does not exist.
Status no_such_route();
Status method_not_allowed();
Status not_acceptable(bool with_details);
Status unsupported_media_type(bool with_details);
// Of a continue token whose state is compacted; the answer brings another one.
Status expired_continue();
// A resourceVersion that this server has not reached.
Status too_large_resource_version(int64_t wanted, int64_t have);
Status too_many_requests();
// What a server's answer means that brings no Status: `code` is no success, `text` what it said.
Status server_answer(int code, std::string_view text);
// "Internal error occurred: why", the reason a cause of its own.
Status internal_error(std::string_view why);
StatusCause cause(std::string_view type, std::string_view field, std::string message);

}  // namespace pintle::apiserver::errors
