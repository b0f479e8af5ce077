// In whose name a request goes on to an aggregated server: headers that it believes from this server's client certificate. Pure.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/types/user_info.h"
#include "base/status.h"
#include "net/http.h"

namespace pintle::apiserver::aggregation {

// Takes away whatever names a user already and says who this one is: X-Remote-User, -Uid, -Group, -Extra-<key>. ServiceUnavailable, with nothing
// set, if a name holds what no header can: it would speak of somebody else.
Result<Unit> set_user(net::Headers& headers, const UserInfo& user);
// What a header's name may not hold stands in it percent-encoded, '%' too.
std::string escape_key(std::string_view key);
// A path, decoded before, as it is sent: what Go's URLs encode is, so that the other server reads what was authorized here.
std::string escape_path(std::string_view path);

}  // namespace pintle::apiserver::aggregation
