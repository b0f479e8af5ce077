// RemoteDocuments: what an aggregated server tells of one group version: its discovery, and its OpenAPI documents. Asked again every minute, with
// the tags of what is known. Nothing that it says of other groups is taken, and all of it is bounded.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "apiserver/aggregation/backends.h"
#include "apiserver/published/document.h"
#include "apiserver/published/further.h"

namespace pintle::apiserver::aggregation {

constexpr std::size_t discovery_bytes_max = 2 << 20;
constexpr std::size_t discovery_resources_max = 4096;  // of a group version, subresources included
constexpr std::size_t openapi_v2_bytes_max = 4 << 20;
constexpr std::size_t openapi_v3_index_bytes_max = 1 << 20;
constexpr std::size_t openapi_hash_bytes_max = 256;  // a longer one is not told on
constexpr rt::Duration discovery_timeout = std::chrono::seconds(5);
constexpr rt::Duration openapi_timeout = std::chrono::seconds(60);
constexpr rt::Duration documents_age_max = std::chrono::seconds(60);

// The version's part of an aggregated discovery document, or of the plain one (`plain`), in JSON. BadRequest: it is none, or too large. A document
// that does not speak of the version gives one without resources.
Result<api::apidiscovery_v2::APIVersionDiscovery> read_discovery(std::string_view json, const Remote& remote, bool plain);
// The hash of /openapi/v3/<path of the version> in an index of such documents; "": it is not among them.
Result<std::string> read_openapi_v3_hash(std::string_view json, const Remote& remote);

// One executor.
class RemoteDocuments {
 public:
  explicit RemoteDocuments(Backends& backends) : backends_(backends) {}
  // Asks for what may have changed; `changed`: whether something has. What could not be had stays as it was; of discovery that is told as stale.
  // The error is the first.
  rt::Task<Result<Unit>> refresh(rt::Context ctx, RemotePtr remote, bool* changed);
  // It is not available. False: it was stale already.
  bool set_stale() { return !std::exchange(stale_, true); }
  bool stale() const { return stale_; }
  // What is known now; serve_openapi_v3 is the caller's.
  published::FurtherVersion version(const Remote& remote) const;
  bool has_openapi_v3() const { return !openapi_v3_hash_.empty(); }
  // Made of its version 2 document, where it has nothing newer; nullptr: there is none.
  std::shared_ptr<const published::Document> made_openapi_v3() const { return has_openapi_v3() ? nullptr : made_openapi_v3_; }

 private:
  rt::Task<Result<Unit>> refresh_discovery(rt::Context ctx, RemotePtr remote, bool* changed);
  rt::Task<Result<Unit>> refresh_openapi_v2(rt::Context ctx, RemotePtr remote, bool* changed);
  rt::Task<Result<Unit>> refresh_openapi_v3(rt::Context ctx, RemotePtr remote, bool* changed);
  rt::Task<void> make_openapi_v3(RemotePtr remote);

  Backends& backends_;
  api::apidiscovery_v2::APIVersionDiscovery discovery_;
  std::string discovery_etag_;
  bool stale_ = true;
  std::shared_ptr<const codec::Value> openapi_v2_;
  std::string openapi_v2_etag_;
  std::string openapi_v2_text_hash_;  // where the server gives no tag
  std::string openapi_v3_hash_;
  std::shared_ptr<const published::Document> made_openapi_v3_;
  std::shared_ptr<const codec::Value> made_of_;  // openapi_v2_ by then
};

}  // namespace pintle::apiserver::aggregation
