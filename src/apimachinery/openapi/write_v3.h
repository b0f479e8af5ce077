// A path in OpenAPI 3.0.
#pragma once

#include "apimachinery/openapi/paths.h"
#include "codec/value.h"

namespace pintle::apimachinery::openapi {

codec::Value v3_path(const PathItem& item);

}  // namespace pintle::apimachinery::openapi
