// A gzip body, unpacked as it is read.
#pragma once

#include <memory>

#include "net/http.h"

namespace pintle::net {

// Reads what `packed` unpacks to, at most 64 KiB a piece. BadRequest if it is no gzip stream or breaks off inside one.
std::unique_ptr<BodyReader> gunzip(std::unique_ptr<BodyReader> packed);

}  // namespace pintle::net
