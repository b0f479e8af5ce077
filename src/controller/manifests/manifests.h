// Manifests: applies every manifest of a folder, and again when a file changes, by server-side apply under the field manager
// "pintle". What a file no longer says is removed by apply's ownership; objects of a deleted file stay.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/client.h"
#include "codec/value.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::controller::manifests {

// The objects of a YAML or JSON text: documents, and the items of Lists. BadRequest names the document by its number.
Result<std::vector<codec::Value>> objects_of_manifest(std::string_view text);

struct ManifestSetup {
  rt::Runtime& runtime;
  client::Client& client;
  std::string folder;                           // *.yaml, *.yml and *.json, in order of their names
  std::map<std::string, std::string> built_in;  // name -> manifest, applied first
};

class Manifests {
 public:
  explicit Manifests(ManifestSetup setup);
  ~Manifests();
  // Applies the built-in ones (an error is returned), then follows the folder in the background.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();
  // Applies one object; its namespace is "default" where it needs one and has none.
  rt::Task<Result<Unit>> apply(rt::Context ctx, codec::Value object);

 private:
  struct Endpoint {
    std::string resource;
    bool namespaced = false;
  };
  rt::Task<Result<Endpoint>> find_endpoint(rt::Context ctx, std::string api_version, std::string kind);
  rt::Task<Result<Unit>> apply_text(rt::Context ctx, std::string name, std::string text);
  // True: everything stands.
  rt::Task<bool> apply_folder(rt::Context ctx);
  rt::Task<void> follow(rt::Context ctx, std::unique_ptr<rt::FileWatcher> watcher);

  ManifestSetup setup_;
  std::map<std::string, std::string> applied_;  // file -> content
  std::unique_ptr<rt::TaskGroup> tasks_;
};

}  // namespace pintle::controller::manifests
