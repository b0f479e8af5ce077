// Descriptors of the types that the schema takes as given. Containers of them (list_string, map_string, optional_int32
// ...) are generated beside them.
#pragma once

#include "api/type.h"

namespace pintle::api::types {

extern const Type bool_type;
extern const Type int32_type;
extern const Type int64_type;
extern const Type uint64_type;
extern const Type float32_type;
extern const Type float64_type;
extern const Type string_type;
extern const Type bytes_type;
extern const Type quantity_type;
extern const Type intorstring_type;
extern const Type time_type;
extern const Type microtime_type;
extern const Type duration_type;
extern const Type rawextension_type;
extern const Type fieldsv1_type;
extern const Type json_type;

}  // namespace pintle::api::types
