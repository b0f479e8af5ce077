// What goes wrong on the way to a webhook, in the words of Go's HTTP client and upstream's REST client.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::apiserver::callout {

// `failure` as net's client gave it, of a POST to `url`: the reason stays.
Status post_failure(std::string_view url, Status failure);
// What is wrong with an answer that is no success; a metav1.Status in the body speaks for itself.
Status answer_failure(int code, std::string_view content_type, std::string_view body);
// The path as clients of Go's kind send it: absolute, no empty segment, no "." or "..", no slash at the end.
std::string clean_path(std::string_view path);

}  // namespace pintle::apiserver::callout
