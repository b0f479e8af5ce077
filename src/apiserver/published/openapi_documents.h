// OpenApiDocuments: the OpenAPI documents of everything that this server serves at a moment, those of other servers merged in. Made of parts: the
// built-in one and those of the kinds that definitions brought are made when they are first asked for and kept packed, so that a document after a
// change costs what has changed. Thread-safe; waits for blocking work, never holds an executor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/published/document.h"
#include "apiserver/published/further.h"
#include "apiserver/registry/installed_registry.h"
#include "rt/sync.h"

namespace pintle::apiserver::published {

class OpenApiDocuments {
 public:
  // All of them outlive this.
  OpenApiDocuments(rt::Runtime& runtime, const registry::InstalledRegistry& registry, const FurtherServers& further);

  // Version 2. `if_none_match`: where it names the document's tag, only the tag is made. An error where `ctx` is done first.
  rt::Task<Result<std::shared_ptr<const Document>>> v2(rt::Context ctx, apimachinery::openapi::Form form, std::string_view if_none_match);

  // GET /openapi/v3.
  rt::Task<Result<std::shared_ptr<const Document>>> v3_index(rt::Context ctx);
  // What stands at /openapi/v3/<name>.
  struct V3 {
    std::string hash;
    std::shared_ptr<const FurtherVersion> further;  // another server's: it answers; or
    std::shared_ptr<const Document> document;
  };
  // nullopt: there is no such document. `if_none_match`: as above. No form: only the tag is made.
  rt::Task<Result<std::optional<V3>>> v3(rt::Context ctx, std::string_view name, std::optional<apimachinery::openapi::Form> form,
                                         std::string_view if_none_match);

 private:
  struct BuiltIn {
    std::shared_ptr<const Packed> paths, definitions;
    std::string parameters;
    std::string made_for;  // add-ons that another server has, and kinds that it adds
  };
  struct Hashes {
    std::vector<std::pair<std::string, std::string>> v3;  // name -> hash, sorted
    std::string all;
  };
  using Kinds = std::vector<std::shared_ptr<const PublishedKind>>;
  struct V2Work;

  // The lock under which documents are made; hashes_ are there.
  rt::Task<Result<rt::AsyncMutex::Lock>> begin(rt::Context ctx);
  void make_v3(const apimachinery::RuntimeGroupVersion& version, Document& document);
  void make_v2(V2Work& work);
  std::string v3_hash(const apimachinery::RuntimeGroupVersion& version) const;

  rt::Runtime& runtime_;
  const registry::InstalledRegistry& registry_;
  const FurtherServers& further_;
  // One document is being made at a time: who asks for the same meanwhile finds it made.
  rt::AsyncMutex mutex_;
  std::optional<Hashes> hashes_;
  std::optional<BuiltIn> built_in_[2];           // JSON, protobuf
  std::shared_ptr<const Packed> references_[2];  // of version 3, without and with Scale
};

}  // namespace pintle::apiserver::published
