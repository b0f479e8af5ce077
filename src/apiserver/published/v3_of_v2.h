// The version 3 document of a group version, made of the version 2 document of a server that has nothing newer. Pure.
#pragma once

#include <string_view>

#include "codec/value.h"

namespace pintle::apiserver::published {

// The paths of `document` at `root` ("/apis/group/version") and below it, with the schemas that they reach; Null: there are none. References that
// lead nowhere stay as they are; members beyond merged_members_max, form data and what version 3 has no word for are left out.
codec::Value v3_of_v2(const codec::Value& document, std::string_view root);

}  // namespace pintle::apiserver::published
