// The steps that every write takes, whatever the resource: what the server fills in, what a client may not change, and
// what a status update may touch. Pure but for the random names and the clock they are given.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/meta_v1.h"
#include "api/object.h"
#include "apimachinery/clock_time.h"
#include "apiserver/registry/resource.h"
#include "rt/clock.h"
#include "rt/uid.h"

namespace pintle::apiserver::registry {

// `base` and five characters, as upstream's name generator.
std::string generated_name(std::string_view base, rt::Random& random);

// What only the server writes of a new object, cleared before anybody is asked about it.
void clear_system_metadata(api::meta_v1::ObjectMeta& meta);
// uid and creationTimestamp of a new object.
void fill_new_metadata(api::meta_v1::ObjectMeta& meta, rt::WallTime now, rt::Random& random);
// What an update cannot change is taken from `old`; an absent uid too.
void keep_system_metadata(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old);

// Status cleared, generation 1, as the definition's flags say. A kind without generations keeps what a client says, as upstream's.
void prepare_new(const Resource& resource, api::Object& object);
// Status kept from `old`, generation raised if something outside metadata and status differs.
void prepare_changed(const Resource& resource, api::Object& object, const api::Object& old);
// The latter alone.
void raise_generation(const Resource& resource, api::Object& object, const api::Object& old);
// Where a part is not for metadata: what clients may write of it elsewhere is taken from `old`. Managed fields stay.
void keep_client_metadata(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old);
// All but status and metadata from `old`.
void keep_all_but_status(api::Object& object, const api::Object& old);
// Raises the generation, if there is one, as a deletion does.
void bump_generation(api::meta_v1::ObjectMeta& meta);

// Sets deletionTimestamp if it has none. False if it had.
bool mark_deleted(const Resource& resource, const RequestScope& scope, api::Object& object, int64_t grace_seconds);

}  // namespace pintle::apiserver::registry
