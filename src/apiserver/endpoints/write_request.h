// What a writing request says: its parameters and its body, as an object or as a patch. Also sets the scope's dry run and field manager.
#pragma once

#include <string>

#include "api/object.h"
#include "apiserver/exchange/body.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/registry/resource.h"

namespace pintle::apiserver::endpoints {

// BadRequest, Invalid, UnsupportedMediaType or RequestEntityTooLarge.
Result<WriteParameters> read_write_parameters(exchange::Exchange& exchange, WriteKind kind);
Result<api::Object> read_object(exchange::Exchange& exchange, const api::KindInfo& kind, WriteKind write);
// Of a resource: a custom one settled by its schema.
Result<api::Object> read_object(exchange::Exchange& exchange, const registry::VersionBinding& version, WriteKind write);

struct PatchRequest {
  codec::Value document;
  WriteParameters parameters;
  // Of a configuration to apply: keys that come twice, as codec::parse_yaml tells them, not yet settled.
  std::vector<std::string> doubled;
};
// `apply`: a configuration to apply, which may be YAML.
Result<PatchRequest> read_patch(exchange::Exchange& exchange, bool apply);

}  // namespace pintle::apiserver::endpoints
